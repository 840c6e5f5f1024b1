"""The value moved towards a win or towards a loss: an expert that encourages, or one that scares."""

from __future__ import annotations

import math
from typing import ClassVar

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec, check_number


class Optimism(Wrapper):
    """Moves the value by the share `amount` of its way towards +1 or, where `amount` is negative, towards -1.

    Unrealistic optimism (Weinstein 1980, *Journal of Personality and Social Psychology* 39) and its opposite. The order
    of positions by value stays what it was, unless the amount is 1 or -1, where all are said to be won or lost.

    Args:
        amount: -1 (pessimism) to 1 (optimism).
        inner, epsilon, seed, when: see `Wrapper`.

    Raises:
        SpecError: `amount` is no number from -1 to 1.
    """

    dials: ClassVar = {"amount": (0.0, 1.0), "epsilon": (0.0, 1.0)}
    changes = ("value",)

    def __init__(
        self, inner: Advisor, amount: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.amount = check_number(f"amount of {self.kind!r}", amount, -1, 1)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.amount == 0:
            return advice
        goal = math.copysign(1.0, self.amount)
        return advice.tampered(by=self.kind, value=advice.value + abs(self.amount) * (goal - advice.value))
