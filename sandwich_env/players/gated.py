"""A player that follows advice where its own values have nothing against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Expert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.players.one_ply import pairs, values_by, worth_of
from sandwich_env.players.second_thoughts import SecondThoughts
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_number

MOST_MARGIN = 2.0
"""No two results lie further apart: with it, everything is followed."""


class Gated(SecondThoughts):
    """Follows the advised move unless it stands worse after it than after its own best one.

    Args:
        expert: whose best move is the player's own, and whose values judge both.
        margin: by how much it may stand worse, of values from -1 to 1.
        simulations: visits of a search from each of the two positions; 0 for the expert's values as they are.

    Raises:
        SpecError: an argument is out of range.
    """

    def __init__(self, expert: Expert, margin: float = 0.0, simulations: int = 0) -> None:
        super().__init__(expert)
        self.margin = check_number(f"margin of {self.kind!r}", margin, -MOST_MARGIN, MOST_MARGIN)
        self.simulations = check_count(f"simulations of {self.kind!r}", simulations, least=0)
        self._judge = SearchExpert(self.expert, self.simulations) if self.simulations else self.expert

    def follows(
        self, games: Games, own: NDArray[np.int64], advised: NDArray[np.int64], rng: Streams
    ) -> NDArray[np.bool_]:
        worth = worth_of(games, pairs(own, advised), values_by(self._judge))
        better: NDArray[np.bool_] = worth[1::2] >= worth[::2] - self.margin
        return better
