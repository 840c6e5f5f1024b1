"""Planes and masks packed into bits say what the plain ones say, also through promotions, repetitions and castling."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.rules import Games, move_to_action

STARTS = [
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R b KQkq - 97 40",
    "8/PPP4k/8/8/8/8/4Kppp/8 w - - 0 1",
    "7k/8/8/8/8/8/8/K6R b - - 90 60",
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
    "4k3/pppppppp/8/8/8/8/8/QQQQKQQQ b - - 0 1",
]


@pytest.mark.parametrize("claim_draws", [True, False])
def test_packed_is_plain(claim_draws: bool) -> None:
    games = Games(48, STARTS, max_plies=150, claim_draws=claim_draws)
    seeds = np.arange(48, dtype=np.uint64)
    packed, mask = games.observe_packed(), games.legal_mask_packed()
    repeated = 0
    for ply in range(151):
        for view in ("mover", "white", "black"):
            plain = games.observe(view=view)  # type: ignore[arg-type]
            games.observe_packed(packed, view=view)  # type: ignore[arg-type]
            unpacked = np.unpackbits(packed, axis=-1, bitorder="little").reshape(48, 111, 8, 8)
            np.testing.assert_array_equal(unpacked.transpose(0, 2, 3, 1), plain)
        for history in range(1, 8):
            np.testing.assert_array_equal(
                games.observe_packed(history=history), games.observe_packed()[:, : 7 + 13 * history]
            )
        games.legal_mask_packed(mask)
        np.testing.assert_array_equal(mask, np.packbits(games.legal_mask(), axis=-1, bitorder="little"))
        repeated += int((games.repetitions > 0).sum())
        if ply % 7 == 6:
            games.reset(games.finished)
        games.step(games.sample(seeds))
    assert repeated, "no position came twice, so its plane was not looked at"


def test_a_position_is_repeated_within_the_history() -> None:
    games = Games(1)
    for move in ("g1f3", "g8f6", "f3g1", "f6g8"):
        board = games.board(0)
        games.step([move_to_action(board.parse_uci(move), board)])
    planes = games.observe_packed()[0]
    assert planes[7 + 12].tolist() == [255] * 8
    assert not planes[7 + 13 + 12].any()


def test_buffers_are_checked() -> None:
    games = Games(2)
    with pytest.raises(TypeError, match="it needs uint8"):
        games.observe_packed(np.zeros((2, 111, 8), np.int8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"it needs \(2, 20, 8\)"):
        games.observe_packed(np.zeros((2, 111, 8), np.uint8), history=1)
    with pytest.raises(ValueError, match=r"it needs \(2, 584\)"):
        games.legal_mask_packed(np.zeros((2, 585), np.uint8))
    frozen = np.zeros((2, 584), np.uint8)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        games.legal_mask_packed(frozen)
    with pytest.raises(ValueError, match="view is"):
        games.observe_packed(view="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="history is between 1 and 8"):
        games.observe_packed(history=9)


def test_a_buffer_may_lie_anywhere() -> None:
    games = Games(3)
    room = np.full(3 * 111 * 8 + 1, 7, np.uint8)
    games.observe_packed(room[1:].reshape(3, 111, 8))
    np.testing.assert_array_equal(room[1:].reshape(3, 111, 8), games.observe_packed())
    assert room[0] == 7
