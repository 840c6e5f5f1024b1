"""The AgileRL script, small: what H is told reaches its network, a population learns, goes on, and plays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from sandwich_env import layouts

torch = pytest.importorskip("torch")
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


PLANES = (layouts.ChannelsFirst(history=1), layouts.AdvicePlanes(), layouts.MaskInInfo())


def rollout(*views: layouts.Layout) -> None:
    """A rollout and an update, with the network that AgileRL chooses itself."""
    from agilerl.algorithms import PPO
    from agilerl.rollouts import collect_rollouts

    advisor = {"kind": "honest", "expert": "uniform"}
    envs = gym.make_vec("sandwich_env:sandwich/Endgame-v0", num_envs=3, autoreset_mode="SameStep", advisor=advisor)
    games = layouts.wrap(envs, *views)
    torch.manual_seed(0)
    envs.reset(seed=0)  # AgileRL resets without a seed, so that the games go on from this one
    spaces = games.single_observation_space, games.single_action_space
    agent = PPO(*spaces, num_envs=3, learn_step=9, batch_size=9, normalize_images=False)
    before = [parameter.detach().clone() for parameter in agent.actor.parameters()]
    collect_rollouts(agent, games, n_steps=3)
    agent.learn()
    after = list(agent.actor.parameters())
    assert all(parameter.isfinite().all() for parameter in after)
    assert any(not old.equal(new) for old, new in zip(before, after, strict=True)), "nothing was learnt"


@pytest.mark.parametrize("views", [PLANES, (layouts.Flat(), layouts.MaskInInfo())])
def test_layouts_that_agilerl_takes(views: Any) -> None:
    rollout(*views)


def test_layouts_that_agilerl_refuses() -> None:
    with pytest.raises(AssertionError, match="does not support nested"):
        rollout(layouts.NestedMask())
    with pytest.raises(RuntimeError, match="cannot be multiplied"):  # its encoder miscounts our Dict
        rollout(layouts.MaskInInfo())
