"""The AgileRL script, small: what H is told reaches its network, a population learns, goes on, and plays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("agilerl", reason="needs pip install 'sandwich_env[train,agilerl]'")
pytest.importorskip("peft", reason="needs pip install 'sandwich_env[train,agilerl]'")

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / "agilerl_ppo.py"), "--small", *arguments]
    environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_population_learns_goes_on_and_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("--out", str(tmp_path))
    assert re.search(r"mean reward in 4 games from KQQvK: [+-]\d\.\d+ before, [+-]\d\.\d+ after", said)
    assert re.search(r"\d+ steps/s", said)
    assert "against random: " in said
    assert list(tmp_path.glob("**/events.out.tfevents.*"))
    run("--resume", "--steps", "192", "--out", str(tmp_path))

    monkeypatch.syspath_prepend(str(EXAMPLES))
    from agilerl_ppo import Learnt

    from sandwich_env.advisors.base import VisibleAdvice
    from sandwich_env.randomness import Streams
    from sandwich_env.rules import Games

    player, games = Learnt(str(tmp_path / "h.pt")), Games(2)
    played = player.act(games, None, Streams(np.zeros(2, np.uint64)))
    assert (games.legal_mask()[np.arange(2), played] == 1).all()
    told = VisibleAdvice(np.array([int(played[0]), 77]), np.ones(2, np.float32), np.ones((2, 2), np.int8))
    scores = []
    for advice in (None, told):
        player.act(games, advice, Streams(np.zeros(2, np.uint64)))
        scores.append(player._ppo.actor.head_net.dist.logits.numpy())
    legal = games.legal_mask() == 1
    assert np.abs(scores[0] - scores[1])[legal].max() > 0
