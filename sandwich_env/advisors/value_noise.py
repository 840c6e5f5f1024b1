"""Noise on the value: an expert that misjudges who stands better."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_scale
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class ValueNoise(Wrapper):
    """Adds Gaussian noise to the value, clipped to [-1, 1].

    Args:
        scale: standard deviation of the noise; the value itself goes from -1 to 1.
        inner, epsilon, seed, when: see `Wrapper`.
    """

    dials: ClassVar = {"scale": (0.0, float("inf")), "epsilon": (0.0, 1.0)}
    changes = ("value",)

    def __init__(
        self, inner: Advisor, scale: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.scale = check_scale(f"scale of {self.kind!r}", scale)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.scale == 0:
            return advice
        noise = rng.normal(np.ones((len(query), 1), dtype=np.bool_))[:, 0]
        return advice.tampered(by=self.kind, value=np.clip(advice.value + self.scale * noise, -1.0, 1.0))
