"""A policy kept as the logits of the legal actions alone, one part in a hundred of the 4672 columns.

Most policies are made and thrown away without anybody looking at the columns. Those of a batch of 256 are 4.8 MB, which
cost more to write than all else that the advisor channel does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import NUM_ACTIONS


@dataclass(frozen=True)
class LegalLogits:
    """The logits of N positions' legal actions.

    Attributes:
        actions: uint16 [M], the legal actions of all positions, one position after the other (`Games.legal_actions`).
        counts: int64 [N], how many of them each position has; none where the game is over.
        logits: float32 [M].
    """

    actions: NDArray[np.uint16]
    counts: NDArray[np.int64]
    logits: NDArray[np.float32]

    def rows(self) -> NDArray[np.int64]:
        """The position that each action belongs to, [M]."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def dense(self) -> NDArray[np.float32]:
        """float32 [N, 4672], -inf where illegal: a new array."""
        policy = np.full((len(self.counts), NUM_ACTIONS), -np.inf, dtype=np.float32)
        # Indices in one dimension are several times as fast as in two.
        policy.reshape(-1)[self.rows() * NUM_ACTIONS + self.actions] = self.logits
        return policy

    def best(self) -> NDArray[np.int64]:
        """The action with the highest logit, the lowest among equals; -1 where there is none that is finite. [N]"""
        best = np.full(len(self.counts), -1, dtype=np.int64)
        some = np.flatnonzero(self.counts)
        if len(some):
            starts = (np.cumsum(self.counts) - self.counts)[some]
            highest = np.maximum.reduceat(self.logits, starts)
            at_best = self.logits == np.repeat(highest, self.counts[some])
            lowest = np.minimum.reduceat(np.where(at_best, self.actions.astype(np.int64), NUM_ACTIONS), starts)
            best[some] = np.where(np.isfinite(highest), lowest, -1)
        return best

    def with_logits(self, logits: NDArray[np.floating[Any]]) -> LegalLogits:
        """The same actions with other logits, [M]."""
        return LegalLogits(self.actions, self.counts, logits.astype(np.float32, copy=False))

    def select(self, rows: NDArray[np.int64]) -> LegalLogits:
        """The logits of some of the positions (indices)."""
        at = self._places(rows)
        return LegalLogits(self.actions[at], self.counts[rows], self.logits[at])

    def put(self, rows: NDArray[np.int64], other: LegalLogits) -> LegalLogits:
        """These logits, but for the positions `rows` [K] (indices), whose logits are the other's, of K positions."""
        logits = self.logits.copy()
        logits[self._places(rows)] = other.logits
        return self.with_logits(logits)

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in `actions` and `logits` those of some positions are, one position after the other."""
        counts, starts = self.counts[rows], (np.cumsum(self.counts) - self.counts)[rows]
        places: NDArray[np.int64] = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return places

    def same_actions(self, other: LegalLogits) -> bool:
        """Whether both are of the same positions' actions, so that their logits go together."""
        return self.actions is other.actions or (
            np.array_equal(self.counts, other.counts) and np.array_equal(self.actions, other.actions)
        )

    def swapped(self, rows: NDArray[np.bool_], old: NDArray[np.int64], new: NDArray[np.int64]) -> LegalLogits | None:
        """The logits of the actions `old` and `new` [N] exchanged in some rows; None where one of them is not legal."""
        wanted = np.repeat(rows, self.counts)
        first = np.flatnonzero(wanted & (self.actions == np.repeat(old, self.counts)))
        second = np.flatnonzero(wanted & (self.actions == np.repeat(new, self.counts)))
        if not len(first) == len(second) == np.count_nonzero(rows):
            return None
        logits = self.logits.copy()
        logits[first], logits[second] = self.logits[second], self.logits[first]
        return self.with_logits(logits)


class Policy:
    """The attribute `policy` of a frozen dataclass: an array, or `LegalLogits` until somebody looks at the columns."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        policy = instance.__dict__["policy"]
        if isinstance(policy, LegalLogits):
            policy = instance.__dict__["policy"] = (
                policy.dense()
            )  # from now on this array counts, whatever is done to it
        return policy

    def __set__(self, instance: Any, policy: NDArray[np.float32] | LegalLogits) -> None:
        instance.__dict__["policy"] = policy


def legal_logits_of(holder: object) -> LegalLogits | None:
    """The `policy` of an object as `LegalLogits`; None if it is an array, or has become one."""
    policy = holder.__dict__["policy"]
    return policy if isinstance(policy, LegalLogits) else None


def as_policy(policy: NDArray[np.float32] | LegalLogits) -> NDArray[np.float32]:
    """What may be given where a `Policy` attribute is expected; for the type checker alone."""
    return cast("NDArray[np.float32]", policy)
