"""The value with its sign turned around: who stands better is said to stand worse."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class ValueFlip(Wrapper):
    """Gives, with probability `epsilon`, the value with the opposite sign.

    Label noise (Angluin and Laird 1988, "Learning from Noisy Examples", *Machine Learning* 2), as rewards have it in
    Wang, Liu and Li 2020, "Reinforcement Learning with Perturbed Rewards" (arXiv:1810.01032).

    Args:
        inner, epsilon, seed, when: see `Wrapper`.
    """

    changes = ("value",)

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0, when: Schedule | Spec = "always") -> None:
        super().__init__(inner, seed, epsilon, when)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, value=0.0 - advice.value)  # -x would make -0.0 of a draw
