"""Outcome: H learns the moves of the games that went well."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.learning.methods.base import Lesson, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.opinions import values_of
from sandwich_env.specs import check_scale

Weighing = Literal["filter", "advantage"]


class Outcome(Imitate):
    """H plays as in `Imitate`, and learns a move by as much as the game's result speaks for it; all results are learnt.

    By "filter", the moves of the side that won are learnt, and no others (filtered behavioural cloning).

    By "advantage", each counts exp(advantage / beta), where the advantage is the game's result for the mover less H's
    own value of the position: reward-weighted regression (Peters and Schaal 2007, "Reinforcement Learning by
    Reward-Weighted Regression for Operational Space Control") with a baseline, as in advantage-weighted regression
    (Peng et al. 2019). The weights are capped, and then divided by their mean over the plies whose moves are learnt.

    Moves of games without a result are not learnt.

    Args:
        by: "filter" or "advantage".
        draws: what the moves of a drawn game count in "filter", 0 or more.
        beta: of "advantage", above 0: the smaller, the more the best results count.
        most: of "advantage", above 0: the most that a move counts, before the weights are divided by their mean.
        temperature, explore_plies, explore_share, values: as in `Imitate`.
    """

    def __init__(
        self,
        by: Weighing = "filter",
        draws: float = 0.0,
        beta: float = 1.0,
        most: float = 20.0,
        *,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        if by not in get_args(Weighing):
            raise SpecError(f"by of {self.kind!r} is {by!r}: {did_you_mean(str(by), get_args(Weighing))}")
        self.by = by
        self.draws = check_scale(f"draws of {self.kind!r}", draws)
        self.beta = check_scale(f"beta of {self.kind!r}", beta)
        self.most = check_scale(f"most of {self.kind!r}", most)
        for name in ("beta", "most"):
            if getattr(self, name) == 0:
                raise SpecError(f"{name} of {self.kind!r} is 0: it must be above 0")

    def targets(self, lesson: Lesson) -> Targets:
        return self.weigh(lesson, super().targets(lesson))

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        """Every move counts by the game's result; what else its ply teaches stays as it is."""
        taught = (targets.policy_weight > 0) & np.isfinite(lesson.corpus.result)
        share = self._filtered(lesson) if self.by == "filter" else self._weighted(lesson, taught)
        weight = targets.policy_weight * np.where(taught, share, 0.0)
        return replace(targets, policy_weight=weight.astype(np.float32))

    def _filtered(self, lesson: Lesson) -> NDArray[np.float64]:
        result = lesson.corpus.result
        return np.select([result > 0, result == 0], [1.0, self.draws], 0.0)

    def _weighted(self, lesson: Lesson, taught: NDArray[np.bool_]) -> NDArray[np.float64]:
        """[P]; the mean over the plies that are taught is 1."""
        share = np.zeros(len(taught))
        if taught.any():
            corpus = lesson.corpus
            advantage = (corpus.result - values_of(corpus, lesson.novice, taught))[taught].astype(np.float64)
            # The cap is put on the exponent, since a small beta would take the power out of the range of numbers.
            powers = np.exp(np.minimum(advantage / self.beta, np.log(self.most)))
            share[taught] = powers / powers.mean()
        return share
