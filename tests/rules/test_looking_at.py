"""Some games out of many shown where they are: what copies of them show."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.rules import Games

N = 40


@pytest.fixture(scope="module")
def games() -> Games:
    games, seeds = Games(N, max_plies=60, threads=2), np.arange(N, dtype=np.uint64)
    for ply in range(60):
        games.step(np.where(ply < np.arange(N) * 2, games.sample(seeds), -1))
    assert 0 < games.over_count < N
    return games


@pytest.mark.parametrize("view", ["mover", "white", "black"])
@pytest.mark.parametrize("rows", [[], [3], [38, 0, 38], list(range(N))])
def test_looking_at_some(games: Games, rows: list[int], view: str) -> None:
    for packed in (False, True):
        seen, expected = games.look_at(rows, view, packed=packed), games.select(rows).look(view, packed=packed)
        for array, same in zip(seen, expected, strict=True):
            assert array.dtype == same.dtype
            np.testing.assert_array_equal(array, same)


@pytest.mark.parametrize("rows", [[], [3], [38, 0], list(range(N))])
def test_showing_some_leaves_the_other_rows_right(games: Games, rows: list[int]) -> None:
    for packed in (False, True):
        right = games.look(packed=packed)
        buffers = [array.copy() for array in right]
        for buffer in buffers:
            buffer[rows] = 1
        games.show_at(rows, *buffers)
        for buffer, same in zip(buffers, right, strict=True):
            np.testing.assert_array_equal(buffer, same)


def test_what_is_refused(games: Games) -> None:
    planes, mask = games.look()
    with pytest.raises(IndexError, match="game index 40 is out of range"):
        games.look_at([40])
    with pytest.raises(ValueError, match="view is 'mover', 'white' or 'black', not 'both'"):
        games.look_at([0], "both")
    with pytest.raises(ValueError, match="needs"):
        games.show_at([0], planes[:-1], mask)
    shared = np.zeros(planes.nbytes, dtype=np.int8)
    with pytest.raises(ValueError, match="observation and mask share memory"):
        games.show_at([0], shared.view(np.bool_).reshape(planes.shape), shared[: mask.nbytes].reshape(mask.shape))
