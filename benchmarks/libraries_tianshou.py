"""Tianshou for `libraries.py`: PPO through its adapter for PettingZoo, as in `examples/tianshou_ppo.py`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from libraries import OURS, THEIRS
from pettingzoo.classic import chess_v6
from pettingzoo.utils import BaseWrapper
from tianshou.algorithm import PPO
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OnPolicyTrainerParams

from sandwich_env import layouts, sandwich_chess_v0
from sandwich_env.nets.advised import AdvisedNetwork
from sandwich_env.nets.shape import NetworkShape

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from tianshou_ppo import Actor, Critic, OneLearner

LIBRARY = "tianshou"
GAMES, STEPS = 16, 16


class Planes(BaseWrapper):  # type: ignore[misc]
    """chess_v6 with the 20 planes of the present position where H's network looks for them, and none of advice."""

    def observation_space(self, agent: str) -> gym.spaces.Dict:
        board = gym.spaces.Box(-1.0, 1.0, (30, 8, 8), np.float32)
        return gym.spaces.Dict({"observation": board, "action_mask": self.env.observation_space(agent)["action_mask"]})

    def observe(self, agent: str) -> dict[str, Any]:
        seen = self.env.observe(agent)
        planes = np.zeros((30, 8, 8), np.float32)
        planes[:20] = np.moveaxis(seen["observation"][:, :, :20], 2, 0)
        return {"observation": planes, "action_mask": seen["action_mask"]}


def ours() -> OneLearner:
    views = layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()
    return OneLearner(layouts.wrap(sandwich_chess_v0.env(), *views))


def theirs() -> OneLearner:
    return OneLearner(Planes(chess_v6.env()))


def learners() -> dict[str, Any]:
    return {OURS: trainer(ours), THEIRS: trainer(theirs)}


def trainer(make: Any) -> Any:
    """Trains on such games, a collection and its update at a time."""
    network = AdvisedNetwork(NetworkShape(blocks=2, channels=32))
    policy = DiscreteActorPolicy(actor=Actor(network), action_space=gym.spaces.Discrete(4672))
    ppo = PPO(policy=policy, critic=Critic(network), optim=AdamOptimizerFactory(lr=3e-4), gamma=-0.98)
    envs = DummyVectorEnv([make] * GAMES)
    collector = Collector[CollectStats](ppo, envs, VectorReplayBuffer(STEPS * GAMES, GAMES))
    collector.reset()

    def train(seconds: float) -> int:
        until, steps = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            ppo.run_training(
                OnPolicyTrainerParams(
                    training_collector=collector,
                    max_epochs=1,
                    epoch_num_steps=STEPS * GAMES,
                    collection_step_num_env_steps=STEPS * GAMES,
                    update_step_num_repetitions=3,
                    batch_size=256,
                    verbose=False,
                    show_progress=False,
                )
            )
            steps += STEPS * GAMES
        return steps

    return train
