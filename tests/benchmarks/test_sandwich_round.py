"""The benchmark of a round: that it runs, and that its shares and ratios are of one account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_a_small_round_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    small = ["--rounds", "1", "--seconds", "0.1", "--games", "4", "--openings", "2", "--batch", "32"]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "sandwich_round.py"), *small, "--json", str(file)],
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tables = {table["name"]: table for table in json.loads(file.read_text())["tables"]}
    assert set(tables) == {"self-play", "matches", "fit", "a whole round"}
    for table in tables.values():
        (speeds,) = table["rounds"]
        assert all(speed > 0 for speed in speeds.values())
    assert int(tables["a whole round"]["notes"]["positions answered while H was measured"]) > 0
    shares = tables["a whole round"]["notes"]["shares"]
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)
    assert all(share > -0.005 for share in shares.values()), shares
    assert shares["networks playing"] > 0
    assert shares["networks measuring"] > 0
    assert shares["networks learning"] > 0
    assert "all that is no network" in done.stdout
