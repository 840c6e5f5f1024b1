"""PPO in one file, and what H learnt about its assistants: both small."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs pip install 'sandwich_env[train]'")
pytest.importorskip("tensorboard", reason="needs pip install 'sandwich_env[fast]'")

from sandwich_env.nets.weights import load_network, load_tensors

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / script), "--small", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_ppo_learns_plays_and_goes_on(tmp_path: Path) -> None:
    said = run("ppo_fast.py", "--out", str(tmp_path), "--advisor", "random_move:epsilon=0.5")
    assert re.search(r"won \d+\.\d%, \d+\.\d questions a game", said)
    assert re.search(r"h\.safetensors against novice", said)
    assert load_network(tmp_path / "h.safetensors").shape.channels == 24
    assert list(tmp_path.glob("events.out.tfevents.*"))
    before = load_tensors(tmp_path / "checkpoint.safetensors")[1]
    assert before == {"step": "2"}
    run("ppo_fast.py", "--out", str(tmp_path), "--advisor", "random_move:epsilon=0.5", "--resume")
    assert load_tensors(tmp_path / "checkpoint.safetensors")[1] == {"step": "4"}


@pytest.mark.slow
def test_the_arms_are_learnt_scored_and_drawn_once(tmp_path: Path) -> None:
    arguments = ("--out", str(tmp_path), "--endgame-expert", "expert", "--puzzle-expert", "expert")  # needs no engine
    said = run("whom_h_trusts.py", *arguments)
    assert "10 of 10 runs" in said
    rows = [line for line in said.splitlines() if line.startswith(("| endgame", "| puzzles"))]
    assert len(rows) == 10
    assert (tmp_path / "trust.png").read_bytes().startswith(b"\x89PNG")
    scored = {
        path.relative_to(tmp_path).parts[1]: json.loads(path.read_text())
        for path in tmp_path.glob("endgame/*/0/result.json")
    }
    assert scored["no_A"]["advised honest"] == scored["no_A"]["advised tampered"] == 0
    assert scored["honest"]["advised honest"] > 0 == scored["honest"]["advised tampered"]
    assert scored["worst_move_1"]["advised tampered"] > scored["worst_move_0.5"]["advised honest"] > 0
    again = run("whom_h_trusts.py", *arguments)
    assert "runs" not in again.replace("of 0 runs", ""), "what is done is not done again"
    assert rows == [line for line in again.splitlines() if line.startswith(("| endgame", "| puzzles"))]
