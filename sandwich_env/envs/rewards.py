"""What the players are paid. A reward sees the games and how they ended, never an advisor's truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.randomness import UInt64s
from sandwich_env.rules import Games
from sandwich_env.specs import Specified

Rewards = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIDES = np.array([1.0, -1.0])
"""What a number from White's side is for White and for Black."""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A ply in each of N games, from the position that it was played in to the one that it led to.

    Attributes:
        before: the games before the ply.
        actions: int64 [N], what was played; -1 in games that were left alone or in which a player asked.
        after: the games after it.
        played: bool [N], the games in which a ply was played, illegal ones that lose the game included.
        asked: bool [N], the games in which the player to move asked its advisor instead, by an action of its own.
        outcome: float32 [N], from White's side: 1, 0 or -1 where the game is over after the ply, NaN where it goes on.
        truncated: bool [N], the games that the ply cap has cut short.
        keys: uint64 [N], the games' keys, for what is random.
        alone: whether one learner moves both sides, so that each ply is a step of its own (the opponent "self").
            Otherwise a step of a player goes from one of its turns to its next.
    """

    before: Games
    actions: NDArray[np.int64]
    after: Games
    played: Bools
    asked: Bools
    outcome: NDArray[np.float32]
    truncated: Bools
    keys: UInt64s
    alone: bool

    @property
    def over(self) -> Bools:
        """bool [N]: the games that are over after the ply."""
        return np.isfinite(self.outcome)


class AnyReward(Specified, ABC):
    """A rule that pays both players after every ply: a `Reward` or a `TransitionReward`."""

    @abstractmethod
    def pay(self, transition: Transition) -> Rewards:
        """The rewards of White and Black, float64 [N, 2]; 0 in games in which the rule pays for nothing.

        Raises:
            SpecError: the rule gives another shape.
        """

    def close(self) -> None:
        """Release what the rule holds. An environment closes a rule that it made from a spec, and no other."""


class Reward(AnyReward):
    """A rule that looks at the games as they stand after the ply.

    Attributes:
        at_end_only: whether no ply is paid that ends no game; then the rule is not asked about such plies.
    """

    at_end_only: bool = False

    @abstractmethod
    def __call__(self, games: Games, played: Bools, outcome: NDArray[np.float32]) -> Rewards:
        """The rewards of White and Black for the ply that was just played, float64 [N, 2].

        Args:
            games: the N games, after the ply.
            played: bool [N], the games in which a ply was played; the others are paid nothing, whatever is returned.
            outcome: float32 [N], from White's side: 1, 0 or -1 where the ply ended the game, NaN where it goes on.
        """

    def pay(self, transition: Transition) -> Rewards:
        played = transition.played
        rewards = self(transition.after, played, transition.outcome.copy())
        return only_where(played, checked(rewards, self, len(played)))


class TransitionReward(AnyReward):
    """A rule that compares the positions before and after the ply. The games are copied for it at each ply."""

    @abstractmethod
    def __call__(self, transition: Transition) -> Rewards:
        """The rewards of White and Black, float64 [N, 2].

        Games in which nothing was played or asked are paid nothing, whatever is returned.
        """

    def pay(self, transition: Transition) -> Rewards:
        counts = transition.played | transition.asked
        return only_where(counts, checked(self(transition), self, len(counts)))


RewardFunction: TypeAlias = Callable[[Games, Bools, NDArray[np.float32]], Rewards]
"""A plain function with the signature of `Reward.__call__` serves as well."""


class Result(Reward):
    """1 for a win, -1 for a loss, 0 for a draw, for a game cut short and for every ply that ends nothing."""

    at_end_only = True

    def __call__(self, games: Games, played: Bools, outcome: NDArray[np.float32]) -> Rewards:
        rewards = np.zeros((len(outcome), 2))
        ended = np.flatnonzero(outcome == outcome)  # noqa: PLR0124 (NaN is what does not equal itself)
        rewards[ended] = outcome[ended, None] * SIDES
        return rewards


def both_ends(transition: Transition, rows: NDArray[np.int64]) -> Games:
    """The positions before the plies of the games `rows` [K], and behind them those after these plies: 2 K games."""
    games = transition.before.select(np.concatenate([rows, rows]))
    games.assign(np.arange(len(rows), 2 * len(rows)), transition.after.select(rows))
    return games


def checked(rewards: object, reward: object, count: int) -> Rewards:
    """What a rule has paid, as float64 [N, 2].

    Raises:
        SpecError: it has another shape.
    """
    numbers = np.asarray(rewards, dtype=np.float64)
    if numbers.shape != (count, 2):
        raise SpecError(f"the reward {reward!r} gave the shape {numbers.shape}: it must be ({count}, 2)")
    return numbers


def only_where(rows: Bools, rewards: Rewards) -> Rewards:
    """The rewards [N, 2] of the games where `rows` [N] is true, and 0 for the others; -0.0 becomes 0.0."""
    return (rewards if rows.all() else np.where(rows[:, None], rewards, 0.0)) + 0.0
