"""Endgames: every drawn position is legal, of the right material, and none is likelier than another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import chess
import chess.syzygy
import numpy as np
import pytest

from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import DataError, SpecError
from sandwich_env.randomness import mix
from sandwich_env.starts.endgame import Endgame
from sandwich_env.starts.placing import Material, in_reach, place

SYZYGY = Path(__file__).parents[3] / "shared" / "data" / "syzygy"
with_tables = pytest.mark.skipif(not SYZYGY.is_dir(), reason="no Syzygy tables beside the checkout")
FULL = "KQRRBBNNPPPPPPPPvKQRRBBNNPPPPPPPP"


def drawn(endgame: Endgame, count: int) -> list[chess.Board]:
    keys = mix("endgames", np.arange(count))
    return [chess.Board(fen) for fen in endgame.draw(keys, np.zeros(count, dtype=np.int64))]


def men(board: chess.Board, color: chess.Color) -> str:
    return "".join(sorted(piece.symbol().upper() for piece in board.piece_map().values() if piece.color == color))


@pytest.mark.parametrize("strong_to_move", [True, False])
@pytest.mark.parametrize("material", ["KQvK", "KPvK", "KRPvKR", "KBNvK", FULL])
def test_positions_are_legal_and_as_ordered(material: str, strong_to_move: bool) -> None:
    strong, weak = material.split("v")
    boards = drawn(Endgame(material, strong_to_move=strong_to_move), 60 if len(material) < 10 else 15)
    for board in boards:
        assert board.is_valid()
        assert not board.is_game_over()
        color = board.turn if strong_to_move else not board.turn
        assert (men(board, color), men(board, not color)) == ("".join(sorted(strong)), "".join(sorted(weak)))
        assert (board.castling_rights, board.ep_square, board.halfmove_clock) == (0, None, 0)
    assert 0.2 < np.mean([board.turn for board in boards]) < 0.8
    assert len({board.fen() for board in boards}) >= len(boards) - 1


def test_every_position_is_as_likely_as_the_next() -> None:
    """Against all legal positions of K and P against K, counted by the square of each man: chi-squared, 5 sigma."""
    squares = np.arange(64)
    files, ranks = squares % 8, squares // 8
    near = (abs(files[:, None] - files) <= 1) & (abs(ranks[:, None] - ranks) <= 1)
    hits = (abs(files[:, None] - files) == 1) & (ranks == ranks[:, None] + 1)  # a pawn there, a king here
    same = np.eye(64, dtype=np.bool_)
    king, pawn, other = np.ix_(squares, squares, squares)
    legal = ~near[king, other] & ~hits[pawn, other] & ~same[king, pawn] & ~same[pawn, other] & (pawn // 8 % 7 > 0)
    exact = dict(zip("KPk", (legal.sum((1, 2)), legal.sum((0, 2)), legal.sum((0, 1))), strict=True))
    count = 6000
    found = {man: np.zeros(64) for man in "KPk"}
    for board in drawn(Endgame("KPvK"), count):
        seen = board if board.turn else board.mirror()
        for square, piece in seen.piece_map().items():
            found[piece.symbol()][square] += 1
    for man in "KPk":
        expected = exact[man] * count / legal.sum()
        there = expected > 0
        assert not found[man][~there].any()
        squared = ((found[man] - expected)[there] ** 2 / expected[there]).sum()
        freedom = there.sum() - 1
        assert abs(squared - freedom) < 5 * np.sqrt(2 * freedom)


def test_placing_and_reach_are_python_chess_s() -> None:
    for name in ("KQvKR", "KNBvKP", "KPPvKPP", FULL):
        material = Material(name)
        squares = place(material, mix("reach", np.arange(30)), 5, 3)
        assert squares.shape == (30, 3, len(material))
        np.testing.assert_array_equal(squares, place(material, mix("reach", np.arange(30)), 4, 5)[:, 1:4])
        assert all(len(set(row)) == len(material) for row in squares.reshape(-1, len(material)).tolist())
        for strong in (True, False):
            reached = in_reach(material, squares, strong=strong)
            for at in np.ndindex(30, 3):
                board = chess.Board(None)
                for (kind, is_strong), square in zip(material.men, squares[at].tolist(), strict=True):
                    board.set_piece_at(square, chess.Piece(kind, is_strong))
                    assert kind != chess.PAWN or 8 <= square < 56
                king = board.king(not strong)
                assert king is not None
                assert bool(reached[at]) == bool(board.attackers_mask(strong, king))


def test_several_materials_are_mixed_evenly() -> None:
    sizes = Counter(len(board.piece_map()) for board in drawn(Endgame(["KQvK", "KRRvK", "KQvKRP"]), 300))
    assert set(sizes) == {3, 4, 5}
    assert min(sizes.values()) > 60


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"material": "KXvK"}, "'X' is no man"),
        ({"material": "KQK"}, "a v between"),
        ({"material": "KQvKvK"}, "a v between"),
        ({"material": "KQv"}, "a v between"),
        ({"material": "KKvK"}, "'KK' has 2 kings"),
        ({"material": "QvK"}, "'Q' has 0 kings"),
        ({"material": "K" + "Q" * 16 + "vK"}, "17 men"),
        ({"material": "KPPPPPPPPPvK"}, "takes 9 pawns"),
        ({"material": "KQQPPPPPPPPvK"}, "takes 9 pawns, those promoted counted"),
        ({"material": []}, "give one, such as 'KQvK'"),
        ({"material": ["KQvK", "KvK"]}, "'KvK' has no legal position in which the game goes on"),
        ({"material": 7}, "material is 7"),
        ({"material": "KQvK", "strong_to_move": "yes"}, "strong_to_move is 'yes'"),
        ({"material": "KQvK", "result": "wins", "syzygy": "."}, "unknown result 'wins': did you mean 'win'"),
        ({"material": "KQvK", "result": "win"}, "give syzygy="),
    ],
    ids=str,
)
def test_what_is_no_endgame_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Endgame(**options)


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        Endgame("KQvK", syzygy=tmp_path / "none")
    with pytest.raises(DataError, match="has no Syzygy tables"):
        Endgame("KQvK", syzygy=tmp_path)


@with_tables
@pytest.mark.shared
def test_the_result_is_the_truth() -> None:
    truth = chess.syzygy.open_tablebase(str(SYZYGY))
    for material, strong_to_move, result, wdl in (
        ("KPvK", True, "win", 2),
        ("KPvK", False, "win", -2),
        ("KPvKP", True, "draw", 0),
        ("KPvKP", True, "loss", -2),
        ("KRvKN", False, "draw", 0),
    ):
        endgame = Endgame(material, strong_to_move=strong_to_move, result=result, syzygy=SYZYGY)  # type: ignore[arg-type]
        for board in drawn(endgame, 25):
            assert board.is_valid()
            assert truth.probe_wdl(board) == wdl


@with_tables
@pytest.mark.shared
def test_a_result_that_there_is_not_is_an_error_and_not_a_loop(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'KvK' has no legal position that is a win .* 20,\d+ drawn"):
        Endgame("KvK", result="win", syzygy=SYZYGY)
    with pytest.raises(DataError, match="do not have"):
        Endgame("KQRvKQR", result="win", syzygy=SYZYGY)
    for name in ("KQvK.rtbw", "KQvK.rtbz"):
        (tmp_path / name).write_bytes((SYZYGY / name).read_bytes()[:40])
    with pytest.raises(DataError, match="cannot be read for"):
        Endgame("KQvK", result="win", syzygy=tmp_path)


def test_a_vector_deals_its_own_endgame_to_each_game_and_seats_the_mover() -> None:
    env = ChessVectorEnv(
        16, starts={"kind": "endgame", "material": "KRvK"}, opponent="random", learner_color="mover", max_plies=6
    )
    env.reset(seed=3)
    deals = set()
    for _ in range(12):
        *_, infos = env.step(env.sample_actions(np.arange(16)))
        assert infos["_seat"].all()
        deals |= set(env.games.start_fens())
        for fen, seat in zip(env.games.start_fens(), infos["seat"], strict=True):
            assert ("R" in fen.split()[0]) == (seat == 0) == (fen.split()[1] == "w")
    assert len(deals) > 30
