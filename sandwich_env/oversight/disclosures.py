"""What a player lets its advisor know of itself: whether it watches, how strong it is, what it would play."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.on_demand import refuse_on_demand
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.oversight.sides import ForSides, sides_of
from sandwich_env.randomness import UInt64s, mix
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
        rating: the players' Elo, as the advisor is told, one for both or one for each side (`ForSides`); None: it is
            not told.
        proposer: whose best move the player says that it would play, and whose value it says that it hopes for,
            likewise; None: it does not say.

    Raises:
        SpecError: a rating that is no finite number, a side that is none, or a protocol to watch by that names no
            turns.
    """

    watch: Protocol | None = None
    rating: ForSides[float] = None
    proposer: ForSides[Expert] = None

    def __post_init__(self) -> None:
        for rating in sides_of("rating", self.rating).both:
            check_rating(rating)
        sides_of("proposer", self.proposer)
        if self.watch is not None:
            refuse_on_demand("watch", type(self.watch), "a player watches at turns that are known beforehand")

    def told(self, games: Games, turns: NDArray[np.int64], keys: UInt64s | None = None) -> Told:
        """What the advisor is told with a query about N positions; a proposer is asked once, about all of its own.

        Args:
            games: the positions asked about.
            turns: int64 [N], how many turns the player to move has had in each game before this one.
            keys: uint64 [N], one for each game and player; a player who watches at random draws by them.
        """
        proposal, hope = self._proposed(games)
        return Told(
            proposal=proposal,
            hope=hope,
            watched=None if self.watch is None else self.watch.due(turns, None if keys is None else mix(keys, "watch")),
            rating=self._ratings(games),
        )

    def _ratings(self, games: Games) -> NDArray[np.float64] | None:
        white, black = sides_of("rating", self.rating).both
        if white is None and black is None:
            return None
        of_sides = np.array([black, white], dtype=np.float64)  # None becomes NaN: not told
        ratings: NDArray[np.float64] = of_sides[games.turn.astype(np.int64)]
        return ratings

    def _proposed(self, games: Games) -> tuple[NDArray[np.int64] | None, NDArray[np.float32] | None]:
        white, black = sides_of("proposer", self.proposer).both
        if white is black:
            proposed = None if white is None else white.evaluate(games)
            return (None, None) if proposed is None else (proposed.best(), proposed.value)
        moves, hopes = np.full(len(games), -1, dtype=np.int64), np.full(len(games), np.nan, dtype=np.float32)
        for proposer, rows in ((white, np.flatnonzero(games.turn)), (black, np.flatnonzero(~games.turn))):
            if proposer is not None and len(rows):
                own = proposer.evaluate(games.select(rows))
                moves[rows], hopes[rows] = own.best(), own.value
        return moves, hopes


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
