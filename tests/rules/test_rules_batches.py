"""Batches: the same game alone and among others, some games out of many, checkpoints, and what is refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import chess
import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.errors import GameOverError, IllegalActionError, SandwichError
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games, Termination, move_to_action

MATED = "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"


def played(n: int, plies: int, seed: int = 0) -> Games:
    games = Games(n, max_plies=200)
    for _ in range(plies):
        games.step(games.sample(np.arange(seed, seed + n)))
    return games


def assert_equal(one: Games, other: Games) -> None:
    """The games agree in everything that can be seen of them."""
    assert one.fens() == other.fens()
    for name in ("turn", "ply", "termination", "outcome", "in_check", "repetitions", "halfmove_clock", "legal_counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.observe(), other.observe())
    np.testing.assert_array_equal(one.legal_mask(), other.legal_mask())
    assert one.start_fens() == other.start_fens()
    for i in range(len(one)):
        np.testing.assert_array_equal(one.played(i), other.played(i))


def test_a_game_alone_is_the_same_game_in_a_batch() -> None:
    batch = played(64, 150, seed=1000)
    for i in (0, 17, 63):
        assert_equal(played(1, 150, seed=1000 + i), batch.select([i]))
    assert len({tuple(batch.played(i).tolist()) for i in range(64)}) == 64


def test_samples_are_uniform_and_legal() -> None:
    games = Games(20_000)
    actions = games.sample(np.arange(20_000))
    counts = np.bincount(actions, minlength=NUM_ACTIONS)
    legal = games.legal_mask()[0].astype(bool)
    assert counts[~legal].sum() == 0
    assert counts[legal].min() > 850  # 1,000 expected, standard deviation 31
    assert counts[legal].max() < 1150
    assert (Games(1, [MATED]).sample([3]) == NO_ACTION).all()


def test_select_copies_and_assign_writes_back() -> None:
    games = played(10, 40)
    chosen = games.select([7, 2, 2])
    assert_equal(chosen, played(10, 40).select(np.array([7, 2, 2], dtype=np.uint8)))
    before = copy.deepcopy(games)
    chosen.step(chosen.sample([1, 2, 3]))
    assert_equal(games, before)
    games.assign([7, 3], chosen.select([0, 2]))
    assert_equal(games.select([7, 3]), chosen.select([0, 2]))
    others = [0, 1, 2, 4, 5, 6, 8, 9]
    assert_equal(games.select(others), before.select(others))
    mask = np.zeros(10, dtype=bool)
    mask[[3, 7]] = True
    assert_equal(games.select(mask), games.select([3, 7]))
    assert len(games.select([])) == 0
    for _ in range(30):
        games.step(games.sample(np.arange(10)))
    assert all(board.fen() == fen for board, fen in zip(map(games.board, range(10)), games.fens(), strict=True))


def test_copies_go_on_alike() -> None:
    games = played(6, 60)
    for twin in (
        games.copy(),
        pickle.loads(pickle.dumps(games)),
        copy.deepcopy(games),
        Games.from_state(games.state()),
    ):
        assert_equal(twin, games)
        reference = games.copy()
        for _ in range(60):
            reference.step(reference.sample(np.arange(6)))
            twin.step(twin.sample(np.arange(6)))
        assert_equal(twin, reference)


def test_states_hold_through_files_and_finished_games(tmp_path: Any) -> None:
    games = Games(8, ["8/8/4k3/8/8/3K4/8/Q7 w - - 90 80", MATED], max_plies=30, claim_draws=False)
    for _ in range(30):
        games.step(games.sample(np.arange(8)))
    assert games.finished.all()
    np.savez(tmp_path / "state.npz", **games.state())
    with np.load(tmp_path / "state.npz", allow_pickle=False) as state:
        assert_equal(Games.from_state(state), games)
    empty = Games.from_state(Games(0).state())
    assert len(empty) == 0


def hollowed(moves: NDArray[np.uint16], value: int) -> NDArray[np.int64]:
    """The moves with one overwritten; a -1 used to be skipped in silence, so that the game came out shorter."""
    changed = moves.astype(np.int64)
    changed[1, 7] = value
    return changed


def test_damaged_states_are_found_out() -> None:
    state = played(4, 20).state()
    for change, why in [
        ({"version": np.array(99)}, "version"),
        ({"moves": state["moves"] + 1}, "not legal"),
        ({"moves": state["moves"][:2]}, "shape"),
        ({"ply": state["ply"] + 5}, "beyond"),
        ({"ply": -state["ply"]}, "negative"),
        ({"ply": state["ply"].astype(np.float64)}, "integers"),
        ({"ply": state["ply"].astype(">u8") + np.uint64(2**63)}, "beyond"),
        ({"moves": hollowed(state["moves"], -1)}, "game 1 has action -1 at ply 7"),
        ({"moves": hollowed(state["moves"], NUM_ACTIONS)}, "game 1 has action 4672 at ply 7"),
        ({"moves": state["moves"].astype(np.float32)}, "integers"),
        ({"max_plies": np.array(20.5)}, "integers"),
        ({"max_plies": np.array(19)}, "beyond"),
        ({"max_plies": np.array([512])}, "0-dimensional"),
        ({"claim_draws": np.array("False")}, "booleans"),
        ({"starts": np.array(["nonsense"] * 3)}, "3 starts"),
        ({"starts": np.array(chess.STARTING_FEN)}, "1-dimensional"),
        ({"starts": np.array(["nonsense"] * 4)}, "nonsense"),
    ]:
        with pytest.raises(ValueError, match=why):
            Games.from_state({**state, **change})
    with pytest.raises(TypeError, match="mapping"):
        Games.from_state([state])  # type: ignore[arg-type]
    del state["ply"]
    with pytest.raises(ValueError, match="lacks ply"):
        Games.from_state(state)


def test_an_illegal_action_changes_nothing_and_is_explained() -> None:
    games = played(5, 7)
    before = copy.deepcopy(games)
    actions = games.sample(np.arange(5))
    for bad in (0, NUM_ACTIONS, -2, 10**12):
        wrong = actions.copy()
        wrong[3] = bad
        with pytest.raises(IllegalActionError, match=f"game 3: action {bad} .*moves are legal") as caught:
            games.step(wrong)
        assert games.fens()[3] in str(caught.value)
        assert_equal(games, before)
    with pytest.raises(IllegalActionError, match=r"\(e2e5\) is not legal"):
        Games(1).step([(4 * 8 + 1) * 73 + 2 * 8 + 4])
    for dtype in ("<u8", ">u8"):  # the largest of them must not come out as NO_ACTION
        with pytest.raises(IllegalActionError):
            games.step(np.full(5, 2**64 - 1, dtype=dtype))
    assert_equal(games, before)


def test_finished_games_take_no_action_only() -> None:
    games = Games(2, [MATED, chess.STARTING_FEN])
    before = games.fens()
    with pytest.raises(GameOverError, match=r"game 0 is over \(checkmate\)"):
        games.step([5, NO_ACTION])
    games.step([NO_ACTION, NO_ACTION])
    assert games.fens() == before, "NO_ACTION leaves any game as it is"
    games.step([NO_ACTION, games.sample([0, 0])[1]])
    assert games.ply.tolist() == [0, 1]
    assert not games.legal_mask()[0].any()
    assert issubclass(GameOverError, SandwichError)


def test_resetting_some() -> None:
    games = played(6, 20)
    before = games.copy()
    games.reset(np.array([True, False, True, False, False, False]))
    assert games.ply.tolist() == [0, 20, 0, 20, 20, 20]
    assert_equal(games.select([1, 3, 4, 5]), before.select([1, 3, 4, 5]))
    assert_equal(games.select([0, 2]), Games(2, max_plies=200))
    games.reset()
    assert_equal(games, Games(6, max_plies=200))


def test_starts_go_to_the_games_in_the_order_of_the_indices() -> None:
    fens = [f"4k3/8/8/8/8/8/8/R3K3 w - - 0 {i}" for i in (1, 2)]
    games = Games(4)
    games.reset([3, 1], fens)
    assert games.start_fens() == [chess.STARTING_FEN, fens[1], chess.STARTING_FEN, fens[0]]
    games.reset(np.array([True, False, True, False]), fens)
    assert games.start_fens() == [fens[0], fens[1], fens[1], fens[0]]
    with pytest.raises(ValueError, match="twice"):
        games.reset([1, 1], fens)


def test_games_may_change_places() -> None:
    games = played(6, 9)
    before = games.copy()
    games.assign([5, 4, 3, 2, 1, 0], games)
    assert_equal(games, before.select([5, 4, 3, 2, 1, 0]))


def test_properties_are_the_callers_to_keep() -> None:
    games = Games(2)
    for name in ("turn", "ply", "termination", "outcome", "in_check", "repetitions", "halfmove_clock", "finished"):
        getattr(games, name)[:] = 1
    games.played(0)[:] = 0
    assert_equal(games, Games(2))
    assert np.isnan(games.outcome).all()
    assert games.outcome.dtype == np.float32
    assert games.turn.dtype == np.bool_


def misaligned() -> NDArray[np.uint64]:
    return np.zeros(8 * 4 + 1, dtype=np.uint8)[1:].view(np.uint64)


@pytest.mark.parametrize(
    ("out", "error", "why"),
    [
        (np.zeros((2, 4672), dtype=np.int8), ValueError, "shape"),
        (np.zeros((4, 4671), dtype=np.int8), ValueError, "shape"),
        (np.zeros((4, 4672), dtype=np.bool_), TypeError, "dtype"),
        (np.zeros((4, 4672), dtype=np.int64), TypeError, "dtype"),
        (np.zeros((4672, 4), dtype=np.int8).T, ValueError, "contiguous"),
        (np.zeros((8, 4672), dtype=np.int8)[::2], ValueError, "contiguous"),
        (np.broadcast_to(np.zeros(4672, dtype=np.int8), (4, 4672)), ValueError, "contiguous|read-only"),
        ([[0] * 4672] * 4, TypeError, "list"),
    ],
)
def test_unfit_buffers_are_refused(out: Any, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        Games(4).legal_mask(out)


def test_read_only_buffers_are_refused() -> None:
    mask, planes = np.zeros((4, 4672), dtype=np.int8), np.zeros((4, 8, 8, 111), dtype=np.bool_)
    mask.flags.writeable = planes.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Games(4).legal_mask(mask)
    with pytest.raises(ValueError, match="read-only"):
        Games(4).observe(planes)
    with pytest.raises(ValueError, match="shape"):
        Games(4).observe(np.zeros((4, 8, 8, 20), dtype=np.bool_))


def test_actions_and_seeds_of_any_integer_type_and_layout() -> None:
    legal = move_to_action(chess.Move.from_uci("e2e4"), chess.Board())
    for actions in (
        [legal] * 4,
        np.full(4, legal, dtype=np.int16),
        np.full(4, legal, dtype=np.uint64),
        np.full((4, 2), legal)[:, 0],
        np.full(4, legal, dtype=">i4"),
    ):
        games = Games(4)
        games.step(actions)
        assert (games.ply == 1).all()
    readonly = np.full(4, legal)
    readonly.flags.writeable = False
    Games(4).step(readonly)
    seeds = misaligned()
    assert not seeds.flags.aligned
    assert (Games(4).sample(seeds) == Games(4).sample([0, 0, 0, 0])).all()


@pytest.mark.parametrize(
    ("actions", "error"),
    [([1.0] * 4, TypeError), ([True] * 4, TypeError), ([1, 2], ValueError), (3, ValueError), (["a"] * 4, TypeError)],
)
def test_unfit_actions_and_seeds_are_refused(actions: Any, error: type[Exception]) -> None:
    games = Games(4)
    with pytest.raises(error):
        games.step(actions)
    with pytest.raises(error):
        games.sample(actions)
    with pytest.raises(ValueError, match="negative"):
        games.sample([-1, 0, 0, 0])


def test_unfit_indices_are_refused() -> None:
    games = Games(4)
    for indices, error in [
        ([4], IndexError),
        ([-1], IndexError),
        ([0.5], TypeError),
        (2, ValueError),
        ([True], ValueError),
    ]:
        with pytest.raises(error):
            games.select(indices)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        games.board(4)
    with pytest.raises(IndexError):
        games.played(-1)
    for i in (1.5, True, "1", None, np.array([1, 2]), float("nan")):
        with pytest.raises(TypeError, match="a game index is an integer"):
            games.board(i)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="other is Games"):
        games.assign([1], "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="twice"):
        games.assign([1, 1], Games(2))
    with pytest.raises(ValueError, match="place"):
        games.assign([1], Games(2))
    with pytest.raises(ValueError, match="other rules"):
        games.assign([1], Games(1, max_plies=7))


def test_unfit_settings_are_refused() -> None:
    for n in (-1, 1.5, True, "3"):
        with pytest.raises((TypeError, ValueError)):
            Games(n)  # type: ignore[arg-type]
    for max_plies in (0, 10**9, None):
        with pytest.raises((TypeError, ValueError)):
            Games(1, max_plies=max_plies)  # type: ignore[arg-type]


def test_flags_are_booleans() -> None:
    for claim_draws in ("no", 0, None, [True]):
        with pytest.raises(TypeError, match="claim_draws is True or False"):
            Games(1, claim_draws=claim_draws)  # type: ignore[arg-type]


def test_subclasses_of_arrays_are_no_buffers_but_memory_maps_are(tmp_path: Any) -> None:
    games = Games(4)
    for buffer in (np.ma.zeros((4, 4672), dtype=np.int8), np.zeros((4, 4672), dtype=np.int8).view(np.matrix)):
        with pytest.raises(TypeError, match="plain NumPy array"):
            games.legal_mask(buffer)
    mapped = np.memmap(tmp_path / "mask", dtype=np.int8, mode="w+", shape=(4, 4672))
    np.testing.assert_array_equal(games.legal_mask(mapped), games.legal_mask())


@pytest.mark.parametrize("threads", [1, 2])
def test_buffers_that_share_memory(threads: int) -> None:
    """Observation and mask may not; the actions may lie where the observation is written."""
    games, expected = Games(128, threads=threads), Games(128)
    room = np.zeros(128 * 64 * 111, dtype=np.uint8)
    planes = room.view(np.bool_).reshape(128, 8, 8, 111)
    mask = room[-128 * 4672 :].view(np.int8).reshape(128, 4672)
    actions = room[: 128 * 8].view(np.int64)
    actions[:] = games.sample(np.arange(128))
    expected.step(actions.copy())
    for call in (lambda: games.play(actions, planes, mask), lambda: games.show(planes, mask)):
        with pytest.raises(ValueError, match="share memory"):
            call()
    assert_equal(games, Games(128))
    games.play(actions, planes)
    assert_equal(games, expected)
    np.testing.assert_array_equal(planes, expected.observe())


def test_no_games_at_all() -> None:
    games = Games(0)
    games.step([])
    assert games.sample([]).shape == (0,)
    assert games.observe().shape == (0, 8, 8, 111)
    assert games.legal_mask().shape == (0, 4672)
    assert games.fens() == []
    assert "0, 0 finished" in repr(games)


def test_the_codes_of_terminations_do_not_change() -> None:
    assert [reason.value for reason in Termination] == list(range(9))
