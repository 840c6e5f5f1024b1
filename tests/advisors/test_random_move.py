"""`RandomMove`: how often, and which moves."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.errors import SpecError
from sandwich_env.rules import Games


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.9])
def test_tampers_as_often_as_it_says(epsilon: float) -> None:
    advice = RandomMove(Honest(Opinionated()), epsilon).advise(query(some_games(1500)))
    assert_about(int(advice.provenance.tampered.sum()), 1500, epsilon)


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(RandomMove(honest, 0.0).advise(asked), honest.advise(asked))


def test_epsilon_1_always_tampers_and_draws_uniformly_from_the_legal_moves() -> None:
    n, games = 2000, Games(1)
    advice = RandomMove(Honest(Opinionated()), 1.0).advise(query(games.select(np.zeros(n, dtype=np.int64))))
    assert advice.provenance.tampered.all()
    assert set(advice.provenance.by) == {"random_move"}
    moves, times = np.unique(advice.move, return_counts=True)
    np.testing.assert_array_equal(moves, np.flatnonzero(games.legal_mask()[0]))
    chi_squared = ((times - n / 20) ** 2 / (n / 20)).sum()
    assert chi_squared < 43.8  # the 99.9 % point for 19 degrees of freedom


def test_only_the_move_changes_and_the_policy_leads_with_it() -> None:
    asked, honest = query(some_games(100)), Honest(Opinionated())
    true, advice = honest.advise(asked), RandomMove(honest, 0.5).advise(asked)
    rows = advice.provenance.tampered
    np.testing.assert_array_equal(advice.value, true.value)
    np.testing.assert_array_equal(advice.move[~rows], true.move[~rows])
    np.testing.assert_array_equal(advice.policy.argmax(axis=1), advice.move)
    np.testing.assert_array_equal(np.sort(advice.policy, axis=1), np.sort(true.policy, axis=1))
    np.testing.assert_array_equal(advice.provenance.honest_move, true.move)


@pytest.mark.parametrize("epsilon", [1.5, -0.1, float("nan"), "half", None, True])
def test_epsilon_out_of_range(epsilon: object) -> None:
    with pytest.raises(
        SpecError, match=f"epsilon of 'random_move' is {epsilon!r}: it must be a probability, from 0 to 1"
    ):
        RandomMove(Honest(Opinionated()), epsilon)  # type: ignore[arg-type]
