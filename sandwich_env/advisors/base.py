"""What every advisor is: asked about a batch of positions, it answers with a move and a value for each.

`Honest` repeats its expert. A misalignment is a `Wrapper` around another advisor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.legal import LegalLogits, Policy, as_policy, legal_logits_of
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import NUM_ACTIONS, Games
from sandwich_env.specs import Specified, check_count, check_scale, check_share, from_spec, kind_of

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

Asks = Literal["move", "value", "both"]
"""What a player asks its advisor for."""

NO_MOVE = NUM_ACTIONS
"""Stands for "no advice" where an action is expected: one more than the last action."""


@dataclass(frozen=True)
class Query:
    """What an advisor is asked about.

    Attributes:
        games: the N positions.
        keys: uint64 [N], one for each game, the seed of all that is random in its advice.
        count: int64 [N], how many queries each game has made before this one.
        asks: what the player wants to know.
        proposal: int64 [N], the action that the player itself would take, -1 where it does not say; or None.
    """

    games: Games
    keys: UInt64s
    count: NDArray[np.int64]
    asks: Asks = "both"
    proposal: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Provenance:
    """The truth behind a batch of advice. For scoring only: it never reaches a player.

    Attributes:
        tampered: bool [N], whether any wrapper put its own answer in the place of an honest one (by chance the two
            may be the same).
        by: object [N], the kinds of the wrappers that did so, the innermost first, joined by "+"; "" for none.
        honest_move: int64 [N], what the expert would have said.
        honest_value: float32 [N], likewise.
    """

    tampered: NDArray[np.bool_]
    by: NDArray[np.object_]
    honest_move: NDArray[np.int64]
    honest_value: NDArray[np.float32]


@dataclass(frozen=True)
class VisibleAdvice:
    """The part of a batch of advice that the player sees.

    Attributes:
        move: int64 [N], the recommended action, `NO_MOVE` where there is none.
        value: float32 [N], the expected result for the player to move (-1 to 1), 0 where there is none.
        available: int8 [N, 2], whether a move is given and whether a value is.
    """

    move: NDArray[np.int64]
    value: NDArray[np.float32]
    available: NDArray[np.int8]

    def select(self, rows: NDArray[np.int64]) -> VisibleAdvice:
        """What is seen in some of the games (indices)."""
        return VisibleAdvice(move=self.move[rows], value=self.value[rows], available=self.available[rows])


@dataclass(frozen=True)
class Advice:
    """What an advisor answers for N positions.

    Attributes:
        move: int64 [N], the recommended action; -1 in a finished game.
        value: float32 [N], the expected result for the player to move, -1 to 1.
        policy: float32 [N, 4672], the logits behind the move, -inf where illegal.
        provenance: the truth, for the scorer.
        asks: what the player wanted to know. The parts that it did not ask for cannot be tampered with.
    """

    move: NDArray[np.int64]
    value: NDArray[np.float32]
    policy: NDArray[np.float32]
    provenance: Provenance
    asks: Asks = "both"

    def tampered(
        self,
        rows: NDArray[np.bool_],
        by: str,
        *,
        move: ArrayLike | None = None,
        value: ArrayLike | None = None,
        policy: ArrayLike | LegalLogits | None = None,
    ) -> Advice:
        """New advice in which the given parts are put in place where `rows` [N] is true, and provenance says by whom.

        Move and policy stay in step: a new policy brings its best move, and a new move changes places in the policy
        with the old one. Finished games, and parts that nobody asked for, are left as they are.

        Args:
            rows: bool [N], the games whose advice is changed.
            by: the kind of the wrapper that does it.
            move: int64 [N], legal actions.
            value: float32 [N].
            policy: float32 [N, 4672], -inf where illegal; or `LegalLogits` (see `legal_logits`).
        """
        if self.asks == "value":
            move = policy = None
        elif self.asks == "move":
            value = None
        if move is None and value is None and policy is None:
            return self
        rows = rows & (self.move >= 0)
        if policy is not None:
            given = policy if isinstance(policy, LegalLogits) else np.asarray(policy, dtype=np.float32)
            move = Evaluation(as_policy(given), self.value).best() if move is None else move
            new_policy = _chosen(rows, given, self._policy)
        elif move is not None:
            new_policy = _swapped(rows, self._policy, self.move, np.where(rows, move, self.move))
        else:
            new_policy = self._policy
        names = np.where(self.provenance.by == "", by, self.provenance.by + f"+{by}")
        return Advice(
            move=self.move if move is None else np.where(rows, move, self.move).astype(np.int64),
            value=self.value if value is None else np.where(rows, value, self.value).astype(np.float32),
            policy=as_policy(new_policy),
            provenance=replace(
                self.provenance,
                tampered=self.provenance.tampered | rows,
                by=np.where(rows, names, self.provenance.by),
            ),
            asks=self.asks,
        )

    def legal_logits(self, games: Games) -> LegalLogits:
        """The policy as the logits of the legal actions alone: a hundredth of the columns.

        Args:
            games: that the advice is about.
        """
        if isinstance(self._policy, LegalLogits):
            return self._policy
        legal = LegalLogits(*games.legal_actions(), np.empty(0, dtype=np.float32))
        return legal.with_logits(self.policy[legal.rows(), legal.actions])

    @property
    def _policy(self) -> NDArray[np.float32] | LegalLogits:
        """The policy as it is kept."""
        legal = legal_logits_of(self)
        return self.policy if legal is None else legal

    def where(self, rows: NDArray[np.bool_], other: Advice) -> Advice:
        """This advice where `rows` [N] is true, the other elsewhere. Both answer the same query."""
        mine, theirs = self.provenance, other.provenance
        return Advice(
            move=np.where(rows, self.move, other.move),
            value=np.where(rows, self.value, other.value),
            policy=as_policy(_chosen(rows, self._policy, other._policy)),
            provenance=replace(
                mine,
                tampered=np.where(rows, mine.tampered, theirs.tampered),
                by=np.where(rows, mine.by, theirs.by),
            ),
            asks=self.asks,
        )

    def visible(self, asks: Asks) -> VisibleAdvice:
        """What the player who asked for `asks` sees of it."""
        given = self.move >= 0
        available = np.stack([given & (asks != "value"), given & (asks != "move")], axis=1)
        return VisibleAdvice(
            move=np.where(available[:, 0], self.move, NO_MOVE),
            value=np.where(available[:, 1], self.value, 0.0).astype(np.float32),
            available=available.astype(np.int8),
        )


Advice.policy = Policy()  # type: ignore[assignment]  # after the fact: a dataclass would take it for a default

_AnyPolicy: TypeAlias = NDArray[np.float32] | LegalLogits


def _chosen(rows: NDArray[np.bool_], there: _AnyPolicy, elsewhere: _AnyPolicy) -> _AnyPolicy:
    """One policy where `rows` [N] is true and another elsewhere; arrays of 4672 columns are not made without need."""
    if rows.all():
        return there
    if isinstance(there, LegalLogits) and isinstance(elsewhere, LegalLogits) and there.same_actions(elsewhere):
        return there.with_logits(np.where(np.repeat(rows, there.counts), there.logits, elsewhere.logits))
    return np.where(rows[:, None], _dense(there), _dense(elsewhere))


def _dense(policy: _AnyPolicy) -> NDArray[np.float32]:
    return policy.dense() if isinstance(policy, LegalLogits) else policy


def _swapped(rows: NDArray[np.bool_], policy: _AnyPolicy, old: NDArray[np.int64], new: NDArray[np.int64]) -> _AnyPolicy:
    """The policy with the logits of the actions `old` and `new` [N] exchanged: the same ones where `rows` is false."""
    if isinstance(policy, LegalLogits):
        legal = policy.swapped(rows, old, new)
        if legal is not None:
            return legal
        policy = policy.dense()
    swapped, at = policy.copy(), np.arange(len(policy))
    swapped[at, old], swapped[at, new] = policy[at, new], policy[at, old]
    return swapped


class Advisor(Specified, ABC):
    """Tells: answers queries with advice."""

    depth: int = 0
    """How many wrappers are inside this one; keeps the random numbers of nested wrappers apart."""

    @abstractmethod
    def advise(self, query: Query) -> Advice:
        """A move and a value for every game of the query."""

    def close(self) -> None:
        """Release what the advisor and its expert hold."""


class Honest(Advisor):
    """Says what its expert knows."""

    def __init__(self, expert: Expert) -> None:
        self.expert = from_spec(expert, Expert)

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
    """

    def __init__(self, inner: Advisor, seed: int = 0) -> None:
        self.inner = from_spec(inner, Advisor)
        self.seed = check_count("seed", seed, least=0)
        self.depth = self.inner.depth + 1

    @abstractmethod
    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        """Advice in the place of `advice`; build it with `advice.tampered(rows, by=self.kind, ...)`.

        Args:
            advice: what the advisor inside says.
            query: what was asked.
            rng: this wrapper's own random numbers for these queries, a stream for each game.
        """

    @property
    def kind(self) -> str:
        """The name that provenance uses."""
        return kind_of(type(self))

    def advise(self, query: Query) -> Advice:
        return self.apply(self.inner.advise(query), query)

    def apply(self, advice: Advice, query: Query) -> Advice:
        """Tamper with advice that the inner advisor gave, with this wrapper's own random numbers."""
        keys = np.broadcast_to(mix(query.keys, query.count, self.seed, self.depth, "advisor"), query.keys.shape)
        return self.tamper(advice, query, Streams(keys))

    def close(self) -> None:
        self.inner.close()
