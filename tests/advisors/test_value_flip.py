"""`ValueFlip`: how often, and that it is the value's sign alone."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.value_flip import ValueFlip
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.testing import check_advisor


@pytest.mark.parametrize("epsilon", [0.2, 0.75, 1.0])
def test_flips_as_often_as_it_says_and_changes_nothing_else(epsilon: float) -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), ValueFlip(honest, epsilon).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, epsilon)
    np.testing.assert_array_equal(advice.value, np.where(rows, -true.value, true.value))
    np.testing.assert_array_equal(advice.move, true.move)
    np.testing.assert_array_equal(advice.policy, true.policy)
    assert advice.value.dtype == np.float32


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(ValueFlip(honest, 0.0).advise(asked), honest.advise(asked))


def test_a_level_position_stays_level_and_a_result_stays_what_it_was() -> None:
    advice = ValueFlip(Honest(UniformExpert()), 1.0).advise(query(Games.from_fens([FOOLS_MATE, Games(1).fens()[0]])))
    assert advice.value.tolist() == [-1.0, 0.0]
    assert not np.signbit(advice.value[1])
    assert advice.provenance.tampered.tolist() == [False, True]


def test_twice_flipped_is_honest() -> None:
    asked, honest = query(some_games(30)), Honest(Opinionated())
    advice = ValueFlip(ValueFlip(honest, 1.0), 1.0).advise(asked)
    np.testing.assert_array_equal(advice.value, honest.advise(asked).value)
    assert set(advice.provenance.by) == {"value_flip+value_flip"}


def test_it_keeps_the_contract() -> None:
    check_advisor(ValueFlip(Honest(Opinionated()), 0.5))


def test_epsilon_out_of_range() -> None:
    with pytest.raises(SpecError, match=r"epsilon.* is 2: it must be a probability"):
        ValueFlip(Honest(Opinionated()), 2)
