"""Layouts around a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from sandwich_env.layouts.base import Stack, alone, tree_row
from sandwich_env.specs import Spec, from_spec


class LayoutEnv(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """A Gymnasium environment with its observations laid out anew; `layouts.wrap` makes it.

    Args:
        env: whose observations are a Dict.
        stack: the layouts, or their spec.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], stack: Stack | Spec) -> None:
        RecordConstructorArgs.__init__(self, stack=stack)
        super().__init__(env)
        self._stack, self.observation_space = from_spec(stack, Stack).over(env.observation_space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Deal a new game; see the environment inside."""
        seen, info = self.env.reset(seed=seed, options=options)
        return self._laid_out(seen, info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play an action; see the environment inside."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        shown, told = self._laid_out(seen, info)
        return shown, reward, terminated, truncated, told

    def _laid_out(self, seen: dict[str, Any], info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        shown, told = self._stack.both(alone(seen))
        return tree_row(shown, 0), info | tree_row(told, 0)
