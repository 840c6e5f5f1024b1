"""`play` is `step`, `observe` and `legal_mask`; on several threads the same games come out, to the last bit."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from sandwich_env.errors import GameOverError, IllegalActionError
from sandwich_env.rules import NO_ACTION, Games, Termination, team


def everything(games: Games) -> list[np.ndarray]:
    return [array.copy() for array in games._arrays]


@pytest.fixture(autouse=True)
def many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads, however few processors there are to run them."""
    monkeypatch.setattr(team.staff, "most_threads", 8)


@pytest.mark.parametrize("n", [1, 31, 32, 130, 257])
@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_nothing(n: int, threads: int) -> None:
    alone, shared = Games(n, max_plies=40), Games(n, max_plies=40, threads=threads)
    assert shared.threads == shared.copy().threads == shared.select([0]).threads == threads
    seeds = np.arange(n, dtype=np.uint64)
    planes, mask = np.empty((n, 8, 8, 111), bool), np.empty((n, 4672), np.int8)
    for ply in range(50):
        actions = alone.sample(seeds)
        np.testing.assert_array_equal(actions, shared.sample(seeds))
        actions[ply % n] = NO_ACTION
        alone.step(actions)
        shared.play(actions, planes, mask)
        np.testing.assert_array_equal(planes, alone.observe())
        np.testing.assert_array_equal(mask, alone.legal_mask())
        np.testing.assert_array_equal(shared.observe_packed(), alone.observe_packed())
        np.testing.assert_array_equal(shared.legal_mask_packed(), alone.legal_mask_packed())
        if ply == 42:
            alone.reset(alone.finished)
            shared.reset(shared.finished)
    for one, two in zip(everything(alone), everything(shared), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [0, 150, 299])
def test_after_an_illegal_action_nothing_has_changed(threads: int, bad: int) -> None:
    games = Games(300, threads=threads)
    planes, mask = np.full((300, 8, 8, 111), True), np.full((300, 4672), 5, np.int8)
    actions = games.sample(np.arange(300, dtype=np.uint64))
    for wrong in (4671, -2, 4672, 2**40, int(actions[bad]) + 2**16):
        sent = actions.copy()
        sent[bad] = wrong
        before = everything(games)
        with pytest.raises(IllegalActionError, match=f"game {bad}: "):
            games.play(sent, planes, mask)
        for one, two in zip(before, everything(games), strict=True):
            np.testing.assert_array_equal(one, two)
        assert planes.all()
        assert (mask == 5).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_finished_game_takes_no_action(threads: int) -> None:
    games = Games(100, ["7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"], threads=threads)  # stalemate
    games.play(np.full(100, NO_ACTION))
    with pytest.raises(GameOverError, match="game 99 is over"):
        games.play([NO_ACTION] * 99 + [0])


@pytest.mark.parametrize("history", [1, 4, 8])
def test_play_and_show_write_what_the_buffer_can_hold(history: int) -> None:
    games, seeds = Games(5), np.arange(5, dtype=np.uint64)
    channels = 7 + 13 * history
    plain, packed = np.empty((5, 8, 8, channels), bool), np.empty((5, channels, 8), np.uint8)
    mask, packed_mask = np.empty((5, 4672), np.int8), np.empty((5, 584), np.uint8)
    for _ in range(10):
        games.play(games.sample(seeds), packed, packed_mask, view="black")
        games.show(plain, mask, view="white")
        np.testing.assert_array_equal(plain, games.observe(history=history, view="white"))
        np.testing.assert_array_equal(packed, games.observe_packed(history=history, view="black"))
        np.testing.assert_array_equal(mask, games.legal_mask())
        np.testing.assert_array_equal(packed_mask, games.legal_mask_packed())


def test_play_checks_its_buffers_first() -> None:
    games = Games(2)
    actions = games.sample([1, 2])
    with pytest.raises(ValueError, match=r"out has shape \(2, 8, 8, 110\), it needs \(2, 8, 8, 111\)"):
        games.play(actions, np.empty((2, 8, 8, 110), bool))
    with pytest.raises(TypeError, match="it needs bool"):
        games.play(actions, np.empty((2, 8, 8, 111), np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not C-contiguous"):
        games.play(actions, None, np.empty((2, 9344), np.int8)[:, ::2])
    with pytest.raises(TypeError, match="plain NumPy array, not list"):
        games.play(actions, None, [0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="view is"):
        games.play(actions, games.observe(), view="none")  # type: ignore[arg-type]
    assert games.ply.tolist() == [0, 0]


@pytest.mark.parametrize("threads", [0, -1, 2.5, True, "2", 10_000])
def test_threads_are_a_count(threads: object) -> None:
    with pytest.raises((TypeError, ValueError), match="threads"):
        Games(1, threads=threads)  # type: ignore[arg-type]


def test_games_on_several_python_threads_at_once() -> None:
    def play(seed: int, threads: int) -> list[str]:
        games, seeds = Games(128, threads=threads), np.arange(128, dtype=np.uint64) + np.uint64(1000 * seed)
        for _ in range(60):
            games.play(games.sample(seeds))
        return games.fens()

    expected = [play(seed, 1) for seed in range(4)]
    found: dict[int, list[str]] = {}
    runners = [threading.Thread(target=lambda k=k: found.update({k: play(k, 2)})) for k in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(timeout=60)
    assert [found[k] for k in range(4)] == expected


def test_status_is_what_the_arrays_say() -> None:
    games, seeds = Games(30, max_plies=50), np.arange(30, dtype=np.uint64)
    ends = set()
    for _ in range(55):
        for i in range(30):
            status = games.status(i)
            assert status[:6] == (
                games.turn[i],
                games.ply[i],
                games.legal_counts[i],
                games.in_check[i],
                games.repetitions[i],
                games.termination[i],
            )
            assert math.isnan(status.outcome) if math.isnan(games.outcome[i]) else status.outcome == games.outcome[i]
            assert (status.finished, status.truncated, status.terminated) == (
                games.finished[i],
                games.truncated[i],
                games.terminated[i],
            )
            ends.add(Termination(status.termination))
        games.step(games.sample(seeds))
    assert {Termination.PLAYING, Termination.PLY_CAP} <= ends
    with pytest.raises(IndexError, match="game index 30"):
        games.status(30)


def test_bytes_per_game_is_what_the_arrays_hold() -> None:
    for max_plies in (1, 512, 20_000):
        games = Games(7, max_plies=max_plies)
        assert games.bytes_per_game * 7 == sum(array.nbytes for array in games._arrays)
    assert Games(1, max_plies=513).bytes_per_game - Games(1, max_plies=512).bytes_per_game == 2
    assert Games(0).bytes_per_game == Games(1).bytes_per_game


def test_on_one_processor_there_is_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> bool:
        raise AssertionError("nothing is shared")

    monkeypatch.setattr(team.staff, "most_threads", 1)
    monkeypatch.setattr(team.staff, "do", refuse)
    games = Games(200, threads=2)
    games.step(games.sample(np.arange(200)))
    monkeypatch.setattr(team.staff, "most_threads", 2)
    with pytest.raises(AssertionError, match="nothing is shared"):
        games.step(games.sample(np.arange(200)))


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_beyond_any_cache_are_written_alike(threads: int) -> None:
    """Planes and masks of so many games go past the caches, and games are fetched ahead."""
    n = 2_500
    games, seeds = Games(n, max_plies=12, threads=threads), np.arange(n, dtype=np.uint64)
    planes, mask = np.empty((n, 8, 8, 111), bool), np.empty((n, 4672), np.int8)
    room = np.empty(n * 4672 + 8, np.int8)
    crooked = room[8:].reshape(n, 4672)  # no multiple of 16 bytes: written in place
    for _ in range(13):
        games.play(games.sample(seeds), planes, mask)
        games.show(None, crooked)
        np.testing.assert_array_equal(mask, crooked)
        for first in range(0, n, 500):
            some = games.select(np.arange(first, first + 500))
            np.testing.assert_array_equal(planes[first : first + 500], some.observe())
            np.testing.assert_array_equal(mask[first : first + 500], some.legal_mask())
