"""What the players are paid. A reward sees the games and how they ended, never an advisor's truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import Games
from sandwich_env.specs import Specified, register

Rewards = NDArray[np.float64]


class Reward(Specified, ABC):
    """A rule that pays both players after every ply.

    Attributes:
        at_end_only: whether no ply is paid that ends no game; then the rule is not asked about such plies.
    """

    at_end_only: bool = False

    @abstractmethod
    def __call__(self, games: Games, played: NDArray[np.bool_], outcome: NDArray[np.float32]) -> Rewards:
        """The rewards of White and Black for the ply that was just played, float64 [N, 2].

        Args:
            games: the N games, after the ply.
            played: bool [N], the games in which a ply was played; the others are paid nothing, whatever is returned.
            outcome: float32 [N], from White's side: 1, 0 or -1 where the ply ended the game, NaN where it goes on.
        """


RewardFunction: TypeAlias = Callable[[Games, NDArray[np.bool_], NDArray[np.float32]], Rewards]
"""A plain function with the signature of `Reward.__call__` serves as well."""


_SIDES = np.array([1.0, -1.0])


class Result(Reward):
    """1 for a win, -1 for a loss, 0 for a draw, for a game cut short and for every ply that ends nothing."""

    at_end_only = True

    def __call__(self, games: Games, played: NDArray[np.bool_], outcome: NDArray[np.float32]) -> Rewards:
        rewards = np.zeros((len(outcome), 2))
        ended = np.flatnonzero(outcome == outcome)  # noqa: PLR0124 (NaN is what does not equal itself)
        rewards[ended] = outcome[ended, None] * _SIDES
        return rewards


register("result", "sandwich_env.envs.rewards:Result")
