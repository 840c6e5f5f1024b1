"""Questions to engines: the short form of a position stands for the whole game, and legality is python-chess's."""

from __future__ import annotations

import random
from collections import Counter

import chess
import numpy as np
import pytest

from sandwich_env.experts.engine_questions import GameQuestions, about_board
from sandwich_env.rules import Games, move_to_action

SHUFFLE = ["g1f3", "g8f6", "f3g1", "f6g8"]


def replayed(position: str) -> list[chess.Board]:
    """The boards that an engine goes through, the first to the last."""
    words = position.split()
    at = words.index("moves") if "moves" in words else len(words)
    board = chess.Board() if words[1] == "startpos" else chess.Board(" ".join(words[2:at]))
    boards = [board.copy()]
    for move in words[at + 1 :]:
        board.push_uci(move)  # which raises if the move is not legal
        boards.append(board.copy())
    return boards


def key(board: chess.Board) -> str:
    """What makes two positions the same for repetitions."""
    return board.fen().rsplit(" ", 2)[0]


def check(whole: chess.Board, position: str) -> int:
    """The question stands for the whole game; how many moves it holds."""
    boards = replayed(position)
    assert boards[-1].fen() == whole.fen()
    back, seen = whole.copy(), [key(whole)]
    while back.move_stack:
        back.pop()
        seen.append(key(back))
    # Every position that could occur again occurred as often in the question as in the game.
    counts, told = Counter(seen), Counter(key(board) for board in boards)
    here = [key(board) for board in boards]
    assert all(counts[one] == told[one] for one in here)
    # What is left out lies behind a move that cannot be undone.
    if len(seen) > len(boards):
        earlier = whole.copy()
        for _ in range(len(boards) - 1):
            earlier.pop()
        last = earlier.pop()
        assert earlier.is_irreversible(last) or here[0] not in seen[len(boards) :]
    return len(boards) - 1


def play(games: Games, moves: list[str]) -> None:
    for text in moves:
        board = games.board(0)
        games.step([move_to_action(board.parse_uci(text), board)])


@pytest.mark.parametrize(
    ("moves", "sent"),
    [
        ([], 0),
        (SHUFFLE, 4),
        (["e2e4", "c7c5", *SHUFFLE], 5),  # with the pawn's move by two, which may be captured en passant
        (["e2e4", "d7d6", *SHUFFLE], 4),
        (["g1f3", "g8f6", "h1g1", "h8g8", "g1h1", "g8h8", "f3g1", "f6g8"], 4),  # the first rook moves cost rights
        (["e2e4", "e7e5", "g1f3", "g8f6", "f1c4", "f8c5", "e1g1", "e8g8"], 0),  # castling cannot be undone
    ],
)
def test_only_what_can_be_repeated_is_sent(moves: list[str], sent: int) -> None:
    games = Games(1, claim_draws=False)
    play(games, moves)
    position = GameQuestions(games).about(0).position
    assert check(games.board(0), position) == sent
    assert about_board(games.board(0)).position == position


def test_a_start_with_a_clock_of_its_own() -> None:
    start = "r3k2r/8/8/8/8/8/8/R3K2R b Kkq - 12 40"
    games = Games.from_fens([start], claim_draws=False)
    play(games, ["h8g8", "a1b1", "g8h8", "b1a1", "h8g8"])
    position = GameQuestions(games).about(0).position
    assert check(games.board(0), position) == 4
    assert position.startswith("position fen r3k1r1/8/8/8/8/8/8/R3K2R w Kq - 13 41 moves a1b1")


def test_null_moves_are_not_sent() -> None:
    board = chess.Board()
    for text in ("g1f3", "0000", "f3g1"):
        board.push_uci(text)
    assert check_last(about_board(board).position, board) == 1


def check_last(position: str, board: chess.Board) -> int:
    boards = replayed(position)
    assert boards[-1].fen() == board.fen()
    return len(boards) - 1


def test_random_games_from_boards_and_from_arrays() -> None:
    count, plies = 48, 260
    games, seeds = Games(count, max_plies=400, claim_draws=False), np.arange(count)
    longest = 0
    for ply in range(plies):
        games.step(games.sample(seeds))
        if ply % 9 == 0:
            questions = GameQuestions(games)
            for i in range(ply % 5, count, 5):
                if not games.finished[i]:
                    board = games.board(i)
                    question = questions.about(i)
                    longest = max(longest, check(board, question.position))
                    assert question.fen == board.fen()
                    assert about_board(board).position == question.position
    assert longest > 10


def test_which_moves_are_legal() -> None:
    fens = [
        chess.STARTING_FEN,
        "r3k2r/ppp2ppp/8/3pP3/8/8/PPP2PPP/R3K2R w KQkq d6 0 10",
        "1n2k3/P1P5/8/8/8/8/3p3p/5KN1 w - - 0 1",
        "1n2k3/P1P5/8/8/8/8/3p3p/5KN1 b - - 0 1",
        "4k3/K7/8/8/8/7r/7P/8 w - - 0 1",
        "8/2KQ4/8/8/8/8/8/k7 w - - 0 1",
    ]
    games, rng = Games.from_fens(fens), random.Random(0)
    questions = GameQuestions(games)
    for i, fen in enumerate(fens):
        board, question = chess.Board(fen), questions.about(i)
        for start in range(64):
            for end in range(64):
                for promotion in (None, chess.QUEEN, chess.KNIGHT):
                    move = chess.Move(start, end, promotion)
                    expected = move in board.legal_moves and not (
                        board.is_castling(move) and abs(start - end) != 2  # king takes rook is no UCI of standard chess
                    )
                    assert question.is_legal(move) == expected, (fen, move)
        some = rng.choice(list(board.legal_moves))
        assert questions.action(i, some) == move_to_action(some, board)
