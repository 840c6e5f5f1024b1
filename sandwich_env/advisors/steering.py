"""Steering to lose: the expert's knowledge of which moves are bad, put to use."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_share
from sandwich_env.advisors.per_action import of_each
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class Steering(Wrapper):
    """Recommends the least liked of the moves that are liked well enough.

    Of the legal moves whose logit is at least (1 - strength) * highest + strength * lowest, the one with the lowest
    logit. So 0 is the best move and 1 the worst one, and a greater strength never gives a better move. Where logits are
    an engine's expected results, the strength is the share of what there is to lose that may be given away at once.

    The lure to the least preferred action is that of Lin et al. 2017, "Tactics of Adversarial Attack on Deep
    Reinforcement Learning Agents" (arXiv:1703.06748); the bound on how bad a move may look keeps it plausible. On
    policies bent towards another's defeat: Gleave et al. 2020, "Adversarial Policies" (arXiv:1905.10615).

    Args:
        strength: 0 (honest) to 1 (the worst legal move).
        inner, epsilon, seed, when: see `Wrapper`.
    """

    dials: ClassVar = {"strength": (0.0, 1.0), "epsilon": (0.0, 1.0)}
    changes = ("move",)

    def __init__(
        self, inner: Advisor, strength: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.strength = check_share(f"strength of {self.kind!r}", strength)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.strength == 0:
            return advice
        legal = advice.legal_logits(query.games)
        # Legal moves that an expert rules out altogether (-inf) count as bad as the worst that it does not.
        worst_finite = of_each(np.minimum, np.where(np.isfinite(legal.logits), legal.logits, np.inf), legal.counts, 0.0)
        logits = np.maximum(legal.logits, np.repeat(worst_finite, legal.counts))
        highest, lowest = (of_each(ufunc, logits, legal.counts, 0.0) for ufunc in (np.maximum, np.minimum))
        # Rounded up, the bound could lie above equal logits; the best move is always liked well enough.
        bound = np.minimum((1.0 - self.strength) * highest + self.strength * lowest, highest)
        least = np.repeat(bound, legal.counts)
        return advice.tampered(by=self.kind, move=legal.with_logits(np.where(logits >= least, -logits, -np.inf)).best())
