"""Loss of win probability, and PGR by it, against cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scripted import action_of

from sandwich_env.errors import DataError, InvalidPositionError, TooSmallGapError
from sandwich_env.evaluation.loss import MIN_LOSS_GAP, costs_by_name, judge_of, mean_cost, move_costs, pgr_loss
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.rules import Games

MATE = "7k/7p/7P/6K1/8/8/8/3Q4 w - - 0 1"
"""d1d8 mates."""
EQUAL = "8/8/8/4k3/8/4K3/8/8 w - - 0 1"
"""A draw already, by bare kings; not to be judged."""
ROOKS = "k7/7r/8/8/8/8/1R6/K7 w - - 0 1"


class Says(Expert):
    """Has one move in mind for each position, 0 for the value of those it does not know."""

    def __init__(self, moves: dict[str, str], values: dict[str, float] | None = None) -> None:
        self.moves, self.values = moves, values or {}

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        for row, fen in enumerate(games.fens()):
            if not over[row]:
                value[row] = self.values.get(fen.split()[0], 0.0)
            if fen in self.moves:
                policy[row, action_of(fen, self.moves[fen])] = 1.0
        return Evaluation(policy, value)


# After Rb2-b3 E sees -0.5 for Black, after Rb2-c2 0.2: win probabilities of White 0.75 and 0.4.
VALUES = {"k7/7r/8/8/8/1R6/8/K7": -0.5, "k7/7r/8/8/8/8/2R5/K7": 0.2}
E = Says({MATE: "d1d8", ROOKS: "b2b3"}, VALUES)
H = Says({MATE: "d1d2", ROOKS: "b2c2"})
"""Misses the mate (after which E sees 0, a win probability of 0.5) and moves the rook to the worse file."""


def test_costs_by_hand() -> None:
    judge = judge_of(E, [MATE, ROOKS])
    assert move_costs(H, judge).tolist() == pytest.approx([1.0 - 0.5, 0.75 - 0.4])
    assert move_costs(E, judge).tolist() == [0.0, 0.0]
    one_by_one = judge_of(E, Games.from_fens([MATE, ROOKS]), positions_at_once=1)
    found = costs_by_name({"H": H, "E": E}, one_by_one)
    assert found["H"] == move_costs(H, judge).tolist()
    assert json.loads(json.dumps(found)) == found


def test_a_move_that_the_judge_likes_better_than_its_own_costs_less_than_nothing() -> None:
    judge = judge_of(Says({ROOKS: "b2c2"}, VALUES), [ROOKS])
    assert move_costs(Says({ROOKS: "b2b3"}), judge).tolist() == pytest.approx([0.4 - 0.75])


def test_pgr_by_hand() -> None:
    """A loss of 0.3 before, 0.1 after and 0.05 of E's: 0.2 of 0.25 is recovered."""
    weak, student, strong = [0.2, 0.4] * 50, [0.0, 0.2] * 50, [0.05] * 100
    found = pgr_loss(weak, student, strong, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(0.8)
    assert (found.gain, found.gap) == (pytest.approx(0.2), pytest.approx(0.25))
    assert found.value in found.interval


def test_positions_of_one_group_are_drawn_together() -> None:
    """Groups of 3 and 1: the number stays, and copies of a position in a group of their own teach nothing new."""
    rng = np.random.default_rng(1)
    weak = rng.uniform(0.1, 0.5, 40)
    student = weak * rng.uniform(0.0, 1.0, 40)
    copies = np.repeat(np.arange(40), np.where(np.arange(40) % 2, 3, 1))
    strong = np.zeros(len(copies))
    alone = pgr_loss(weak[copies], student[copies], strong, rng=np.random.default_rng(2))
    together = pgr_loss(weak[copies], student[copies], strong, rng=np.random.default_rng(2), group=copies)
    assert together.value == pytest.approx(alone.value)
    assert together.gap == pytest.approx(float(weak[copies].mean()))
    assert together.interval.width > 1.2 * alone.interval.width
    loss = mean_cost(student[copies], rng=np.random.default_rng(2), group=copies)
    assert loss.value == pytest.approx(float(student[copies].mean()))
    assert loss.interval.width > 1.2 * mean_cost(student[copies], rng=np.random.default_rng(2)).interval.width


@pytest.mark.parametrize("weak", [0.9 * MIN_LOSS_GAP, 0.0, -0.1])
def test_too_small_a_gap_is_refused(weak: float) -> None:
    with pytest.raises(TooSmallGapError, match=r"0\.01 or more"):
        pgr_loss(np.full(50, weak), np.zeros(50), np.zeros(50), rng=np.random.default_rng(0))


def test_a_gap_that_may_be_none_is_refused() -> None:
    """One position of 20 costs 0.4: a mean of 0.02, but a third of the resamples have no gap at all."""
    with pytest.raises(TooSmallGapError, match="interval above 0"):
        pgr_loss([0.4] + [0.0] * 19, np.zeros(20), np.zeros(20), rng=np.random.default_rng(0))


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(DataError, match="give one or more"):
        judge_of(E, [])
    with pytest.raises(DataError, match="is over"):
        judge_of(E, [MATE, EQUAL])
    with pytest.raises(InvalidPositionError):
        judge_of(E, ["nonsense"])
    with pytest.raises(DataError, match="one length"):
        pgr_loss([0.1, 0.2], [0.1], [0.0, 0.0], rng=np.random.default_rng(0), group=np.array([0, 1]))
