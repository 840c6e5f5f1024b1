"""Dirichlet noise mixed into the distribution over moves: a few moves, drawn by chance, look better than they are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_share
from sandwich_env.advisors.per_action import log_dirichlet, log_probabilities
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec, check_number


class DirichletNoise(Wrapper):
    """Recommends the best of (1 - share) * softmax(logits) + share * noise, noise ~ Dirichlet(alpha) over the moves.

    The noise that AlphaZero adds at the root of its search, with a share of 0.25 and, in chess, an alpha of 0.3
    (Silver et al. 2017, arXiv:1712.01815). At a share of 1 every legal move is as likely as every other.

    Args:
        share: of the noise in the mixture, 0 to 1.
        alpha: concentration, 0.001 to 1000: the smaller, the fewer moves have nearly all of the noise.
        inner, epsilon, seed, when: see `Wrapper`.

    Raises:
        SpecError: a dial or alpha is out of range.
    """

    dials: ClassVar = {"share": (0.0, 1.0), "epsilon": (0.0, 1.0)}
    changes = ("move",)

    def __init__(
        self,
        inner: Advisor,
        share: float,
        epsilon: float = 1.0,
        seed: int = 0,
        when: Schedule | Spec = "always",
        *,
        alpha: float = 0.3,
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.share = check_share(f"share of {self.kind!r}", share)
        self.alpha = check_number(f"alpha of {self.kind!r}", alpha, 0.001, 1000)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.share == 0:
            return advice
        legal = advice.legal_logits(query.games)
        noise = log_dirichlet(rng, legal, self.alpha)
        with np.errstate(divide="ignore"):  # a share of 1 leaves the policy no part
            mixed = np.logaddexp(log_probabilities(legal) + np.log1p(-self.share), noise + np.log(self.share))
        return advice.tampered(by=self.kind, policy=legal.with_logits(mixed))
