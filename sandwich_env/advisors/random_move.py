"""Now and then a random move in the place of the expert's."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_share
from sandwich_env.randomness import Streams


class RandomMove(Wrapper):
    """Recommends, with probability `epsilon`, a move drawn uniformly from the legal ones.

    Args:
        inner: the advisor whose advice is changed.
        epsilon: share of the queries that are tampered with, 0 to 1.
        seed: of this wrapper's own random numbers.
    """

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0) -> None:
        super().__init__(inner, seed)
        self.epsilon = check_share("epsilon", epsilon)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        rows = rng.random() < self.epsilon
        return advice.tampered(rows, by=self.kind, move=query.games.sample(rng.seeds()))
