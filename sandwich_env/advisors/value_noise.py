"""Noise on the value: an expert that misjudges who stands better."""

from __future__ import annotations

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_scale, check_share
from sandwich_env.randomness import Streams


class ValueNoise(Wrapper):
    """Adds Gaussian noise to the value, clipped to [-1, 1].

    Args:
        inner: the advisor whose advice is changed.
        scale: standard deviation of the noise; the value itself goes from -1 to 1.
        epsilon: share of the queries that are tampered with, 0 to 1.
        seed: of this wrapper's own random numbers.
    """

    def __init__(self, inner: Advisor, scale: float, epsilon: float = 1.0, seed: int = 0) -> None:
        super().__init__(inner, seed)
        self.scale = check_scale("scale", scale)
        self.epsilon = check_share("epsilon", epsilon)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        rows = rng.random() < self.epsilon
        noise = rng.normal(np.ones((len(query), 1), dtype=np.bool_))[:, 0]
        return advice.tampered(rows, by=self.kind, value=np.clip(advice.value + self.scale * noise, -1.0, 1.0))
