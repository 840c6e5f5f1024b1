"""AgileRL for `libraries.py`: one PPO agent in self-play, with the network of `examples/agilerl_ppo.py`."""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
from agilerl.algorithms import PPO
from agilerl.rollouts import collect_rollouts
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from libraries import OURS, THEIRS
from their_chess import BothSides

from sandwich_env import layouts

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from agilerl_ppo import LAYOUT, NETWORK

LIBRARY = "AgileRL"
GAMES, STEPS = 16, 16


def ours() -> VectorEnv[Any, Any, Any]:
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=GAMES, autoreset_mode="SameStep")
    games: VectorEnv[Any, Any, Any] = layouts.wrap(envs, LAYOUT)
    return games


def theirs() -> VectorEnv[Any, Any, Any]:
    return SyncVectorEnv(
        [functools.partial(BothSides, mask_in_info=True)] * GAMES, autoreset_mode=AutoresetMode.SAME_STEP
    )


def learners() -> dict[str, Any]:
    return {OURS: trainer(ours()), THEIRS: trainer(theirs())}


def trainer(games: VectorEnv[Any, Any, Any]) -> Any:
    """Trains on them, a rollout and its update at a time."""
    spaces = games.single_observation_space, games.single_action_space
    settings = {"learn_step": GAMES * STEPS, "num_envs": GAMES, "batch_size": 256, "update_epochs": 3}
    agent = PPO(*spaces, normalize_images=False, net_config=NETWORK, **settings)
    agent.set_training_mode(True)
    last: dict[str, Any] = {}

    def train(seconds: float) -> int:
        until, steps = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            _, *now = collect_rollouts(agent, games, n_steps=STEPS, **last)
            last.update(zip(("last_obs", "last_done", "last_scores", "last_info"), now, strict=True))
            agent.learn()
            steps += GAMES * STEPS
        return steps

    return train
