"""No kernel reads or writes outside of its arrays: the fuzz once more with every index checked (ten times slower), and
walls around the buffers that kernels write to by address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sandwich_env.rules import Games, observation_shape

FOLDER = Path(__file__).parent
FILES = (
    "test_rules_fuzz.py",
    "test_rules_perft.py",
    "test_rules_observation.py",
    "test_rules_draws.py",
    "test_rules_en_passant.py",
)
OUT_OF_BOUNDS = """
import numba, numpy
@numba.njit
def read(array, i):
    return array[i]
read(numpy.zeros(3), 3)
"""


WALL = 0xAB


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n", [1, 3, 64, 65])
def test_buffers_are_filled_and_nothing_beside_them(n: int, threads: int) -> None:
    """Each buffer is a slice with a row before and behind it; those keep what was in them."""
    games = Games(n, max_plies=40, threads=threads)
    for ply in range(12):
        for name, dtype, shape in [
            ("legal_mask", np.int8, (4672,)),
            ("legal_mask_packed", np.uint8, (584,)),
            *((f"observe {k}", np.bool_, observation_shape(k)) for k in range(1, 9)),
            *((f"observe_packed {k}", np.uint8, (observation_shape(k)[-1], 8)) for k in range(1, 9)),
        ]:
            room = np.full((n + 2, *shape), WALL, dtype=np.uint8)
            out = room[1:-1].view(dtype)
            method, *history = name.split()
            getattr(games, method)(out, *map(int, history), *(["black"] if ply % 3 == 1 and history else []))
            assert (room[[0, -1]] == WALL).all(), name
            if dtype != np.uint8:
                assert room[1:-1].max() == 1, f"{name}: not all of it was written"
        if ply % 2:
            games.play(games.sample(np.arange(n)))
            continue
        planes, mask = np.full((n + 2, 8, 8, 111), WALL, dtype=np.uint8), np.full((n + 2, 4672), WALL, dtype=np.uint8)
        games.play(games.sample(np.arange(n)), planes[1:-1].view(np.bool_), mask[1:-1].view(np.int8))
        assert (planes[[0, -1]] == WALL).all()
        assert (mask[[0, -1]] == WALL).all()
        np.testing.assert_array_equal(planes[1:-1].view(np.bool_), games.observe())
        np.testing.assert_array_equal(mask[1:-1].view(np.int8), games.legal_mask())


@pytest.mark.slow
def test_no_kernel_reads_or_writes_outside_of_its_arrays(tmp_path: Path) -> None:
    checked = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    control = subprocess.run(
        [sys.executable, "-c", OUT_OF_BOUNDS], env=checked, capture_output=True, text=True, check=False
    )
    assert "IndexError" in control.stderr, "indices are not checked"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *FILES],
        cwd=FOLDER,
        env={**checked, "PYTHONPATH": os.pathsep.join([str(FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
