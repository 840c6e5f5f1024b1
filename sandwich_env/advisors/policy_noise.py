"""Noise on the distribution over moves: an expert that misjudges moves, near misses more often than blunders."""

from __future__ import annotations

import numpy as np

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
        actions, counts = query.games.legal_actions()
        at = np.repeat(np.arange(len(query)), counts)
        noisy = rows[at]
        at, actions = at[noisy], actions[noisy]
        policy = advice.policy.copy()
        flat, places = policy.reshape(-1), at * policy.shape[1] + actions  # much faster than indices in two dimensions
        flat[places] = flat[places] + self.scale * rng.normal_at(at, actions)
        return advice.tampered(rows, by=self.kind, policy=policy)
