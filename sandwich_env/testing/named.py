"""Environments by name: `module:callable`, or a Gymnasium id."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import gymnasium

import sandwich_env.envs.registration
from sandwich_env.errors import SpecError, did_you_mean


@dataclass(frozen=True)
class NamedEnv:
    """An environment that can be made from its name, here and in another process.

    Attributes:
        name: `module:callable` (`pettingzoo.classic.chess_v6:env`) or a Gymnasium id (`sandwich/Chess-v0`).
        options: keyword arguments of every environment that is made.
    """

    name: str
    options: dict[str, Any]

    @property
    def is_id(self) -> bool:
        """Whether the name is a Gymnasium id."""
        return ":" not in self.name or "/" in self.name or "-v" in self.name.rpartition(":")[2]

    @property
    def module(self) -> Any:
        """The module of a `module:callable`."""
        return importlib.import_module(self.name.partition(":")[0])

    def make(self, **more: Any) -> Any:
        """A new environment.

        Raises:
            SpecError: there is nothing of that name.
        """
        options = self.options | more
        if self.is_id:
            try:
                return gymnasium.make(self.name, **options)
            except gymnasium.error.UnregisteredEnv as error:
                raise SpecError(f"unknown environment {self.name!r}: {error}") from error
        name = self.name.partition(":")[2]
        try:
            module = self.module
        except ModuleNotFoundError as error:
            raise SpecError(f"unknown environment {self.name!r}: {error}") from error
        if not hasattr(module, name):
            raise SpecError(f"unknown environment {self.name!r}: {did_you_mean(name, dir(module))}")
        return getattr(module, name)(**options)

    def make_vec(self, num_envs: int, **more: Any) -> Any:
        """A new vector environment of a Gymnasium id that has one of its own."""
        return gymnasium.make_vec(
            self.name, num_envs=num_envs, vectorization_mode="vector_entry_point", **self.options, **more
        )

    @property
    def has_vector(self) -> bool:
        """Whether this is a Gymnasium id with a vector environment of its own."""
        if not self.is_id:
            return False
        return gymnasium.spec(self.name).vector_entry_point is not None


sandwich_env.envs.registration.register_environments()
