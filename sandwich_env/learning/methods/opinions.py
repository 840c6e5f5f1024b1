"""What H itself makes of the positions of its games, and of moves in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.rules import NO_ACTION, Games

_OWN, _THEIRS = slice(7, 12), slice(13, 18)
_PAWNS = np.array([1, 3, 3, 5, 9], dtype=np.float32)
"""What a pawn, a knight, a bishop, a rook and a queen are worth, in the order of the planes."""


@dataclass(frozen=True)
class Opinions:
    """What H makes of a move at each of K plies of a corpus.

    Attributes:
        rows: int64 [K], the plies' rows in the corpus, ascending.
        legal: bool [K], whether the move is legal.
        value: float32 [K], the result that H expects for the mover before the move.
        after: float32 [K], and after it, likewise for the mover; as before where the move is not legal.
        material: float32 [K], the mover's pieces less the opponent's before the move, in pawns.
        counts: int64 [K], how many moves are legal.
        logits: float32 [M], H's logits of the legal moves, one ply after the other.
        logit: float32 [K], that of the move; -inf where it is not legal.
    """

    rows: NDArray[np.int64]
    legal: NDArray[np.bool_]
    value: NDArray[np.float32]
    after: NDArray[np.float32]
    material: NDArray[np.float32]
    counts: NDArray[np.int64]
    logits: NDArray[np.float32]
    logit: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, chosen: NDArray[np.bool_]) -> Opinions:
        """Those of some of the plies, by a boolean mask [K]."""
        return Opinions(
            rows=self.rows[chosen],
            legal=self.legal[chosen],
            value=self.value[chosen],
            after=self.after[chosen],
            material=self.material[chosen],
            counts=self.counts[chosen],
            logits=self.logits[np.repeat(chosen, self.counts)],
            logit=self.logit[chosen],
        )

    def log_probability(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """The log of the probability that softmax(logits / temperature) gives the move; -inf where not legal. [K]"""
        if not len(self):
            return np.zeros(0)
        starts = np.cumsum(self.counts) - self.counts
        highest = np.maximum.reduceat(self.logits, starts).astype(np.float64)
        weights = np.exp((self.logits - np.repeat(highest, self.counts)) / temperature)
        log_probability: NDArray[np.float64] = (self.logit - highest) / temperature - np.log(
            np.add.reduceat(weights, starts)
        )
        return log_probability

    def rank(self) -> NDArray[np.int64]:
        """How many legal moves H likes better. [K]"""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        better = self.logits > np.repeat(self.logit, self.counts)
        return np.add.reduceat(better.astype(np.int64), np.cumsum(self.counts) - self.counts)


def opinions(
    corpus: VisibleCorpus, novice: Expert, moves: NDArray[np.int64], rows: NDArray[np.bool_] | None = None
) -> Opinions:
    """What H makes of moves.

    Args:
        corpus: the games.
        novice: H.
        moves: int64 [P], a move for each ply.
        rows: bool [P], the plies to look at; all of them without it.

    Raises:
        DataError: a recorded action is not legal where it was played.
    """
    parts = [_opinion(games, at, novice, moves[at]) for games, at in replay_games(corpus, rows=rows)]
    if not parts:
        nothing = np.zeros(0, dtype=np.float32)
        none = np.zeros(0, dtype=np.int64)
        return Opinions(none, none.astype(np.bool_), nothing, nothing, nothing, none, nothing, nothing)
    at = np.concatenate([part.rows for part in parts])
    order = np.argsort(at)
    policy = _joined(parts).select(order)
    return Opinions(
        rows=at[order],
        legal=np.concatenate([part.legal for part in parts])[order],
        value=np.concatenate([part.value for part in parts])[order],
        after=np.concatenate([part.after for part in parts])[order],
        material=np.concatenate([part.material for part in parts])[order],
        counts=policy.counts,
        logits=policy.logits,
        logit=np.concatenate([part.logit for part in parts])[order],
    )


def values_of(corpus: VisibleCorpus, novice: Expert, rows: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """The result that H expects for the mover of each ply; NaN where it is not looked at. [P]

    Args:
        corpus: the games.
        novice: H.
        rows: bool [P], the plies to look at; all of them without it.
    """
    values = np.full(len(corpus), np.nan, dtype=np.float32)
    for games, at in replay_games(corpus, rows=rows):
        values[at] = novice.evaluate(games).value
    return values


@dataclass(frozen=True)
class _Part(Opinions):
    """Opinions of a batch, with the legal moves that `logits` are of."""

    actions: NDArray[np.uint16]


def _opinion(games: Games, rows: NDArray[np.int64], novice: Expert, moves: NDArray[np.int64]) -> _Part:
    before = novice.evaluate(games)
    policy = _legal_logits(before)
    known = games.are_legal(moves)
    at_move = policy.actions == np.repeat(np.where(known, moves, 0), policy.counts)
    logit = np.full(len(rows), -np.inf, dtype=np.float32)
    found = at_move & np.repeat(known, policy.counts)
    logit[policy.rows()[found]] = policy.logits[found]
    material = _material(games)
    games.step(np.where(known, moves, NO_ACTION))  # the batch's games are copies
    after = np.where(known, 0.0 - novice.evaluate(games).value, before.value).astype(np.float32)
    return _Part(rows, known, before.value, after, material, policy.counts, policy.logits, logit, policy.actions)


def _material(games: Games) -> NDArray[np.float32]:
    pieces = games.observe(history=1).reshape(len(games), 64, -1).sum(axis=1)
    balance: NDArray[np.float32] = (pieces[:, _OWN] - pieces[:, _THEIRS]) @ _PAWNS
    return balance


def _legal_logits(evaluation: Evaluation) -> LegalLogits:
    if evaluation.legal is not None:
        return evaluation.legal
    rows, actions = np.nonzero(np.isfinite(evaluation.policy))
    counts = np.bincount(rows, minlength=len(evaluation.value))
    return LegalLogits(actions.astype(np.uint16), counts, evaluation.policy[rows, actions])


def _joined(parts: list[_Part]) -> LegalLogits:
    return LegalLogits(
        np.concatenate([part.actions for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.logits for part in parts]),
    )
