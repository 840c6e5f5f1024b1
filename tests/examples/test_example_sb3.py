"""The scripts for stable-baselines3 and PettingZoo, small: they learn, go on, and leave weights that play."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sb3_contrib", reason="needs pip install 'sandwich_env[train,sb3]'")
pytest.importorskip("tensorboard", reason="needs pip install 'sandwich_env[train,sb3]'")
pytest.importorskip("tqdm", reason="needs pip install 'sandwich_env[train,sb3]'")

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "examples" / script), "--small", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def steps_saved(folder: Path) -> list[int]:
    return sorted(int(path.stem.split("_")[1]) for path in (folder / "checkpoints").glob("h_*.zip"))


@pytest.mark.slow
def test_maskable_ppo_learns_and_goes_on(tmp_path: Path) -> None:
    said = run("sb3_maskable_ppo.py", "--weights", "none", "--out", str(tmp_path))
    assert re.search(r"\d+ steps/s", said)
    assert re.search(r"reward in 8 games of KQQvK: [+-]\d\.\d+ before, [+-]\d\.\d+ after", said)
    assert "h.safetensors against novice: " in said
    first = steps_saved(tmp_path)
    assert first
    assert first[-1] <= 256
    assert list(tmp_path.glob("ppo_*/events.out.tfevents.*"))

    said = run("sb3_maskable_ppo.py", "--resume", "--out", str(tmp_path))
    assert steps_saved(tmp_path)[-1] > first[-1]


@pytest.mark.slow
def test_the_tutorial_of_pettingzoo(tmp_path: Path) -> None:
    said = run("pettingzoo_tutorial.py", "--out", str(tmp_path))
    assert re.search(r"two players at random: [+-]\d\.\d+ for the one who begins", said)
    assert re.search(r"the learner against one at random: [+-]\d\.\d+", said)
    assert "h.zip against random: " in said
    assert steps_saved(tmp_path) == [128]
