"""TorchRL for `libraries.py`: PPO in self-play, with the network and the learner of `examples/torchrl_ppo.py`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from libraries import OURS, THEIRS
from their_chess import BothSides
from torchrl.collectors import Collector

from sandwich_env import layouts

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from torchrl_ppo import Learner, prepared

LIBRARY = "TorchRL"
GAMES, STEPS = 16, 16


def ours() -> VectorEnv[Any, Any, Any]:
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=GAMES, autoreset_mode="Disabled")
    games: VectorEnv[Any, Any, Any] = layouts.wrap(envs, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes())
    return games


def theirs() -> VectorEnv[Any, Any, Any]:
    return SyncVectorEnv([BothSides] * GAMES, autoreset_mode=AutoresetMode.DISABLED)


def learners() -> dict[str, Any]:
    return {OURS: trainer(ours), THEIRS: trainer(theirs)}


def trainer(make: Any) -> Any:
    """Trains on such games, a rollout and its update at a time."""
    learner = Learner(asks=0)
    frames = {"frames_per_batch": GAMES * STEPS, "total_frames": -1, "auto_register_policy_transforms": True}
    batches = iter(Collector(prepared(make(), seed=0), learner.policy, **frames))

    def train(seconds: float) -> int:
        until, steps = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            learner.learn(next(batches))
            steps += GAMES * STEPS
        return steps

    return train
