"""What every advisor is: asked about a batch of positions, it answers with a move and a value for each.

`Honest` repeats its expert. A misalignment is a `Wrapper` around another advisor; a schedule says when it acts.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from sandwich_env.advisors.advice import NO_MOVE, Advice, Asks, Provenance, Query, VisibleAdvice
from sandwich_env.advisors.answers import check_answer
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.experts.base import Expert
from sandwich_env.experts.legal import as_policy
from sandwich_env.randomness import Streams, mix
from sandwich_env.specs import Spec, Specified, check_count, check_scale, check_share, from_spec

__all__ = [
    "NO_MOVE",
    "Advice",
    "Advisor",
    "Asks",
    "Honest",
    "Provenance",
    "Query",
    "VisibleAdvice",
    "Wrapper",
    "check_count",
    "check_scale",
    "check_share",
]

_log = logging.getLogger("sandwich_env")


class Advisor(Specified, ABC):
    """Tells: answers queries with advice."""

    depth: int = 0
    """How many wrappers are inside this one; keeps the random numbers of nested wrappers apart."""

    voices: int = 1
    """How many there are inside who can be asked one by one, as a panel's members can."""

    @abstractmethod
    def advise(self, query: Query) -> Advice:
        """A move and a value for every game of the query."""

    def advise_as(self, voice: int, query: Query) -> Advice:
        """What one of them says, 0 to `voices` - 1, with the truth about that one alone."""
        return self.advise(query)

    def close(self) -> None:
        """Release what the advisor and its expert hold."""


class Honest(Advisor):
    """Says what its expert knows."""

    def __init__(self, expert: Expert) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")

    def advise(self, query: Query) -> Advice:
        evaluation = self.expert.evaluate(query.games)
        move = evaluation.best()
        return Advice(
            move=move,
            value=evaluation.value,
            policy=as_policy(evaluation.policy if evaluation.legal is None else evaluation.legal),
            provenance=Provenance(
                tampered=np.zeros(len(query), dtype=np.bool_),
                by=np.full(len(query), "", dtype=object),
                honest_move=move,
                honest_value=evaluation.value,
            ),
            asks=query.asks,
        )

    def close(self) -> None:
        self.expert.close()


class Wrapper(Advisor):
    """A misalignment: changes what the advisor inside it says. A subclass defines `tamper` and nothing more.

    Args:
        inner: the advisor whose advice is changed.
        seed: of this wrapper's own random numbers.
        epsilon: share of the queries that are tampered with, 0 to 1, drawn for each by chance.
        when: at which queries it may tamper at all: a `Schedule`, its spec or its name.

    Attributes:
        dials: for each number that turns the misalignment up, its value at which advice is the honest one, and the one
            at which it is as misaligned as this kind gets (infinity, where there is no such value).
        experts: parameters that are experts, which a run's config may give by their short names.
        changes: which parts of an answer it changes. Asked for none of them, it leaves the answer alone, and says so.

    Raises:
        SpecError: `inner` is no advisor, or a dial is out of range.
    """

    dials: ClassVar[dict[str, tuple[float, float]]] = {"epsilon": (0.0, 1.0)}
    changes: ClassVar[tuple[Asks, ...]] = ("move", "value")
    experts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inner: Advisor, seed: int = 0, epsilon: float = 1.0, when: Schedule | Spec = "always") -> None:
        self.inner = from_spec(inner, Advisor, f"inner of {self.kind!r}")
        self.seed = check_count(f"seed of {self.kind!r}", seed, least=0)
        self.epsilon = self._share = check_share(f"epsilon of {self.kind!r}", epsilon)
        self.when = from_spec(when, Schedule, f"when of {self.kind!r}")
        self.depth = self.inner.depth + 1

    @abstractmethod
    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        """Advice in the place of `advice`; build it with `advice.tampered(by=self.kind, ...)`.

        It is asked about the queries that `epsilon` and `when` have chosen, and about no others.

        Args:
            advice: what the advisor inside says.
            query: what was asked.
            rng: this wrapper's own random numbers for these queries, a stream for each game.
        """

    def advise(self, query: Query) -> Advice:
        return self.apply(self.inner.advise(query), query)

    def apply(self, advice: Advice, query: Query) -> Advice:
        """Tamper with advice that the inner advisor gave, with this wrapper's own random numbers.

        Raises:
            AdviceError: `tamper` gave an answer that no player could be shown; the text names the wrapper.
        """
        if query.asks != "both" and query.asks not in self.changes:
            if not query.in_parts:
                self._say_idle(query.asks)
            return advice
        keys = np.broadcast_to(mix(query.keys, query.count, self.seed, self.depth, "advisor"), query.keys.shape)
        rng = Streams(keys)
        rows = (rng.random() < self._share) & (advice.move >= 0)
        if rows.any():
            rows &= self.when.due(query, advice, rng.child("when"))
        index = np.flatnonzero(rows)
        if len(index) == 0:
            return advice
        if len(index) == len(query):
            return check_answer(self.tamper(advice, query, rng), query, repr(self.kind))
        asked = query.select(index)
        said = check_answer(self.tamper(advice.select(index), asked, rng.select(index)), asked, repr(self.kind))
        return advice.put(index, said)

    def _say_idle(self, asks: Asks) -> None:
        if not self._said_idle:
            self._said_idle = True
            _log.warning("%r changes the %s alone, and %r is asked for: it does nothing", self, self.changes[0], asks)

    _said_idle = False

    def close(self) -> None:
        self.inner.close()
