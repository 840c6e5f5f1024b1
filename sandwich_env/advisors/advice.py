"""What an advisor is asked, and what it answers: batches of queries and of advice, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import AdviceError
from sandwich_env.experts.base import Evaluation
from sandwich_env.experts.legal import LegalLogits, Policy, as_policy, legal_logits_of
from sandwich_env.randomness import UInt64s
from sandwich_env.rules import NUM_ACTIONS, Games

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
        hope: float32 [N], the value that the player itself gives the position, NaN where it does not say; or None.
        watched: bool [N], whether the player lets the advisor know that it looks closely this time; or None.
        rating: float64 [N], the player's Elo, as far as the advisor knows it, NaN where it does not; or None.
        lies: int64 [N], how many of the answers that each player had before in this game were tampered with, as whoever
            asks has counted; or None, where nobody counts.
        in_parts: whether the player asks for moves and values one by one, so that `asks` is not all that it asks for.
    """

    games: Games
    keys: UInt64s
    count: NDArray[np.int64]
    asks: Asks = "both"
    proposal: NDArray[np.int64] | None = None
    hope: NDArray[np.float32] | None = None
    watched: NDArray[np.bool_] | None = None
    rating: NDArray[np.float64] | None = None
    lies: NDArray[np.int64] | None = None
    in_parts: bool = False

    def __len__(self) -> int:
        return len(self.keys)

    def select(self, rows: NDArray[np.int64]) -> Query:
        """The query about some of the games (indices)."""
        parts = {name: getattr(self, name) for name in _OPTIONAL}
        return Query(
            games=self.games.select(rows),
            keys=self.keys[rows],
            count=self.count[rows],
            asks=self.asks,
            in_parts=self.in_parts,
            **{name: None if part is None else part[rows] for name, part in parts.items()},
        )


_OPTIONAL = ("proposal", "hope", "watched", "rating", "lies")


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

    def select(self, rows: NDArray[np.int64]) -> Provenance:
        """The truth behind some of the advice (indices)."""
        return Provenance(self.tampered[rows], self.by[rows], self.honest_move[rows], self.honest_value[rows])


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
        rows: NDArray[np.bool_] | None = None,
        by: str = "",
        *,
        move: ArrayLike | None = None,
        value: ArrayLike | None = None,
        policy: ArrayLike | LegalLogits | None = None,
    ) -> Advice:
        """New advice in which the given parts are put in place where `rows` [N] is true, and provenance says by whom.

        Move and policy stay in step: a new policy brings its best move, and a new move changes places in the policy
        with the old one. Finished games, and parts that nobody asked for, are left as they are.

        Args:
            rows: bool [N], the games whose advice is changed; None is all of them.
            by: the kind of the wrapper that does it; it is not left out.
            move: int64 [N], legal actions.
            value: float32 [N].
            policy: float32 [N, 4672], -inf where illegal; or `LegalLogits` (see `legal_logits`).

        Raises:
            AdviceError: nobody is named, or a part has the wrong shape.
        """
        if self.asks == "value":
            move = policy = None
        elif self.asks == "move":
            value = None
        if move is None and value is None and policy is None:
            return self
        if not by:
            raise AdviceError("tampered() needs by=, the kind of the wrapper: without it provenance would not be true")
        playing = self.move >= 0
        for name, part in (("rows", rows), ("move", move), ("value", value)):
            if part is not None and np.shape(part) not in (playing.shape, ()):
                raise AdviceError(f"{by!r} gives {name} of shape {np.shape(part)} for {len(playing)} games")
        if isinstance(policy, np.ndarray) and policy.shape != (len(playing), NUM_ACTIONS):
            raise AdviceError(
                f"{by!r} gives a policy of shape {policy.shape}: it must be {(len(playing), NUM_ACTIONS)}"
            )
        rows = playing if rows is None else rows & playing
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

    def select(self, rows: NDArray[np.int64]) -> Advice:
        """The advice on some of the games (indices)."""
        policy = self._policy
        return Advice(
            move=self.move[rows],
            value=self.value[rows],
            policy=as_policy(policy.select(rows) if isinstance(policy, LegalLogits) else policy[rows]),
            provenance=self.provenance.select(rows),
            asks=self.asks,
        )

    def put(self, rows: NDArray[np.int64], other: Advice) -> Advice:
        """This advice, but for the games `rows` [K] (distinct indices), whose advice is the other, of K games."""
        if len(rows) == len(self.move):
            back = np.empty(len(rows), dtype=np.int64)
            back[rows] = np.arange(len(rows))
            return other.select(back)
        mine, theirs = self.provenance, other.provenance
        policy, new = self._policy, other._policy
        if isinstance(policy, LegalLogits) and isinstance(new, LegalLogits) and policy.select(rows).same_actions(new):
            put: _AnyPolicy = policy.put(rows, new)
        else:
            put = _dense(policy).copy()
            put[rows] = _dense(new)
        return Advice(
            move=_put(self.move, rows, other.move),
            value=_put(self.value, rows, other.value),
            policy=as_policy(put),
            provenance=replace(
                mine,
                tampered=_put(mine.tampered, rows, theirs.tampered),
                by=_put(mine.by, rows, theirs.by),
            ),
            asks=self.asks,
        )

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


def _put(there: NDArray[Any], rows: NDArray[np.int64], new: NDArray[Any]) -> NDArray[Any]:
    """A copy with other elements in some rows."""
    copy = there.copy()
    copy[rows] = new
    return copy


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
    new = np.where((new >= 0) & (new < NUM_ACTIONS), new, old)  # what is no action is refused by whoever asked
    if isinstance(policy, LegalLogits):
        legal = policy.swapped(rows, old, new)
        if legal is not None:
            return legal
        policy = policy.dense()
    swapped, at = policy.copy(), np.arange(len(policy))
    swapped[at, old], swapped[at, new] = policy[at, new], policy[at, old]
    return swapped
