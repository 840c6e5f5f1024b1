"""Noise on the distribution over moves: an expert that misjudges moves, near misses more often than blunders."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_scale
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class PolicyNoise(Wrapper):
    """Adds Gaussian noise to the logits of the legal moves, then recommends the best.

    Args:
        scale: standard deviation of the noise, in logits.
        inner, epsilon, seed, when: see `Wrapper`.
    """

    dials: ClassVar = {"scale": (0.0, float("inf")), "epsilon": (0.0, 1.0)}
    changes = ("move",)

    def __init__(
        self, inner: Advisor, scale: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.scale = check_scale(f"scale of {self.kind!r}", scale)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.scale == 0:
            return advice
        legal = advice.legal_logits(query.games)
        noise = rng.normal_at(legal.rows(), legal.actions)
        return advice.tampered(by=self.kind, policy=legal.with_logits(legal.logits + self.scale * noise))
