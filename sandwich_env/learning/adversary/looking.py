"""What every legal move of a position leads to, in the eyes of an expert and of victims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Expert
from sandwich_env.experts.children import judge_children
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.rules import Games

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Moves:
    """All legal moves of N positions, M in all, one position after the other.

    Attributes:
        legal: the actions, and the expert's logits.
        value: float32 [M], the expert's value of what the move leads to, for who plays it.
    """

    legal: LegalLogits
    value: Floats


@dataclass(frozen=True)
class Seen:
    """The same moves as a player sees them.

    Attributes:
        logits: float32 [M], of its policy.
        value: float32 [M], its own value of what the move leads to.
        shallow: float32 [M], its own value after the reply that it expects: a search of two plies with one reply.
    """

    logits: Floats
    value: Floats
    shallow: Floats


def legal_logits(games: Games, expert: Expert) -> LegalLogits:
    """The expert's policy over the legal actions."""
    evaluation = expert.evaluate(games)
    if evaluation.legal is not None:
        return evaluation.legal
    legal = LegalLogits(*games.legal_actions(), np.empty(0, dtype=np.float32))
    return legal.with_logits(evaluation.policy[legal.rows(), legal.actions])


def look(games: Games, expert: Expert) -> Moves:
    """Every legal move, and the expert's value after it. The games are left as they are."""
    legal = legal_logits(games, expert)
    value = judge_children(games, legal, lambda children, _: -expert.evaluate(children).value.astype(np.float64))
    return Moves(legal, value.astype(np.float32))


def look_as(games: Games, player: Expert, legal: LegalLogits) -> Seen:
    """The same moves as a weaker player sees them: by its policy, its value, and its reply and value again."""
    own = legal_logits(games, player)
    if not own.same_actions(legal):
        raise AssertionError("the same positions have other legal actions")
    shallow = np.empty(len(legal.actions), dtype=np.float32)

    def judge(children: Games, places: NDArray[np.int64]) -> NDArray[np.float64]:
        evaluation = player.evaluate(children)
        reply = evaluation.best()  # -1 leaves a game alone that is over
        children.step(reply)
        shallow[places] = np.where(reply >= 0, player.evaluate(children).value, -evaluation.value)
        return -evaluation.value.astype(np.float64)

    value = judge_children(games, legal, judge)
    return Seen(own.logits, value.astype(np.float32), shallow)


def best_of(counts: NDArray[np.int64], values: Floats) -> Floats:
    """The highest of each position's values, repeated for each of its moves, [M]; every position has a move."""
    starts = np.cumsum(counts) - counts
    return cast("Floats", np.repeat(np.maximum.reduceat(values, starts), counts))


def drop(counts: NDArray[np.int64], values: Floats) -> Floats:
    """By how much each move falls behind the best of its position in the chance of winning, (value + 1) / 2. [M]"""
    return cast("Floats", (best_of(counts, values) - values) / np.float32(2))
