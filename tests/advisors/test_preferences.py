"""The scores of a preference against python-chess, move by move."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from advisors_support import some_games

from sandwich_env.advisors.men import PAWNS_WORTH, men_on
from sandwich_env.advisors.preferences import PREFERENCES, find
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.rules import Games, action_to_move

SHARP = [
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",  # castling both sides, captures
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",  # en passant, and a pawn that has just advanced
    "rnbqkbnr/pppp1ppp/8/8/3pPP2/8/PPP3PP/RNBQKBNR b KQkq e3 0 3",
    "2r5/1P6/8/8/8/8/k5Kp/6B1 w - - 0 1",  # promotions, with and without a capture
    "2r5/1P6/8/8/8/8/k5Kp/6B1 b - - 0 1",
    "7k/8/5K2/6Q1/8/8/8/8 w - - 0 1",  # mate and stalemate in one
    "8/8/8/8/8/2k5/3p4/3K4 w - - 0 1",  # taking the last pawn leaves bare kings
    "4k3/8/8/8/3q4/8/3R4/3K4 w - - 98 60",  # the fifty-move rule, unless something is taken
    "8/8/8/2k5/3Pp3/8/8/4K3 b - d3 0 1",
]
WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9, chess.KING: 0}


def positions() -> Games:
    return Games.from_fens([*some_games(60, plies=40).fens(), *SHARP])


def shuffled() -> Games:
    """Games in which knights went out and back, once and twice but for a move: positions come again."""
    games = Games(2)
    for ply in range(7):
        move = chess.Move.from_uci(["g1f3", "g8f6", "f3g1", "f6g8"][ply % 4])
        board = games.board(0)
        action = next(a for a in games.select([0]).legal_actions()[0] if action_to_move(int(a), board) == move)
        games.step(np.array([int(action), int(action) if ply < 3 else -1]))
    return games


def legal_of(games: Games) -> LegalLogits:
    actions, counts = games.legal_actions()
    return LegalLogits(actions, counts, np.zeros(len(actions), dtype=np.float32))


def by_hand(name: str, board: chess.Board, move: chess.Move) -> float:
    if name in chess.PIECE_NAMES:
        return board.piece_type_at(move.from_square) == chess.PIECE_NAMES.index(name)
    if name == "captures":
        return board.is_capture(move)
    if name == "checks":
        return board.gives_check(move)
    if name in {"kingside", "queenside"}:
        return (chess.square_file(move.to_square) >= 4) == (name == "kingside")
    total = sum(WORTH[man.piece_type] for man in board.piece_map().values())
    taken = chess.PAWN if board.is_en_passant(move) else board.piece_type_at(move.to_square)
    after = board.copy()
    after.push(move)
    outcome = after.outcome(claim_draw=False)
    drawn = (outcome is not None and outcome.winner is None) or (
        outcome is None and (after.is_repetition(3) or after.halfmove_clock >= 100)
    )
    return 1.0 if drawn else 0.5 if after.is_repetition(2) else WORTH[taken] / total if taken else 0.0


@pytest.mark.parametrize("make", [positions, shuffled], ids=["positions", "shuffled"])
@pytest.mark.parametrize("name", PREFERENCES)
def test_scores_are_those_of_python_chess(name: str, make) -> None:  # type: ignore[no-untyped-def]
    games = make()
    legal = legal_of(games)
    scores = find(name)(games, legal)
    boards = [games.board(i) for i in range(len(games))]
    pairs = zip(legal.rows().tolist(), legal.actions.tolist(), strict=True)
    right = [float(by_hand(name, boards[i], action_to_move(action, boards[i]))) for i, action in pairs]
    np.testing.assert_allclose(scores, right, rtol=1e-12)
    if make is positions:
        assert 0 < np.count_nonzero(scores) < len(scores)


def test_every_sort_of_draw_is_among_what_was_tested() -> None:
    scores = find("draws")(shuffled(), legal_of(shuffled()))
    assert {0.5, 1.0} <= set(scores.tolist())


def test_scores_without_games() -> None:
    nobody = Games(1).select(np.zeros(0, dtype=np.int64))
    for name in PREFERENCES:
        assert find(name)(nobody, legal_of(nobody)).shape == (0,)


@pytest.mark.parametrize("view", ["mover", "white", "black"])
def test_men_stand_where_python_chess_has_them(view: str) -> None:
    games = positions()
    men = men_on(games, view)  # type: ignore[arg-type]
    for i, board_men in enumerate(men):
        board = games.board(i)
        black = view == "black" or (view == "mover" and board.turn == chess.BLACK)
        seen = board.mirror() if black else board
        right = np.zeros((8, 8, 12), dtype=bool)
        for square, man in seen.piece_map().items():
            right[square // 8, square % 8, man.piece_type - 1 + (0 if man.color else 6)] = True
        np.testing.assert_array_equal(board_men, right, err_msg=board.fen())
    assert PAWNS_WORTH.tolist() == list(WORTH.values())
