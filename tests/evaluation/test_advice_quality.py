"""Advice scored by an expert's reckoning, and dials matched at equal damage."""

from __future__ import annotations

import json

import chess
import numpy as np
import pytest

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.advice_positions import given_positions, reached_positions
from sandwich_env.evaluation.advice_quality import Judge, grouped_means, mean_loss, measure_advice
from sandwich_env.evaluation.intervals import bootstrap_mean
from sandwich_env.evaluation.matching import Dial, match_kinds, match_quality
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.remembered import Remembered
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.rules.actions import move_to_action

WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9, chess.KING: 0}
TAKES = "k7/8/8/3q4/4P3/8/8/K7 w - - 0 1"
"""White takes the queen with exd5, or has nothing better to do than to lose the pawn."""


class Counting(Expert):
    """Counts men: the value is the mover's share of all that stands, the policy what stands after each move."""

    def __init__(self) -> None:
        self.asked = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.asked += len(games)
        over, value = result_for_mover(games)
        policy = np.full((len(games), 4672), -np.inf, dtype=np.float32)
        for i in np.flatnonzero(~over):
            board = games.board(i)
            value[i] = _balance(board)
            for move in board.legal_moves:
                board.push(move)
                policy[i, move_to_action(move, games.board(i))] = 4.0 * -_balance(board)
                board.pop()
        return Evaluation(policy, value)


def _balance(board: chess.Board) -> float:
    men = {color: sum(WORTH[p.piece_type] for p in board.piece_map().values() if p.color == color) for color in (0, 1)}
    return (men[board.turn] - men[not board.turn]) / 40.0


class Fixed(Honest):
    """Recommends one move in UCI wherever it is asked, and a value."""

    def __init__(self, expert: Expert, uci: str, value: float) -> None:
        super().__init__(expert)
        self.uci, self.value = uci, value

    def advise(self, query):
        advice = super().advise(query)
        move = [move_to_action(chess.Move.from_uci(self.uci), query.games.board(i)) for i in range(len(query))]
        return advice.tampered(by="fixed", move=np.array(move), value=np.full(len(query), self.value))


def test_the_loss_of_a_move_by_hand() -> None:
    """Taking the queen leaves +1, any other move -8, in fortieths: (v + 1) / 2 is 0.5125, or 0.4 at a value of -0.2."""
    judge = Judge(Counting(), given_positions([TAKES]))
    found = measure_advice(Fixed(Counting(), "a1b1", 0.3), judge)
    assert judge.value.tolist() == [pytest.approx(-0.2)]
    assert found.loss.value == pytest.approx(0.5125 - 0.4)
    assert found.agreement.value == 0.0
    assert found.blunders.value == 0.0
    assert measure_advice(Fixed(Counting(), "a1b1", 0.3), judge, blunder=0.11).blunders.value == 1.0
    assert found.tampered.value == 1.0
    assert found.value_error.value == found.value_bias.value == pytest.approx(0.5)
    right = measure_advice(Fixed(Counting(), "e4d5", -0.3), judge)
    assert right.loss.value == 0.0
    assert right.agreement.value == 1.0
    assert right.value_error.value == pytest.approx(0.1)
    assert right.value_bias.value == pytest.approx(-0.1)


def test_a_cost_of_exactly_the_threshold_is_a_blunder() -> None:
    judge, advisor = Judge(Counting(), given_positions([TAKES])), Fixed(Counting(), "a1b1", 0.3)
    cost = measure_advice(advisor, judge).loss.value
    assert measure_advice(advisor, judge, blunder=cost).blunders.value == 1.0
    assert measure_advice(advisor, judge, blunder=float(np.nextafter(cost, 1.0))).blunders.value == 0.0


def test_a_move_that_ends_the_game_is_worth_its_result() -> None:
    """Qd1-d8 mates, whatever the judge would count."""
    judge = Judge(Counting(), given_positions(["7k/7p/7P/6K1/8/8/8/3Q4 w - - 0 1"]))
    mate = move_to_action(chess.Move.from_uci("d1d8"), judge.positions.query.games.board(0))
    assert judge.win_probability(np.array([mate])).tolist() == [1.0]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(Counting(), reached_positions(UniformExpert(), 40, seed=3, max_plies=30))


def test_positions_come_from_games_and_carry_what_the_player_says(judge: Judge) -> None:
    positions = judge.positions
    query = positions.query
    assert len(positions) == 40
    assert not query.games.finished.any()
    assert len(np.unique(query.games.ply)) > 10
    assert query.count.tolist() == (query.games.ply // 2).tolist()
    assert 5 <= positions.groups <= 10
    assert query.proposal is not None
    assert query.games.are_legal(query.proposal).all()
    assert query.hope is not None
    assert query.watched is not None
    assert 5 < query.watched.sum() < 35
    assert query.rating is None
    again = reached_positions(UniformExpert(), 40, seed=3, max_plies=30)
    assert again.query.games.fens() == query.games.fens()
    assert again.query.keys.tolist() == query.keys.tolist()
    assert reached_positions(UniformExpert(), 40, seed=4, max_plies=30).query.games.fens() != query.games.fens()


def test_the_honest_advisor_loses_nothing(judge: Judge) -> None:
    found = measure_advice(Honest(Counting()), judge)
    assert found.loss.value == found.blunders.value == found.tampered.value == found.value_error.value == 0.0
    assert found.agreement.value == 1.0
    assert found.agreement.interval.low < 1.0  # so few groups cannot be sure of it
    assert json.loads(json.dumps(found.to_dict()))["loss"]["count"] == 40


def test_the_same_in_any_batch_and_with_the_same_seed(judge: Judge) -> None:
    advisor = ValueNoise(RandomMove(Honest(Counting()), 0.5), 0.2)
    whole = measure_advice(advisor, judge, seed=1)
    parts = measure_advice(advisor, Judge(Counting(), judge.positions, positions_at_once=7), seed=1)
    assert whole == parts
    assert measure_advice(advisor, judge, seed=2).loss.interval != whole.loss.interval
    assert mean_loss(advisor, judge) == pytest.approx(whole.loss.value)
    assert whole.tampered.value == 1.0
    assert 0.05 < whole.value_error.value < 0.3


def test_the_judge_looks_at_a_move_once() -> None:
    expert = Counting()
    judge = Judge(expert, given_positions([TAKES, chess.STARTING_FEN]))
    measure_advice(Honest(UniformExpert()), judge)
    asked = expert.asked
    measure_advice(Honest(UniformExpert()), judge)
    assert expert.asked == asked


def test_positions_that_cannot_be_asked_about() -> None:
    with pytest.raises(DataError, match="no positions"):
        given_positions([])
    with pytest.raises(DataError, match=r"'7k/6Q1/6K1/8/8/8/8/8 b - - 0 1' is over"):
        given_positions(["7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"])
    with pytest.raises(SpecError, match="blunder is -1"):
        measure_advice(Honest(UniformExpert()), Judge(Counting(), given_positions([TAKES])), blunder=-1)


def test_groups_are_drawn_whole() -> None:
    """Forty copies of ten numbers say as much as the ten; each by itself, they are the plain bootstrap."""
    values = np.random.default_rng(0).normal(size=10)
    copied, group = np.repeat(values, 40)[:, None], np.repeat(np.arange(10), 40)
    (together,) = grouped_means(copied, group, rng=np.random.default_rng(1))
    (alone,) = grouped_means(values[:, None], np.arange(10), rng=np.random.default_rng(1))
    plain = bootstrap_mean(values, rng=np.random.default_rng(1))
    assert together.interval.low == pytest.approx(alone.interval.low)
    assert alone.interval.high == pytest.approx(plain.interval.high)
    assert alone.value == pytest.approx(plain.value)
    assert (together.count, alone.count) == (400, 10)


def test_a_resample_is_the_mean_of_the_items_that_it_drew_however_many() -> None:
    """One 0 and nine 1s, a group each: a quarter of the resamples is of 2 items, a half of 10, a quarter of 18."""
    values, group = np.array([0.0] + [1.0] * 9)[:, None], np.array([0] + [1] * 9)
    for level, low, high in ((0.95, 0.0, 1.0), (0.4, 0.9, 0.9)):
        (found,) = grouped_means(values, group, rng=np.random.default_rng(1), level=level)
        assert found.value == pytest.approx(0.9)
        assert (found.interval.low, found.interval.high) == pytest.approx((low, high))


def test_dials_of_equal_damage(judge: Judge) -> None:
    def random_move(epsilon: float) -> Advisor:
        return RandomMove(Honest(Counting()), epsilon)

    most = mean_loss(random_move(1.0), judge)
    found = match_quality(random_move, most / 2, judge)
    assert 0.2 < found.value < 0.8
    assert found.quality.loss.value == pytest.approx(most / 2, abs=0.01)
    assert found == match_quality(random_move, most / 2, judge)
    kinds = {
        "random": Dial("epsilon", random_move, (0.0, 1.0)),
        "values": Dial("scale", lambda scale: ValueNoise(Honest(Counting()), scale), (0.0, float("inf"))),
    }
    matched, refused = match_kinds(kinds, most / 2, judge)
    assert matched["random"].value == found.value
    assert json.loads(json.dumps(matched["random"].to_dict()))["dial"] == "epsilon"
    assert "it costs from 0.000 to 0.000" in refused["values"]
    with pytest.raises(SpecError, match=rf"no epsilon from 0 to 1 costs 0.9 .* 40 positions .* 0.000 to {most:.3f}"):
        match_quality(random_move, 0.9, judge)


@pytest.mark.parametrize(
    ("ends", "whole", "at"),
    [
        ((0.0, 1.0), False, [0.0, 0.25, 1.0]),
        ((1.0, 0.0), False, [1.0, 0.75, 0.0]),
        ((0.0, float("inf")), False, [0.0, 1 / 3, 1024.0]),
        ((float("inf"), 1.0), True, [1025, 4, 1]),
    ],
)
def test_a_dial_goes_from_end_to_end(ends: tuple[float, float], whole: bool, at: list[float]) -> None:
    dial = Dial("dial", lambda value: Honest(UniformExpert()), ends, whole)
    assert [dial.at(turn) for turn in (0.0, 0.25, 1.0)] == pytest.approx(at)


def test_what_is_remembered_is_the_experts_answer() -> None:
    expert = Counting()
    kept = Remembered(expert)
    games = Games.from_fens([TAKES, chess.STARTING_FEN, TAKES])
    first, second = kept.evaluate(games), kept.evaluate(games.select([1, 0]))
    assert (expert.asked, kept.positions) == (2, 2)
    right = expert.evaluate(games)
    np.testing.assert_array_equal(first.policy, right.policy)
    np.testing.assert_array_equal(first.value, right.value)
    np.testing.assert_array_equal(second.policy, right.policy[[1, 0]])
    assert kept.to_spec() == expert.to_spec()
    games.step([-1, move_to_action(chess.Move.from_uci("e2e4"), chess.Board()), -1])
    kept.evaluate(games)
    assert kept.positions == 3
