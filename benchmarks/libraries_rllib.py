"""RLlib for `libraries.py`: PPO in self-play, with the module and the settings of `examples/rllib_self_play.py`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import ray
from libraries import OURS, THEIRS
from ray.rllib.core.rl_module import RLModuleSpec
from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv
from ray.tune.registry import register_env
from their_chess import Planes

from sandwich_env import layouts, sandwich_chess_v0

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from rllib_self_play import Args, HModule, ppo

LIBRARY = "RLlib"
GAMES, STEPS = 16, 16


def ours(_: Any) -> PettingZooEnv:
    views = layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()
    return PettingZooEnv(layouts.wrap(sandwich_chess_v0.env(), *views))


def theirs(_: Any) -> PettingZooEnv:
    return PettingZooEnv(Planes())


def learners() -> dict[str, Any]:
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    return {OURS: trainer(ours), THEIRS: trainer(theirs)}


def trainer(make: Any) -> Any:
    """Trains on such games, a rollout and its update at a time, in this process."""
    name = f"benchmark_{make.__name__}"
    register_env(name, make)
    args = Args(num_envs=GAMES, batch=GAMES * STEPS)
    config = ppo(args, {"h": RLModuleSpec(HModule)}, _everybody, _everybody, ["h"]).environment(name)
    algorithm = config.evaluation(evaluation_interval=None).build_algo()

    def train(seconds: float) -> float:
        until, steps = time.perf_counter() + seconds, 0.0
        while time.perf_counter() < until:
            before = algorithm.metrics.peek(_STEPS, default=0)
            algorithm.train()
            steps += algorithm.metrics.peek(_STEPS) - before
        return steps

    return train


_STEPS = ("env_runners", "num_env_steps_sampled_lifetime")


def _everybody(agent_id: str, episode: Any, **kwargs: Any) -> str:
    return "h"
