"""The value drawn towards a draw: an expert that will not commit itself."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_share
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class ValueShrink(Wrapper):
    """Gives the value times 1 - shrink, so that at 1 every position is called level.

    The central tendency of judgement (Hollingworth 1910, *Journal of Philosophy, Psychology and Scientific Methods* 7):
    judges give numbers nearer to the middle of their scale than what they judge.

    Args:
        shrink: 0 to 1.
        inner, epsilon, seed, when: see `Wrapper`.
    """

    dials: ClassVar = {"shrink": (0.0, 1.0), "epsilon": (0.0, 1.0)}
    changes = ("value",)

    def __init__(
        self, inner: Advisor, shrink: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.shrink = check_share(f"shrink of {self.kind!r}", shrink)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.shrink == 0:
            return advice
        return advice.tampered(by=self.kind, value=advice.value * (1.0 - self.shrink))
