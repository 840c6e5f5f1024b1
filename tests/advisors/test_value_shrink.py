"""`ValueShrink`: by how much, and that it is the value alone."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.value_shrink import ValueShrink
from sandwich_env.errors import SpecError
from sandwich_env.testing import check_advisor


@pytest.mark.parametrize("shrink", [0.1, 0.5, 1.0])
def test_the_value_shrinks_by_that_share(shrink: float) -> None:
    asked, honest = query(some_games(300)), Honest(Opinionated())
    true, advice = honest.advise(asked), ValueShrink(honest, shrink).advise(asked)
    np.testing.assert_allclose(advice.value, true.value * (1 - shrink), rtol=1e-6)
    np.testing.assert_array_equal(advice.move, true.move)
    np.testing.assert_array_equal(advice.policy, true.policy)
    if shrink == 1:
        assert not advice.value.any()


def test_at_0_it_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(ValueShrink(honest, 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(ValueShrink(honest, 1.0, epsilon=0.0).advise(asked), honest.advise(asked))


def test_tampers_as_often_as_it_says() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), ValueShrink(honest, 0.9, epsilon=0.35).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.35)
    np.testing.assert_array_equal(advice.value[~rows], true.value[~rows])
    assert (np.abs(advice.value[rows]) < np.abs(true.value[rows])).all()


def test_it_keeps_the_contract() -> None:
    check_advisor(ValueShrink(Honest(Opinionated()), 0.6, 0.7))


@pytest.mark.parametrize("shrink", [-0.5, 1.5, float("nan"), "all"])
def test_shrink_out_of_range(shrink: object) -> None:
    with pytest.raises(SpecError, match=f"shrink of 'value_shrink' is {shrink!r}: it must be a probability"):
        ValueShrink(Honest(Opinionated()), shrink)  # type: ignore[arg-type]
