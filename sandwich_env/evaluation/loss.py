"""Loss: what the moves of H cost by E's reckoning, and PGR by it.

By the win probability p = (v + 1) / 2 of E's value v after a move, for whoever made it,

    cost of H's move  =  p(after E's best move) - p(after H's best move)
    loss of H         =  the mean cost over fixed positions
    PGR by loss       =  (loss of H0 - loss of H) / (loss of H0 - loss of E)

Agreement counts every other move as equally wrong; the loss tells a good second choice from a blunder. It is E's
opinion: what E misjudges, it misjudges too. E's own cost is 0 by definition where E is the judge, and a move that E,
once it sees the position, likes better than its own costs less than nothing, so that PGR by loss may exceed 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import Query
from sandwich_env.errors import DataError
from sandwich_env.evaluation.advice_positions import Positions
from sandwich_env.evaluation.advice_quality import POSITIONS_AT_ONCE, Judge, grouped_means
from sandwich_env.evaluation.intervals import LEVEL, RESAMPLES, Estimate, paired_columns
from sandwich_env.evaluation.pgr import Pgr, pgr_paired
from sandwich_env.experts.base import Expert
from sandwich_env.randomness import mix
from sandwich_env.rules import Games

MIN_LOSS_GAP = 0.01
"""The least gap between two mean losses that PGR is computed from: one win in a hundred given away at every move.

In games of the shipped E against the shipped H, H's move costs 0.03 on average, with a standard deviation of 0.1. Even
2500 positions leave an error of 0.002 in the mean, and at a gap of 0.01 that is 0.2 of PGR: as much as `MIN_ELO_GAP`
allows."""


def judge_of(
    expert: Expert,
    positions: Games | Sequence[str],
    group: NDArray[np.int64] | None = None,
    *,
    positions_at_once: int = POSITIONS_AT_ONCE,
) -> Judge:
    """E as the judge of moves in N positions that nobody is asked for advice on.

    Args:
        expert: E.
        positions: games, none of them over, or FENs.
        group: int64 [N], from 0, which positions belong together; each is alone without it.
        positions_at_once: the most that an expert is asked about together.

    Raises:
        DataError: no positions, or one that is over.
        InvalidPositionError: a FEN that cannot be played from.
    """
    games = positions if isinstance(positions, Games) else Games.from_fens(positions)
    if len(games) == 0:
        raise DataError("no positions to judge moves in: give one or more")
    if games.finished.any():
        over = games.fens()[int(np.argmax(games.finished))]
        raise DataError(f"the position {over!r} is over: there is no move in it to judge")
    number = np.arange(len(games))
    query = Query(games=games, keys=mix(0, "judged", number), count=np.zeros(len(games), dtype=np.int64))
    return Judge(expert, Positions(query, number if group is None else group, lambda asked: asked), positions_at_once)


def move_costs(player: Expert, judge: Judge) -> NDArray[np.float64]:
    """What a player's best moves cost in the judge's positions, in win probability, float64 [N]."""
    games = judge.positions.query.games
    return judge.cost(np.concatenate([player.evaluate(games.select(rows)).best() for rows in judge.parts(len(games))]))


def costs_by_name(players: Mapping[str, Expert], judge: Judge) -> dict[str, list[float]]:
    """The costs of several players' moves in the same positions, as lists that JSON keeps bit for bit."""
    return {name: move_costs(player, judge).tolist() for name, player in players.items()}


def mean_cost(
    costs: ArrayLike,
    *,
    rng: np.random.Generator,
    group: NDArray[np.int64] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """The loss: the mean of costs [N], with a bootstrap interval over groups of positions.

    Raises:
        DataError: no costs, or a cost that is no finite number.
    """
    column = paired_columns([costs])
    groups = np.arange(len(column)) if group is None else group
    return grouped_means(column, groups, rng=rng, resamples=resamples, level=level)[0]


def pgr_loss(
    weak: ArrayLike,
    student: ArrayLike,
    strong: ArrayLike,
    *,
    rng: np.random.Generator,
    group: NDArray[np.int64] | None = None,
    min_gap: float = MIN_LOSS_GAP,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Pgr:
    """PGR by the mean cost of moves in the same positions. Gap and gain are in win probability, more is better.

    Args:
        weak: costs of the weak player's moves before it learnt, [N].
        student: of the weak player's, after, [N].
        strong: of the strong one's, [N].
        rng: draws the resamples.
        group: int64 [N], from 0, none left out: positions that are resampled together; one by one without it.
        min_gap: between the mean losses of weak and strong.
        resamples: how many.
        level: of the intervals.

    Raises:
        DataError: no positions, or arrays of different lengths.
        TooSmallGapError: the gap is less than `min_gap`, or its interval reaches down to 0.
    """
    costs = paired_columns([weak, student, strong])
    if group is not None:
        # PGR is a quotient of sums, so an item may as well be a group's sum. The factor keeps the mean the mean cost.
        groups = int(group.max()) + 1
        sums = np.zeros((groups, costs.shape[1]))
        np.add.at(sums, group, costs)
        costs = sums * (groups / len(costs))
    return pgr_paired(*(0.0 - costs).T, rng=rng, min_gap=min_gap, resamples=resamples, level=level)
