"""The script for Tianshou, small: it learns, goes on, and leaves weights that play."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tianshou", reason="needs pip install 'sandwich_env[train,tianshou]'")
pytest.importorskip("tyro", reason="needs pip install 'sandwich_env[train,tianshou]'")

SCRIPT = Path(__file__).parents[2] / "examples" / "tianshou_ppo.py"


def run(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), "--small", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_ppo_learns_and_goes_on(tmp_path: Path) -> None:
    said = run("--weights", "none", "--out", str(tmp_path))
    assert re.search(r"\d+ plies/s", said)
    assert re.search(r"[\d.]+% of the test games were won", said)
    assert "h.safetensors against novice: " in said
    assert list(tmp_path.glob("events.out.tfevents.*"))
    first = (tmp_path / "checkpoint.pt").read_bytes()

    said = run("--weights", "none", "--out", str(tmp_path), "--resume")
    assert "Epoch #2: test_reward" in said
    assert "Epoch #1: test_reward" not in said
    assert (tmp_path / "checkpoint.pt").read_bytes() != first
