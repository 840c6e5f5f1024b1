"""The 4672 actions, move by move, and chess_v6's own encoding as the reference."""

from __future__ import annotations

import chess
import chess.variant
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandwich_env.errors import IllegalActionError, InvalidPositionError
from sandwich_env.rules import NUM_ACTIONS, Games, action_to_move, move_to_action
from sandwich_env.rules.actions import PLANE_VECTORS, decode_action, encode_move

PROMOTIONS = "rn1r2k1/P1P5/8/8/8/8/1p1p3K/2R1N3 {} - - 0 1"


@given(st.lists(st.integers(0, 2**16), max_size=80))
@settings(max_examples=40, deadline=None)
def test_every_legal_move_comes_back(choices: list[int]) -> None:
    board = chess.Board()
    for choice in choices:
        moves = list(board.legal_moves)
        if not moves:
            break
        board.push(moves[choice % len(moves)])
    actions = {move_to_action(move, board): move for move in board.legal_moves}
    assert len(actions) == board.legal_moves.count()
    assert all(0 <= action < NUM_ACTIONS for action in actions)
    for action, move in actions.items():
        assert action_to_move(action, board) == move
        assert action_to_move(np.int64(action), board) == move


@pytest.mark.parametrize("turn", ["w", "b"])
def test_promotions_come_back(turn: str) -> None:
    board = chess.Board(PROMOTIONS.format(turn))
    promotions = [move for move in board.legal_moves if move.promotion]
    assert len(promotions) >= 12
    for move in promotions:
        assert action_to_move(move_to_action(move, board), board) == move


def test_a_queen_promotion_is_the_plain_queen_move() -> None:
    board = chess.Board(PROMOTIONS.format("w"))
    assert move_to_action(chess.Move.from_uci("c7c8q"), board) == encode_move(chess.Move.from_uci("c7c8"), chess.WHITE)


def test_known_actions() -> None:
    board = chess.Board()
    assert move_to_action(chess.Move.from_uci("e2e4"), board) == (4 * 8 + 1) * 73 + 8 + 4
    assert move_to_action(chess.Move.from_uci("g1f3"), board) == (6 * 8 + 0) * 73 + 56 + 3
    board.push_uci("e2e4")
    assert move_to_action(chess.Move.from_uci("e7e5"), board) == (4 * 8 + 1) * 73 + 8 + 4, "Black sees it mirrored"


def test_the_encoding_is_that_of_chess_v6() -> None:
    chess_utils = pytest.importorskip("pettingzoo.classic.chess.chess_utils")
    fens = [
        chess.STARTING_FEN,
        PROMOTIONS.format("w"),
        PROMOTIONS.format("b"),
        "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
        "R6R/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBNN1KB1 w - - 0 1",
    ]
    for fen in fens:
        board = chess.Board(fen)
        ours = sorted(move_to_action(move, board) for move in board.legal_moves)
        assert ours == sorted(chess_utils.legal_moves(board))


def test_chess_v6_cannot_decode_an_action_it_has_not_listed_and_we_can(monkeypatch: pytest.MonkeyPatch) -> None:
    chess_utils = pytest.importorskip("pettingzoo.classic.chess.chess_utils")
    monkeypatch.setattr(chess_utils, "actions_to_moves", {})
    board = chess.Board()
    action = move_to_action(chess.Move.from_uci("e2e4"), board)
    with pytest.raises(KeyError):
        chess_utils.action_to_move(board, action, 0)
    assert action_to_move(action, board) == chess.Move.from_uci("e2e4")


def test_all_actions_decode_or_leave_the_board() -> None:
    for turn in chess.COLORS:
        on_board = 0
        for action in range(NUM_ACTIONS):
            move = decode_action(action, turn)
            if move is not None:
                on_board += 1
                assert encode_move(move, turn) == action
        assert on_board == 1858, "as many as there are moves in chess, a known number"


def test_planes_are_distinct() -> None:
    assert len(PLANE_VECTORS) == 73
    assert len(set(PLANE_VECTORS[:64])) == 64


@pytest.mark.parametrize("action", [-1, NUM_ACTIONS, 10**9])
def test_out_of_range_actions_are_refused(action: int) -> None:
    with pytest.raises(IllegalActionError, match="out of range"):
        action_to_move(action, chess.Board())


def test_illegal_moves_are_refused_and_the_message_helps() -> None:
    board = chess.Board()
    with pytest.raises(IllegalActionError, match=r"'e2e5' is not legal in 'rnbqkbnr/.*20 moves are legal: a2a3"):
        move_to_action(chess.Move.from_uci("e2e5"), board)
    with pytest.raises(IllegalActionError, match="'0000'"):
        move_to_action(chess.Move.null(), board)
    with pytest.raises(IllegalActionError, match="off the board"):
        action_to_move(0, board)
    with pytest.raises(IllegalActionError, match="'a1a2'"):
        action_to_move(4, board)
    mated = chess.Board("7k/6Q1/6K1/8/8/8/8/8 b - - 0 1")
    with pytest.raises(ValueError, match="no move is legal"):
        move_to_action(chess.Move.from_uci("h8h7"), mated)
    with pytest.raises(TypeError):
        action_to_move(1.5, board)  # type: ignore[arg-type]


def test_impossible_moves_have_no_action() -> None:
    for uci in ("0000", "a1b4", "a2a4n", "Q@e4"):
        with pytest.raises(IllegalActionError, match="no p"):
            encode_move(chess.Move.from_uci(uci), chess.WHITE)


CASTLING = "r3k2r/8/8/8/8/8/8/R3K2R {} KQkq - 0 1"


@pytest.mark.parametrize(("turn", "rank"), [("w", 1), ("b", 8)])
def test_castling_is_two_steps_of_the_king_however_python_chess_writes_it(turn: str, rank: int) -> None:
    """python-chess takes the king's move to his rook's square for castling, even where it does not play Chess960."""
    board = chess.Board(CASTLING.format(turn))
    mask = Games(1, [board.fen()]).legal_mask()[0]
    for rook, end in (("h", "g"), ("a", "c")):
        to_rook, two_steps = (chess.Move.from_uci(f"e{rank}{file}{rank}") for file in (rook, end))
        assert board.is_legal(to_rook)
        action = move_to_action(to_rook, board)
        assert action == move_to_action(two_steps, board)
        assert mask[action]
        assert action_to_move(action, board) == two_steps
        not_an_action = encode_move(to_rook, board.turn)
        assert not mask[not_an_action]
        with pytest.raises(IllegalActionError, match="is not legal"):
            action_to_move(not_an_action, board)


@pytest.mark.parametrize("turn", ["w", "b"])
def test_every_action_means_the_same_to_games_and_to_python_chess(turn: str) -> None:
    for fen in (CASTLING, PROMOTIONS):
        board = chess.Board(fen.format(turn))
        mask = Games(1, [board.fen()]).legal_mask()[0]
        for action in range(NUM_ACTIONS):
            try:
                move = action_to_move(action, board)
            except IllegalActionError:
                assert not mask[action], action
            else:
                assert mask[action]
                assert move_to_action(move, board) == action


def test_boards_of_other_variants_are_refused() -> None:
    chess960 = chess.Board(chess960=True)
    for board in (chess960, chess.variant.AtomicBoard()):
        with pytest.raises(InvalidPositionError, match="standard chess"):
            move_to_action(chess.Move.from_uci("e2e4"), board)
        with pytest.raises(InvalidPositionError, match="standard chess"):
            action_to_move(0, board)
    for wrong in (chess.BaseBoard(), chess.STARTING_FEN, None):
        with pytest.raises(TypeError, match=r"chess\.Board"):
            action_to_move(0, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"chess\.Move"):
        move_to_action("e2e4", chess.Board())  # type: ignore[arg-type]
