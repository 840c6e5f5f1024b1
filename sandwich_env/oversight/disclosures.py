"""What a player lets its advisor know of itself: whether it watches, how strong it is, what it would play."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.rules import Games


class Told(TypedDict):
    """The parts of a `Query` that the player itself has told; None for what it keeps to itself."""

    proposal: NDArray[np.int64] | None
    hope: NDArray[np.float32] | None
    watched: NDArray[np.bool_] | None
    rating: NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True)
class Disclosures:
    """What the players of a channel let their advisor know when they ask. Nothing of it comes back to them.

    Attributes:
        watch: at which of its turns a player looks closely and lets the advisor know; None: it never says.
        rating: the players' Elo, as the advisor is told; None: it is not told.
        proposer: whose best move the player says that it would play, and whose value it says that it hopes for; None:
            it does not say.

    Raises:
        SpecError: a rating that is no finite number.
    """

    watch: Protocol | None = None
    rating: float | None = None
    proposer: Expert | None = None

    def __post_init__(self) -> None:
        check_rating(self.rating)

    def told(self, games: Games, turns: NDArray[np.int64]) -> Told:
        """What the advisor is told with a query about N positions; the proposer is asked once, about all of them.

        Args:
            games: the positions asked about.
            turns: int64 [N], how many turns the player to move has had in each game before this one.
        """
        proposed = None if self.proposer is None else self.proposer.evaluate(games)
        return Told(
            proposal=None if proposed is None else proposed.best(),
            hope=None if proposed is None else proposed.value,
            watched=None if self.watch is None else self.watch.due(turns),
            rating=None if self.rating is None else np.full(len(games), self.rating, dtype=np.float64),
        )


def check_rating(rating: float | None, name: str = "rating") -> float | None:
    """A player's Elo as it was given; None where it is not told. `name` is what errors call it.

    Raises:
        SpecError: it is not a finite number.
    """
    real = isinstance(rating, (int, float, np.number)) and not isinstance(rating, bool)
    if rating is not None and not (real and math.isfinite(rating)):
        raise SpecError(f"{name} is {rating!r}: it must be a finite number, an Elo such as 1200, or None")
    return rating


SILENT = Disclosures()
"""The advisor is told nothing."""
