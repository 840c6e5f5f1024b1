"""Now and then a random move in the place of the expert's."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class RandomMove(Wrapper):
    """Recommends, with probability `epsilon`, a move drawn uniformly from the legal ones.

    An expert that now and then does anything at all: the noise of epsilon-greedy (Sutton and Barto 2018, *Reinforcement
    Learning*, section 2.2).

    Args:
        inner, epsilon, seed, when: see `Wrapper`.
    """

    changes = ("move",)

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0, when: Schedule | Spec = "always") -> None:
        super().__init__(inner, seed, epsilon, when)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, move=query.games.sample(rng.seeds()))
