"""Layouts around an environment, whichever API it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv
from pettingzoo import AECEnv, ParallelEnv

from sandwich_env.errors import SpecError
from sandwich_env.layouts.base import Layout, Stack
from sandwich_env.layouts.gymnasium_env import LayoutEnv
from sandwich_env.layouts.pettingzoo_envs import LayoutAEC, LayoutParallel
from sandwich_env.layouts.vector_env import LayoutVectorEnv
from sandwich_env.specs import Spec


def wrap(env: Any, *layouts: Layout | Spec, agents: str | Sequence[str] | None = None) -> Any:
    """The environment with its observations in other layouts.

    Args:
        env: a Gymnasium environment or vector environment, or a PettingZoo environment, turn-based or parallel.
        layouts: layouts, their specs or names, in the order in which they work.
        agents: in PettingZoo's environments, whose observations are laid out; None (default) are the players': those
            who see an advisor channel.

    Returns:
        An environment of the same API.

    Raises:
        SpecError: no environment, no layout, or one that cannot be put over these observations.
    """
    stack = Stack(list(layouts))
    if isinstance(env, (gymnasium.Env, VectorEnv)):
        if agents is not None:
            raise SpecError(f"agents is {agents!r}: Gymnasium's environments have one agent, leave it out")
        return LayoutVectorEnv(env, stack) if isinstance(env, VectorEnv) else LayoutEnv(env, stack)
    if isinstance(env, AECEnv):
        return LayoutAEC(env, stack, agents)
    if isinstance(env, ParallelEnv):
        return LayoutParallel(env, stack, agents)
    raise SpecError(
        f"{env!r} is no Gymnasium environment or vector environment and none of PettingZoo's: "
        "for stable-baselines3, put layouts.sb3.SandwichVecEnv around the vector environment that this gives"
    )
