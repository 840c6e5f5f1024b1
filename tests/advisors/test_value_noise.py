"""`ValueNoise`: how much noise, and the limits of a value."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games


def test_noise_has_the_stated_deviation() -> None:
    advice = ValueNoise(Honest(UniformExpert()), scale=0.2).advise(query(Games(3000)))  # the honest value is 0
    assert abs(advice.value.mean()) < 4 * 0.2 / 3000**0.5
    assert advice.value.std() == pytest.approx(0.2, rel=4 / 6000**0.5)


def test_values_stay_in_their_range() -> None:
    advice = ValueNoise(Honest(Opinionated()), scale=3.0).advise(query(some_games(300)))
    assert advice.value.min() == -1.0
    assert advice.value.max() == 1.0
    assert advice.value.dtype == np.float32


def test_only_the_value_changes_as_often_as_it_says() -> None:
    asked, honest = query(some_games(1000)), Honest(Opinionated())
    true, advice = honest.advise(asked), ValueNoise(honest, scale=0.5, epsilon=0.6).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 1000, 0.6)
    assert (advice.value[rows] != true.value[rows]).all()
    np.testing.assert_array_equal(advice.value[~rows], true.value[~rows])
    np.testing.assert_array_equal(advice.policy, true.policy)
    np.testing.assert_array_equal(advice.move, true.move)


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(ValueNoise(honest, 1.0, epsilon=0.0).advise(asked), honest.advise(asked))


def test_the_result_of_a_finished_game_is_left_alone() -> None:
    advice = ValueNoise(Honest(Opinionated()), scale=1.0).advise(query(Games.from_fens([FOOLS_MATE] * 3)))
    assert advice.value.tolist() == [-1.0] * 3
    assert not advice.provenance.tampered.any()


def test_scale_out_of_range() -> None:
    with pytest.raises(SpecError, match=r"scale of 'value_noise' is -1\.0"):
        ValueNoise(Honest(Opinionated()), scale=-1.0)
