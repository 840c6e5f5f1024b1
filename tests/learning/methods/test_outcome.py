"""Outcome: hand-worked weights of won, drawn and lost games."""

from __future__ import annotations

import numpy as np
import pytest
from lessons_support import H, lesson, played, with_outcomes, written

from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.methods.base import Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.opinions import values_of
from sandwich_env.learning.methods.outcome import Outcome

GAMES = written(
    ("e2e4 e7e5", "e2e4 -", 1.0),
    ("d2d4 d7d5", "d2d4 -", 0.0),
    ("c2c4 c7c5", "c2c4 -", -1.0),
    ("g1f3 g8f6", "g1f3 -", np.nan),
)


def test_the_filter_keeps_the_side_that_won_and_draws_as_told() -> None:
    targets = Outcome(explore_plies=0, draws=0.25).targets(lesson(GAMES))
    assert targets.policy_weight.tolist() == [1, 0, 0.25, 0.25, 0, 1, 0, 0]
    assert Outcome(explore_plies=0).targets(lesson(GAMES)).policy_weight.tolist() == [1, 0, 0, 0, 0, 1, 0, 0]


def test_results_are_learnt_as_in_imitation() -> None:
    imitated = Imitate().targets(lesson(GAMES))
    for by in ("filter", "advantage"):
        targets = Outcome(by).targets(lesson(GAMES))  # type: ignore[arg-type]
        assert targets.value.tolist() == imitated.value.tolist() == [1, -1, 0, 0, -1, 1, 0, 0]
        assert targets.value_weight.tolist() == imitated.value_weight.tolist() == [1] * 6 + [0] * 2


def test_explored_moves_that_won_are_learnt_only_where_advised() -> None:
    assert Outcome().targets(lesson(GAMES)).policy_weight.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_the_advantage_weighs_by_its_exponential_with_mean_one() -> None:
    """H, who has no opinion, expects 0: the advantages are the results, the weights e^(2 * result) by their mean."""
    targets = Outcome("advantage", beta=0.5, explore_plies=0).targets(lesson(GAMES, UniformExpert()))
    won, drawn, lost = np.exp(2.0), 1.0, np.exp(-2.0)
    mean = (2 * won + 2 * drawn + 2 * lost) / 6
    expected = np.array([won, lost, drawn, drawn, lost, won, 0, 0]) / mean
    assert targets.policy_weight == pytest.approx(expected)


def test_the_cap_comes_before_the_mean() -> None:
    targets = Outcome("advantage", beta=1e-3, most=3.0, explore_plies=0).targets(lesson(GAMES, UniformExpert()))
    assert targets.policy_weight == pytest.approx(np.array([3, 0, 1, 1, 0, 3, 0, 0]) / (8 / 6))


def test_the_mean_is_over_the_moves_that_are_learnt() -> None:
    targets = Outcome("advantage").targets(lesson(GAMES, UniformExpert()))
    assert (targets.policy_weight > 0).tolist() == [True, False, True, False, True, False, False, False]
    assert targets.policy_weight.sum() == pytest.approx(3)


def test_the_advantage_is_over_what_h_expected_of_the_position() -> None:
    corpus = played(Imitate())
    method, values = Outcome("advantage", explore_plies=0), values_of(corpus.visible(), H)
    weight = method.targets(lesson(corpus)).policy_weight
    advantage = corpus.seen.result - values
    assert np.std(values) > 0.1
    assert np.log(weight) - advantage == pytest.approx(np.log(weight[0]) - advantage[0], abs=1e-4)
    assert weight.mean() == pytest.approx(1)


def test_in_a_chain_it_weighs_whatever_move_is_taught() -> None:
    given = Targets(
        action=np.zeros(8, dtype=np.int64),
        policy_weight=np.full(8, 0.5, dtype=np.float32),
        value=np.full(8, 0.1, dtype=np.float32),
        value_weight=np.full(8, 0.2, dtype=np.float32),
    )
    left = Outcome(draws=0.5).weigh(lesson(GAMES), given)
    assert left.policy_weight.tolist() == [0.5, 0, 0.25, 0.25, 0, 0.5, 0, 0]
    assert left.action is given.action
    assert left.value_weight is given.value_weight


def test_games_without_results_teach_no_moves() -> None:
    nothing = with_outcomes(GAMES, np.full(4, np.nan))
    for by in ("filter", "advantage"):
        assert not Outcome(by, explore_plies=0).targets(lesson(nothing)).policy_weight.any()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "value", "match"),
    [
        ("by", "advantages", "did you mean 'advantage'"),
        ("draws", -0.5, "draws.*-0.5"),
        ("beta", 0.0, "beta.*above 0"),
        ("most", 0.0, "most.*above 0"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: object, match: str) -> None:
    with pytest.raises(SpecError, match=match):
        Outcome(**{argument: value})  # type: ignore[arg-type]
