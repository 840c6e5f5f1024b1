"""Several methods as one: H plays by the first, learns by all, and is fitted by the last that has a loss of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.specs import from_spec

if TYPE_CHECKING:
    from sandwich_env.learning.fitting import Fitting
    from sandwich_env.learning.supervised import FitConfig
    from sandwich_env.nets.residual import PolicyValueNetwork

_PARTS: tuple[Literal["move", "value"], ...] = ("move", "value")


class Chain(Method):
    """Methods one after the other.

    H plays as the first says. What each ply teaches is the first one's, weighed by each of the others in turn
    (`Method.weigh`). H trusts as the first that has an opinion, and is fitted as by the last that has a loss of its
    own. A is asked if any of them asks, for whatever one of them heeds; the chain is privileged if one of them is,
    and the others are not told what that one is told.

    Args:
        methods: one or more. A chain within a chain is the same as its methods in its place.

    Raises:
        SpecError: there is none, or one of several learns from more than what each ply teaches (`reinforce`): no other
            can weigh that.
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        if not isinstance(methods, (list, tuple)) or not methods:
            raise SpecError(f"methods of {self.kind!r} is {methods!r}: give a list of one method or more")
        self.methods = [from_spec(m, Method, f"method {i} of {self.kind!r}") for i, m in enumerate(methods)]
        self._links = [link for method in self.methods for link in _links_of(method)]
        for link in self._links if len(self._links) > 1 else []:
            if not _teaches_by_targets(link):
                raise SpecError(
                    f"{link.kind!r} makes its own examples, which no other of {self.kind!r} can weigh: use it alone"
                )
        heeded = {part for link in self._links for part in link.heeds}
        self.consults = any(link.consults for link in self._links)  # type: ignore[misc]
        self.heeds = tuple(part for part in _PARTS if part in heeded)  # type: ignore[misc]
        self.privileged = any(link.privileged for link in self._links)  # type: ignore[misc]

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self._links[0].player(novice, line)

    def targets(self, lesson: Lesson) -> Targets:
        first, *others = self._links
        return _weighed(others, lesson, first.targets(_told(first, lesson)))

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        return _weighed(self._links, lesson, targets)

    def trust(self, lesson: Lesson) -> NDArray[np.float32] | None:
        for link in self._links:
            trust = link.trust(_told(link, lesson))
            if trust is not None:
                return trust
        return None

    def examples(self, lesson: Lesson) -> Examples:
        if len(self._links) == 1:
            return self._links[0].examples(lesson)
        return super().examples(lesson)

    def fitting(self, network: PolicyValueNetwork, examples: Examples, config: FitConfig) -> Fitting:
        own = [link for link in self._links if type(link).fitting is not Method.fitting]
        return own[-1].fitting(network, examples, config) if own else super().fitting(network, examples, config)


def _links_of(method: Method) -> list[Method]:
    return method._links if isinstance(method, Chain) else [method]


def _weighed(links: Sequence[Method], lesson: Lesson, targets: Targets) -> Targets:
    for link in links:
        targets = link.weigh(_told(link, lesson), targets)
    return targets


def _told(link: Method, lesson: Lesson) -> Lesson:
    """The lesson without the truth, for a method that is not privileged."""
    return lesson if lesson.right is None or link.privileged else replace(lesson, right=None)


def _teaches_by_targets(method: Method) -> bool:
    """Whether `targets` is all that a method teaches; one that plays as another teaches what that one does."""
    play = getattr(method, "play", None)
    return _teaches_by_targets(play) if isinstance(play, Method) else type(method).examples is Method.examples
