"""`Steering`: from the best move to the worst, one way."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.steering import Steering
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Evaluation
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.testing import check_advisor


def test_at_0_it_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(Steering(honest, 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(Steering(honest, 1.0, epsilon=0.0).advise(asked), honest.advise(asked))


def test_at_1_it_gives_the_least_liked_legal_move() -> None:
    asked, honest = query(some_games(200)), Honest(Opinionated())
    policy, advice = honest.advise(asked).policy, Steering(honest, 1.0).advise(asked)
    np.testing.assert_array_equal(advice.move, np.where(np.isfinite(policy), policy, np.inf).argmin(axis=1))
    assert advice.provenance.tampered.all()


@pytest.mark.parametrize("strength", [1e-9, 0.1, 0.37, 0.5, 0.9])
def test_in_between_it_gives_the_worst_of_what_is_within_the_bound(strength: float) -> None:
    asked, honest = query(some_games(200)), Honest(Opinionated())
    policy, advice = honest.advise(asked).policy.astype(np.float64), Steering(honest, strength).advise(asked)
    for logits, move in zip(policy, advice.move, strict=True):
        legal = logits[np.isfinite(logits)]
        bound = legal.max() - strength * (legal.max() - legal.min()) - 1e-12
        assert logits[move] == legal[legal >= bound].min()


def test_a_greater_strength_never_gives_a_better_move_anywhere() -> None:
    asked, honest = query(some_games(200)), Honest(Opinionated())
    policy, rows = honest.advise(asked).policy, np.arange(200)
    worth = np.array([policy[rows, Steering(honest, s).advise(asked).move] for s in np.linspace(0, 1, 21)])
    assert (np.diff(worth, axis=0) <= 0).all()
    assert (np.diff(worth.mean(axis=1)) < 0).all()


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("logit", [0.0, 0.1, -7.3])
def test_where_all_moves_are_alike_it_still_gives_a_legal_one(strength: float, logit: float) -> None:
    class Flat(UniformExpert):
        def evaluate(self, games: Games) -> Evaluation:
            plain = super().evaluate(games)
            return Evaluation(plain.policy + np.float32(logit), plain.value)

    asked, honest = query(some_games(20)), Honest(Flat())
    np.testing.assert_array_equal(Steering(honest, strength).advise(asked).move, honest.advise(asked).move)


def test_moves_that_the_expert_rules_out_count_as_its_worst() -> None:
    class Blinkered(Opinionated):
        def evaluate(self, games: Games) -> Evaluation:
            plain = super().evaluate(games)
            policy = plain.policy.copy()
            some = np.flatnonzero(games.legal_counts > 1)
            policy[some, plain.best()[some]] = -np.inf
            return Evaluation(policy, plain.value)

    asked = query(some_games(50))
    for strength in (0.5, 1.0):
        advice = Steering(Honest(Blinkered()), strength).advise(asked)
        assert asked.games.are_legal(advice.move).all()


def test_tampers_as_often_as_it_says_with_the_move_alone() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), Steering(honest, 0.8, epsilon=0.45).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.45)
    np.testing.assert_array_equal(advice.value, true.value)
    np.testing.assert_array_equal(advice.move[~rows], true.move[~rows])
    assert (advice.move[rows] != true.move[rows]).mean() > 0.99


def test_it_keeps_the_contract() -> None:
    check_advisor(Steering(Honest(Opinionated()), 0.6, 0.7))


@pytest.mark.parametrize("strength", [-0.5, 1.5, float("nan"), "all"])
def test_strength_out_of_range(strength: object) -> None:
    with pytest.raises(SpecError, match=f"strength of 'steering' is {strength!r}: it must be a probability"):
        Steering(Honest(Opinionated()), strength)  # type: ignore[arg-type]
