"""Observations that are handed out stay as they are for as long as anybody holds them or anything made of them."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.envs.observing import ArrayPool, Sight
from sandwich_env.envs.vector import ChessVectorEnv

N = 5
LARGE = ("observation", "action_mask")


def step(vector: ChessVectorEnv, t: int) -> dict[str, NDArray[Any]]:
    return vector.step(vector.sample_actions(np.arange(N) + t))[0]


def addresses(seen: dict[str, NDArray[Any]]) -> list[int]:
    return [seen[key].ctypes.data for key in LARGE]


@pytest.fixture
def vector() -> ChessVectorEnv:
    vector = ChessVectorEnv(N, autoreset_mode="SameStep", max_plies=12)
    vector.reset(seed=0)
    return vector


@pytest.mark.parametrize("held", [1, 2, 3, 4, 5, 20])
def test_what_is_held_is_never_written_to(vector: ChessVectorEnv, held: int) -> None:
    kept: list[tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]] = []
    for t in range(40):
        seen = step(vector, t)
        for old, _ in kept:
            assert not any(np.shares_memory(old[key], seen[key]) for key in LARGE)
        kept = [*kept, (seen, {key: array.copy() for key, array in seen.items()})][-held:]
        for old, as_it_was in kept:
            for key, array in old.items():
                np.testing.assert_array_equal(array, as_it_was[key])


def part(array: NDArray[Any]) -> Any:
    return array[2:4, ..., 3]


def reshaped(array: NDArray[Any]) -> Any:
    return array.reshape(-1).view(np.uint8)[7:]


def exported(array: Any) -> Any:
    return memoryview(array)


def base(array: NDArray[Any]) -> Any:
    return array.base


def tensor(array: NDArray[Any]) -> Any:
    return pytest.importorskip("torch").from_numpy(array)[1]


@pytest.mark.parametrize("derive", [part, reshaped, exported, base, tensor])
def test_what_was_made_of_it_without_a_copy_holds_it_too(vector: ChessVectorEnv, derive: Any) -> None:
    seen = step(vector, 0)
    derived = {key: derive(seen[key]) for key in LARGE}
    as_it_was = {key: np.asarray(value).copy() for key, value in derived.items()}
    del seen
    for t in range(1, 15):
        step(vector, t)
        gc.collect()
        for key, value in derived.items():
            np.testing.assert_array_equal(np.asarray(value), as_it_was[key])


def test_memory_that_nobody_holds_is_used_again(vector: ChessVectorEnv) -> None:
    used = {tuple(addresses(step(vector, t))) for t in range(30)}
    assert len(used) == 1
    kept: dict[str, NDArray[Any]] = {}
    used = set()
    for t in range(30):  # the usual loop: the old observation lives until the new one is there
        kept = step(vector, t)
        used.add(tuple(addresses(kept)))
    assert len(used) == 2


def test_what_is_kept_and_let_go_does_not_pile_up() -> None:
    pool = ArrayPool(Sight("packed"), count=2, size=3)
    everything = [pool.take() for _ in range(50)]
    assert len({seen["observation"].ctypes.data for seen in everything}) == 50
    assert len(pool._sets) == 3
    everything.clear()
    again = [pool.take() for _ in range(3)]
    assert len(pool._sets) == 3
    assert len({seen["action_mask"].ctypes.data for seen in again}) == 3


def test_a_final_observation_stays_as_it_is(vector: ChessVectorEnv) -> None:
    finals: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for t in range(40):
        infos = vector.step(vector.sample_actions(np.arange(N) + t))[4]
        ended = [final["observation"] for final in infos.get("final_obs", []) if final is not None]
        finals += [(planes, planes.copy()) for planes in ended]
    assert len(finals) == 3 * N
    for held, as_it_was in finals:
        np.testing.assert_array_equal(held, as_it_was)
