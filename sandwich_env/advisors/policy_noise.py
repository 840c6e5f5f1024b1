"""Noise on the distribution over moves: an expert that misjudges moves, near misses more often than blunders."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_scale, check_share
from sandwich_env.randomness import Streams


class PolicyNoise(Wrapper):
    """Adds Gaussian noise to the logits of the legal moves, then recommends the best.

    Args:
        inner: the advisor whose advice is changed.
        scale: standard deviation of the noise, in logits.
        epsilon: share of the queries that are tampered with, 0 to 1.
        seed: of this wrapper's own random numbers.
    """

    def __init__(self, inner: Advisor, scale: float, epsilon: float = 1.0, seed: int = 0) -> None:
        super().__init__(inner, seed)
        self.scale = check_scale("scale", scale)
        self.epsilon = check_share("epsilon", epsilon)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        rows = rng.random() < self.epsilon
        legal = advice.legal_logits(query.games)
        at = legal.rows()
        noisy = rows[at]
        logits = legal.logits.copy()
        logits[noisy] = logits[noisy] + self.scale * rng.normal_at(at[noisy], legal.actions[noisy])
        return advice.tampered(rows, by=self.kind, policy=legal.with_logits(logits))
