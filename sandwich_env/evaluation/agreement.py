"""Agreement: how often, and how surely, one expert would make another's move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.evaluation.intervals import LEVEL, RESAMPLES, Estimate, bootstrap_mean, share_of
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.rules import Games
from sandwich_env.specs import check_count

POSITIONS_AT_ONCE = 1024


@dataclass(frozen=True)
class Agreement:
    """How a student agrees with an expert on N positions.

    Attributes:
        same_move: the share of positions where both have the same best move (Wilson interval).
        expert_move_probability: the mean probability that the student's policy gives to the expert's best move
            (bootstrap interval, over positions; so are the next two).
        value_difference: the mean of the student's value less the expert's: above 0, the student is the more hopeful.
        value_distance: the mean of its absolute value, 0 to 2.
    """

    same_move: Estimate
    expert_move_probability: Estimate
    value_difference: Estimate
    value_distance: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {name: getattr(self, name).to_dict() for name in self.__dataclass_fields__}


def move_agreement(
    student: Expert,
    expert: Expert,
    positions: Games | Sequence[str],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    positions_at_once: int = POSITIONS_AT_ONCE,
) -> Agreement:
    """Ask both about the same positions and compare the answers.

    Args:
        student: whose agreement is measured.
        expert: whom it is measured against.
        positions: games, none of them over, or FENs.
        rng: draws the resamples.
        resamples: of the bootstrap.
        level: of the intervals.
        positions_at_once: the most that are asked about together.

    Raises:
        DataError: no positions, or one that is over.
        InvalidPositionError: a FEN that cannot be played from.
    """
    games = positions if isinstance(positions, Games) else Games.from_fens(positions)
    if len(games) == 0:
        raise DataError("no positions to compare experts on: give one or more")
    if games.finished.any():
        over = games.fens()[int(np.argmax(games.finished))]
        raise DataError(f"the position {over!r} is over: nobody has a move to agree on")
    same, probability, difference = [], [], []
    for start in range(0, len(games), check_count("positions_at_once", positions_at_once)):
        some = games.select(np.arange(start, min(start + positions_at_once, len(games))))
        mine, theirs = student.evaluate(some), expert.evaluate(some)
        same.append(mine.best() == theirs.best())
        probability.append(_probability(mine, theirs.best()))
        difference.append(mine.value.astype(np.float64) - theirs.value)
    differences = np.concatenate(difference)

    def mean(values: NDArray[np.float64]) -> Estimate:
        return bootstrap_mean(values, rng=rng, resamples=resamples, level=level)

    return Agreement(
        same_move=share_of(np.concatenate(same), level),
        expert_move_probability=mean(np.concatenate(probability)),
        value_difference=mean(differences),
        value_distance=mean(np.abs(differences)),
    )


def _probability(evaluation: Evaluation, action: NDArray[np.int64]) -> NDArray[np.float64]:
    """softmax(policy) at an action of each row, [N]."""
    logits = evaluation.policy.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    rows = np.arange(len(weights))
    shares: NDArray[np.float64] = weights[rows, action] / weights.sum(axis=1)
    return shares
