"""`Optimism`: which way the value is moved, and how far."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.optimism import Optimism
from sandwich_env.errors import SpecError
from sandwich_env.rules import Games
from sandwich_env.testing import check_advisor


@pytest.mark.parametrize("amount", [-1, -0.4, 0.25, 1.0])
def test_the_value_goes_that_share_of_its_way(amount: float) -> None:
    asked, honest = query(some_games(300)), Honest(Opinionated())
    true, advice = honest.advise(asked), Optimism(honest, amount).advise(asked)
    goal = np.sign(amount)
    np.testing.assert_allclose(goal - advice.value, (1 - abs(amount)) * (goal - true.value), atol=1e-6)
    np.testing.assert_array_equal(advice.move, true.move)
    assert np.abs(advice.value).max() <= 1
    if abs(amount) < 1:
        order = np.argsort(true.value)
        assert (np.diff(advice.value[order]) >= 0).all()


def test_at_0_it_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(Optimism(honest, 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(Optimism(honest, -1.0, epsilon=0.0).advise(asked), honest.advise(asked))


def test_tampers_as_often_as_it_says() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), Optimism(honest, 0.5, epsilon=0.15).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.15)
    np.testing.assert_array_equal(advice.value[~rows], true.value[~rows])
    assert (advice.value[rows] > true.value[rows]).all()


def test_the_result_of_a_finished_game_is_left_alone() -> None:
    advice = Optimism(Honest(Opinionated()), 1.0).advise(query(Games.from_fens([FOOLS_MATE])))
    assert advice.value.tolist() == [-1.0]


def test_it_keeps_the_contract() -> None:
    check_advisor(Optimism(Honest(Opinionated()), -0.6, 0.7))


@pytest.mark.parametrize("amount", [-1.1, 2, float("nan"), "much", None, True])
def test_amount_out_of_range(amount: object) -> None:
    with pytest.raises(SpecError, match=f"amount of 'optimism' is {amount!r}: it must be a finite number from -1 to 1"):
        Optimism(Honest(Opinionated()), amount)  # type: ignore[arg-type]
