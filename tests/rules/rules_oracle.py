"""python-chess as the slow, trusted implementation that `Games` is compared with."""

from __future__ import annotations

from collections import Counter

import chess
import numpy as np

from sandwich_env.rules import Games, Termination, move_to_action
from sandwich_env.rules.actions import encode_move

PYTHON_CHESS_REASONS = {
    chess.Termination.CHECKMATE: Termination.CHECKMATE,
    chess.Termination.STALEMATE: Termination.STALEMATE,
    chess.Termination.INSUFFICIENT_MATERIAL: Termination.INSUFFICIENT_MATERIAL,
    chess.Termination.SEVENTYFIVE_MOVES: Termination.SEVENTYFIVE_MOVES,
    chess.Termination.FIVEFOLD_REPETITION: Termination.FIVEFOLD_REPETITION,
}


def expected_termination(board: chess.Board, max_plies: int, claim_draws: bool) -> Termination:
    """Why a game that stands at `board` is over, in python-chess's words."""
    outcome = board.outcome()
    if outcome is not None:
        return PYTHON_CHESS_REASONS[outcome.termination]
    if claim_draws and board.is_fifty_moves():
        return Termination.FIFTY_MOVES
    if claim_draws and board.is_repetition(3):
        return Termination.THREEFOLD_REPETITION
    if len(board.move_stack) >= max_plies:
        return Termination.PLY_CAP
    return Termination.PLAYING


def count_repetitions(board: chess.Board) -> int:
    """How often the position occurred before, up to 4."""
    count = 0
    while count < 4 and board.is_repetition(count + 2):
        count += 1
    return count


def assert_same(games: Games, boards: list[chess.Board]) -> None:
    """Every position, its legal moves and its verdict are python-chess's."""
    mask = games.legal_mask()
    fens, turn, check = games.fens(), games.turn, games.in_check
    termination, outcome, repetitions, clock = (
        games.termination,
        games.outcome,
        games.repetitions,
        games.halfmove_clock,
    )
    for i, board in enumerate(boards):
        fen = board.fen()
        assert fens[i] == fen
        assert turn[i] == board.turn, fen
        assert check[i] == board.is_check(), fen
        assert clock[i] == board.halfmove_clock, fen
        assert repetitions[i] == count_repetitions(board), fen
        reason = expected_termination(board, games.max_plies, games.claim_draws)
        assert termination[i] == reason, fen
        legal = [] if reason else [encode_move(move, board.turn) for move in board.legal_moves]
        assert np.flatnonzero(mask[i]).tolist() == sorted(legal), fen
        if reason is Termination.PLAYING:
            assert np.isnan(outcome[i]), fen
        else:
            won = {"1-0": 1, "0-1": -1}.get(board.result(), 0)
            assert outcome[i] == won, fen


def play_alongside(games: Games, seed: int, steps: int) -> Counter[Termination]:
    """Play random games on both sides, starting finished ones again; returns how many positions had each verdict."""
    boards = [games.board(i) for i in range(len(games))]
    rng = np.random.default_rng(seed)
    verdicts: Counter[Termination] = Counter()
    starts = games.start_fens()
    for _ in range(steps):
        assert_same(games, boards)
        verdicts.update(Termination(reason) for reason in games.termination.tolist())
        over = games.finished
        games.reset(over)
        for i in np.flatnonzero(over):
            boards[i] = chess.Board(starts[i])
        actions, open_games = np.full(len(games), -1), ~games.finished
        for i, board in enumerate(boards):
            moves = list(board.legal_moves)
            if open_games[i]:
                move = moves[rng.integers(len(moves))]
                actions[i] = move_to_action(move, board)
                board.push(move)
        games.step(actions)
    return verdicts
