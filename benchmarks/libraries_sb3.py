"""stable-baselines3 for `libraries.py`: MaskablePPO, with the policy of `examples/sb3_maskable_ppo.py`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from libraries import OURS, THEIRS
from pettingzoo.classic import chess_v6
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from sandwich_env import layouts
from sandwich_env.layouts.sb3 import SandwichVecEnv

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from sb3_maskable_ppo import HNetwork, HPolicy

LIBRARY = "stable-baselines3"
GAMES, STEPS = 16, 16


class TutorialChess(gym.Env[np.ndarray, np.int64]):
    """chess_v6 as PettingZoo's tutorial gives it to stable-baselines3, its planes where H's network looks for them."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (30, 8, 8), np.float32)
    action_space = gym.spaces.Discrete(4672)

    def __init__(self) -> None:
        self.env = chess_v6.env()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        self.env.reset(seed=seed)
        return self._look(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        mover = self.env.agent_selection
        self.env.step(int(action))
        ended = self.env.terminations[mover], self.env.truncations[mover]
        return self._look(), self.env.rewards[mover], *ended, {}

    def _look(self) -> np.ndarray:
        self.seen = self.env.observe(self.env.agent_selection)
        return planes_of(self.seen["observation"])

    def action_masks(self) -> np.ndarray:
        mask: np.ndarray = self.seen["action_mask"].astype(np.bool_)
        return mask


def planes_of(observation: np.ndarray) -> np.ndarray:
    """The 20 planes of the present position, [8, 8, 111] to float32 [30, 8, 8], and none of advice."""
    planes = np.zeros((30, 8, 8), np.float32)
    planes[:20] = np.moveaxis(observation[:, :, :20], 2, 0)
    return planes


def our_games() -> SandwichVecEnv:
    """The standard game, as the script lays it out."""
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=GAMES, autoreset_mode="SameStep")
    views = layouts.ChannelsFirst(history=1), layouts.AdvicePlanes(), layouts.MaskInInfo()
    return SandwichVecEnv(layouts.wrap(envs, *views))


def learners() -> dict[str, Any]:
    games = {OURS: our_games, THEIRS: lambda: DummyVecEnv([TutorialChess] * GAMES)}
    training = {name: trainer(make()) for name, make in games.items()}
    return training | {f"{name}, playing": player(make()) for name, make in games.items()}


def new_model(games: VecEnv) -> MaskablePPO:
    own = {"weights": "none", "asks": 0}
    return MaskablePPO(
        HPolicy, games, n_steps=STEPS, batch_size=256, n_epochs=3, gamma=-0.98, seed=0,
        policy_kwargs={"features_extractor_class": HNetwork, "features_extractor_kwargs": own},
    )  # fmt: skip


def trainer(games: VecEnv) -> Any:
    """Trains on them, a rollout and its update at a time."""
    model = new_model(games)

    def train(seconds: float) -> int:
        until, before = time.perf_counter() + seconds, model.num_timesteps
        while time.perf_counter() < until:
            model.learn(STEPS * GAMES, reset_num_timesteps=False)
        return int(model.num_timesteps) - before

    return train


def player(games: VecEnv) -> Any:
    """Plays without learning, as the library's `evaluate_policy` does."""
    model, seen = new_model(games), games.reset()

    def play(seconds: float) -> int:
        nonlocal seen
        until, steps = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            actions, _ = model.predict(seen, action_masks=get_action_masks(games))
            seen, *_ = games.step(actions)
            steps += GAMES
        return steps

    return play
