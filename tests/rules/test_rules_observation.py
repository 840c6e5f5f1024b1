"""The defects of chess_v6's planes one by one, and what holds of ours by themselves."""

from __future__ import annotations

import chess
import numpy as np
import pytest

from sandwich_env.rules import OBSERVATION_SHAPE, Games, Termination, move_to_action, observation_shape

chess_v6 = pytest.importorskip("pettingzoo.classic.chess_v6")
chess_utils = pytest.importorskip("pettingzoo.classic.chess.chess_utils")

CLOCK = 5


# --- The mended defects, one by one: what chess_v6 does, and what we do ---


def test_chess_v6_shows_no_pieces_at_first_and_we_do() -> None:
    env = chess_v6.raw_env()
    env.reset()
    assert env.observe("player_0")["observation"][..., 7:].sum() == 0
    first = Games(1).observe()[0]
    assert first[..., 7:].sum() == 32
    assert first[7, :, 7 + 3].tolist() == [True, False, False, False, False, False, False, True]  # rooks on a1 and h1
    assert first[6, :, 7].all()


def test_chess_v6_forgets_the_starting_position_and_we_keep_it() -> None:
    env = chess_v6.raw_env()
    env.reset()
    games = Games(1)
    action = int(np.flatnonzero(env.observe("player_0")["action_mask"])[0])
    env.step(action)
    games.step([action])
    second = slice(20, 33)
    assert env.observe("player_1")["observation"][..., second].sum() == 0
    assert games.observe()[0, ..., second].sum() == 32


def test_chess_v6_swaps_the_castling_planes_that_it_documents_and_we_do_not() -> None:
    fen = "4k3/8/8/8/8/8/8/R3K3 w Q - 0 1"  # queen side only
    theirs = chess_utils.get_observation(chess.Board(fen), 0)[0, 0, :4]
    assert theirs.tolist() == [False, True, False, False]  # documented: channel 0 is White's queen side
    assert Games(1, [fen]).observe()[0, 0, 0, :4].tolist() == [True, False, False, False]
    assert Games(1, [fen]).observe(view="black")[0, 0, 0, :4].tolist() == [False, False, True, False]
    black = "r3k3/8/8/8/8/8/8/4K3 b q - 0 1"
    assert Games(1, [black]).observe()[0, 0, 0, :4].tolist() == [True, False, False, False]


def test_chess_v6_sets_another_clock_element_for_white_than_it_documents_and_we_do_not() -> None:
    """Documented: the n-th element of the flattened plane. True for Black only, so that it differs with the viewer."""
    for turn, viewer in (("w", 0), ("b", 1)):
        fen = f"4k3/8/8/8/8/8/8/R3K3 {turn} - - 10 20"
        env = chess_v6.raw_env()
        env.reset()
        env.board = chess.Board(fen)
        theirs = env.observe(f"player_{viewer}")["observation"][..., CLOCK]
        assert np.flatnonzero(theirs).tolist() == ([5] if viewer else [5 ^ 56])
        ours = Games(1, [fen]).observe()[0, ..., CLOCK]
        assert np.flatnonzero(ours).tolist() == [5]


def test_chess_v6_cannot_show_a_clock_beyond_64_moves_and_we_can() -> None:
    fen = "4k3/8/8/8/8/8/8/R3K3 w - - 130 90"
    with pytest.raises(IndexError):
        chess_utils.get_observation(chess.Board(fen), 0)
    games = Games(1, [fen], claim_draws=False)
    assert np.flatnonzero(games.observe()[0, ..., CLOCK]).tolist() == [63]


def test_chess_v6_ends_a_game_before_the_third_occurrence_and_we_do_not() -> None:
    """It asks whether a draw could be claimed by announcing a move, whether or not that move is ever played."""
    env = chess_v6.raw_env()
    env.reset()
    games, board = Games(1), chess.Board()
    for uci in ["g1f3", "g8f6", "f3g1", "f6g8", "g1f3", "g8f6", "f3g1"]:
        env.observe(env.agent_selection)
        action = move_to_action(board.parse_uci(uci), board)
        board.push_uci(uci)
        env.step(action)
        games.step([action])
    assert env.terminations["player_0"]
    assert not board.is_repetition(3)
    assert not games.finished[0]
    games.step([move_to_action(chess.Move.from_uci("f6g8"), board)])
    assert games.termination[0] == Termination.THREEFOLD_REPETITION


# --- What holds of our planes by themselves ---


def test_shapes() -> None:
    games = Games(3)
    assert OBSERVATION_SHAPE == (8, 8, 111)
    for history in range(1, 9):
        planes = games.observe(history=history)
        assert planes.shape == (3, *observation_shape(history)) == (3, 8, 8, 7 + 13 * history)
        assert planes.dtype == np.bool_
    for bad in (0, 9):
        with pytest.raises(ValueError, match="history"):
            games.observe(history=bad)
    with pytest.raises(ValueError, match="view"):
        games.observe(view="blue")  # type: ignore[arg-type]


def test_short_histories_are_the_first_channels_of_the_full_one() -> None:
    games = Games(8)
    for _ in range(30):
        full = games.observe()
        for history in (1, 2, 7):
            short = games.observe(history=history)
            np.testing.assert_array_equal(short, full[..., : short.shape[-1]])
        games.step(games.sample(np.arange(8)))


def test_the_mover_sees_the_same_board_whatever_his_colour() -> None:
    """A position and its mirror image differ in channel 4 alone."""
    rng = np.random.default_rng(5)
    games = Games(16)
    for _ in range(60):
        games.step(games.sample(rng.integers(2**63, size=16)))
    boards = [games.board(i) for i in range(16)]
    fens = [board.fen(en_passant="fen") for board in boards]
    mirrored = [board.mirror().fen(en_passant="fen") for board in boards]
    one, other = Games.from_fens(fens).observe(), Games.from_fens(mirrored).observe()
    assert (one[..., 4] != other[..., 4]).all()
    one[..., 4] = other[..., 4] = False
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(Games.from_fens(fens).legal_mask(), Games.from_fens(mirrored).legal_mask())


def test_old_planes_are_cleared_from_a_used_buffer() -> None:
    games = Games(4)
    planes, mask = np.ones((4, 8, 8, 111), dtype=np.bool_), np.ones((4, 4672), dtype=np.int8)
    assert games.observe(planes) is planes
    assert games.legal_mask(mask) is mask
    np.testing.assert_array_equal(planes, games.observe())
    np.testing.assert_array_equal(mask, games.legal_mask())
