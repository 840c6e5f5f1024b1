"""A move drawn from the expert's own distribution instead of its best move: good ones more often than bad ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper, check_scale
from sandwich_env.advisors.per_action import log_uniform, of_each
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec


class Temperature(Wrapper):
    """Recommends a move drawn from softmax(logits / temperature) over the legal moves.

    The choice rule of Luce (1959, *Individual Choice Behavior*), in reinforcement learning Boltzmann exploration
    (Sutton and Barto 2018, *Reinforcement Learning*, section 2.8). It is drawn as the maximum of the logits plus noise
    of Gumbel's distribution, which is the same (Yellott 1977, *Journal of Mathematical Psychology* 15).

    Args:
        temperature: 0 is the best move, 1 a draw from the expert's policy as it is, infinity any legal move alike.
        inner, epsilon, seed, when: see `Wrapper`.
    """

    dials: ClassVar = {"temperature": (0.0, float("inf")), "epsilon": (0.0, 1.0)}
    changes = ("move",)

    def __init__(
        self, inner: Advisor, temperature: float, epsilon: float = 1.0, seed: int = 0, when: Schedule | Spec = "always"
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        self.temperature = check_scale(f"temperature of {self.kind!r}", temperature)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.temperature == 0:
            return advice
        legal = advice.legal_logits(query.games)
        best = np.repeat(of_each(np.maximum, legal.logits, legal.counts, 0.0), legal.counts)
        gumbel = -np.log(-log_uniform(rng, legal))
        with np.errstate(over="ignore"):  # at a very small temperature all but the best logits become -inf
            noisy = legal.with_logits((legal.logits - best) / self.temperature + gumbel)
        return advice.tampered(by=self.kind, move=noisy.best())
