"""Learning from advice that may be wrong, by losses that wrong labels mislead less."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.base import Expert
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.specs import check_number, check_scale, check_share, from_spec

if TYPE_CHECKING:
    from sandwich_env.learning.fitting import Fitting
    from sandwich_env.learning.supervised import FitConfig
    from sandwich_env.nets.residual import PolicyValueNetwork

Loss = Literal["generalized", "symmetric", "co_teaching"]


class Robust(Method):
    """H plays, and chooses what to learn, as by another method; it is fitted to the moves by a robust loss.

    Args:
        loss: "generalized" (the generalized cross-entropy, Zhang and Sabuncu 2018), "symmetric" (the symmetric
            cross-entropy, Wang et al. 2019), or "co_teaching" (two networks, each of which drops what
            surprises it the most of what the other learns, Han et al. 2018; it takes two to three times as long).
        play: the method that says how H plays and what each ply teaches; it must not say itself how H is fitted.
        q: of "generalized", above 0, to 1: near 0 it is the cross-entropy, at 1 the absolute error.
        alpha: of "symmetric": what the cross-entropy counts. 0.1 and 1 are the paper's for labels of ten kinds.
        beta: of "symmetric": what the reverse cross-entropy counts.
        forget: of "co_teaching": the share of the moves that is dropped in the end, about as many as are wrong.
        ramp: of "co_teaching": the share of the steps over which that share is reached.
    """

    def __init__(
        self,
        loss: Loss = "generalized",
        play: Method | None = None,
        *,
        q: float = 0.7,
        alpha: float = 0.1,
        beta: float = 1.0,
        forget: float = 0.2,
        ramp: float = 0.25,
    ) -> None:
        if loss not in get_args(Loss):
            raise SpecError(f"unknown loss of {self.kind!r} {loss!r}: {did_you_mean(str(loss), get_args(Loss))}")
        self.loss = loss
        self.play = Imitate() if play is None else from_spec(play, Method, f"play of {self.kind!r}")
        if type(self.play).fitting is not Method.fitting:
            raise SpecError(
                f"play of {self.kind!r} is {self.play.kind!r}, which says itself how H is fitted: give another, "
                f"or put {self.kind!r} behind it in a chain"
            )
        self.q = check_number(f"q of {self.kind!r}", q, least=0.0, most=1.0)
        if q == 0:
            raise SpecError(f"q of {self.kind!r} is 0: it must be above 0 (near 0 it is the cross-entropy), to 1")
        self.alpha = check_scale(f"alpha of {self.kind!r}", alpha)
        self.beta = check_scale(f"beta of {self.kind!r}", beta)
        if alpha + beta == 0:
            raise SpecError(f"alpha and beta of {self.kind!r} are both 0: nothing would be learnt")
        self.forget = check_share(f"forget of {self.kind!r}", forget)
        if forget == 1:
            raise SpecError(f"forget of {self.kind!r} is 1: no move would be learnt; give less")
        self.ramp = check_share(f"ramp of {self.kind!r}", ramp)
        self.consults = self.play.consults  # type: ignore[misc]
        self.heeds = self.play.heeds  # type: ignore[misc]
        self.privileged = self.play.privileged  # type: ignore[misc]

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.play.player(novice, line)

    def targets(self, lesson: Lesson) -> Targets:
        return self.play.targets(lesson)

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        return self.play.weigh(lesson, targets)

    def trust(self, lesson: Lesson) -> NDArray[np.float32] | None:
        return self.play.trust(lesson)

    def examples(self, lesson: Lesson) -> Examples:
        return self.play.examples(lesson)

    def fitting(self, network: PolicyValueNetwork, examples: Examples, config: FitConfig) -> Fitting:
        from sandwich_env.learning import robust_losses
        from sandwich_env.learning.co_teaching import CoTeachingFit

        if self.loss == "co_teaching":
            return CoTeachingFit(network, examples, config, self.forget, self.ramp)
        if self.loss == "generalized":
            losses = functools.partial(robust_losses.generalized_cross_entropy, q=self.q)
        else:
            losses = functools.partial(robust_losses.symmetric_cross_entropy, alpha=self.alpha, beta=self.beta)
        return robust_losses.RobustFit(network, examples, config, losses)
