"""The fuzz once more with every array index of the kernels checked, which costs a tenfold of the time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = ("test_rules_fuzz.py", "test_rules_perft.py", "test_rules_observation.py", "test_rules_draws.py")
OUT_OF_BOUNDS = """
import numba, numpy
@numba.njit
def read(array, i):
    return array[i]
read(numpy.zeros(3), 3)
"""


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
