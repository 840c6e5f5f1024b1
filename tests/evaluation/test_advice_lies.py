"""Lies are counted over the earlier turns of each game, as a channel counts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.advisors.advice import Query
from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.deceiver import Deceiver
from sandwich_env.advisors.panel import Panel
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import AfterFirst, AllOf, AnyOf, Budget, Not, Unwatched
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.evaluation.advice_lies import counts_lies, earlier_lies
from sandwich_env.evaluation.advice_positions import Positions, given_positions, reached_positions
from sandwich_env.evaluation.advice_quality import Judge, ask, measure_advice
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games


def honest() -> Honest:
    return Honest(UniformExpert())


@pytest.fixture(scope="module")
def positions() -> Positions:
    found = reached_positions(UniformExpert(), 60, seed=2, max_plies=40)
    assert found.query.count.max() >= 15
    assert len(np.unique(found.query.keys)) < 60  # some are of one game and player
    return found


def in_play(advisor: Advisor, positions: Positions) -> tuple[list[int], list[bool]]:
    """Of each position by itself: the lies before it and whether there is one, every turn asked about in order."""
    query, before, lied = positions.query, [], []
    for row in range(len(query)):
        told, lie = 0, False
        moves, start = query.games.played(row), query.games.start_fens()[row]
        games = Games.from_fens([start])
        for ply in range(len(moves) + 1):
            if (len(moves) - ply) % 2 == 0:
                key = query.keys[row : row + 1]
                asked = positions.tell(Query(games, key, np.array([ply // 2]), lies=np.array([told])))
                before_this, lie = told, bool(advisor.advise(asked).provenance.tampered[0])
                told += lie
            if ply < len(moves):
                games.step([int(moves[ply])])
        before.append(before_this)
        lied.append(lie)
    return before, lied


SPENDERS = [
    RandomMove(honest(), epsilon=0.5, when=Budget(2)),
    ValueNoise(RandomMove(honest(), epsilon=0.4, when=AllOf([Budget(3), AfterFirst(4)])), scale=0.5, when=Unwatched()),
]


@pytest.mark.parametrize("advisor", SPENDERS)
@pytest.mark.parametrize("at_once", [7, 1024])
def test_lies_are_those_that_were_told_in_the_game_before(positions: Positions, advisor: Advisor, at_once: int) -> None:
    def parts(count: int) -> Sequence[NDArray[np.int64]]:
        return np.split(np.arange(count), np.arange(at_once, count, at_once))

    before, lied = in_play(advisor, positions)
    assert earlier_lies(advisor, positions, parts).tolist() == before  # type: ignore[arg-type]
    assert len(set(before)) >= 3
    answers = ask(advisor, Judge(UniformExpert(), positions, positions_at_once=at_once))
    assert np.concatenate([answer.provenance.tampered for answer in answers]).tolist() == lied


def test_a_budget_can_be_measured(positions: Positions) -> None:
    judge = Judge(UniformExpert(), positions)
    found = measure_advice(RandomMove(honest(), epsilon=1.0, when=Budget(3)), judge)
    assert found.tampered.value == (positions.query.count < 3).mean()
    assert 0.0 < found.tampered.value < 1.0


def test_the_first_positions_of_games_have_no_lies_before_them() -> None:
    first = given_positions(["8/8/8/3k4/8/3K4/3P4/8 w - - 0 1", "8/8/8/3k4/8/3K4/3P4/8 b - - 0 1"], UniformExpert())
    assert earlier_lies(SPENDERS[0], first, lambda count: [np.arange(count)]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("advisor", "counts"),
    [
        (honest(), False),
        (RandomMove(honest(), 0.5), False),
        (RandomMove(honest(), 0.5, when=Budget(1)), True),
        (ValueNoise(RandomMove(honest(), 0.5, when=AnyOf(["always", Not(Budget(1))])), 1.0), True),
        (Deceiver(RandomMove(honest(), 0.5, when=Budget(1)), k=2), True),
        (Panel([honest(), RandomMove(honest(), 0.5, when=Budget(1))]), True),
        (Panel([honest(), RandomMove(honest(), 0.5, when=AfterFirst(1))]), False),
    ],
)
def test_who_counts_lies(advisor: Advisor, counts: bool) -> None:
    assert counts_lies(advisor) is counts
