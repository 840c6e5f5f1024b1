"""`Temperature`: which moves are drawn, and how often."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, same_question, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.temperature import Temperature
from sandwich_env.errors import SpecError
from sandwich_env.testing import check_advisor


def assert_drawn_from(moves: np.ndarray, weights: np.ndarray) -> None:
    """Pearson's test, moves expected fewer than 5 times taken together; 1 chance in some 10,000 to fail."""
    expected = weights / weights.sum() * len(moves)
    times = np.bincount(moves, minlength=len(weights))
    rare = expected < 5
    pooled = [np.append(numbers[~rare], numbers[rare].sum()) for numbers in (times, expected)]
    used = pooled[1] > 0
    degrees = used.sum() - 1
    assert ((pooled[0] - pooled[1])[used] ** 2 / pooled[1][used]).sum() < degrees + 5 * (2 * degrees) ** 0.5
    assert times[weights == 0].sum() == 0


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0, 1e300])
def test_moves_are_drawn_from_the_softmax(temperature: float) -> None:
    asked, true = same_question(3000)
    logits = true.legal_logits(asked.games).dense()[0].astype(np.float64)
    advice = Temperature(Honest(Opinionated()), temperature).apply(true, asked)
    assert advice.provenance.tampered.all()
    assert_drawn_from(advice.move, np.exp((logits - logits.max()) / temperature))


def test_at_temperature_0_it_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(Temperature(honest, 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(Temperature(honest, 2.0, epsilon=0.0).advise(asked), honest.advise(asked))


@pytest.mark.parametrize("temperature", [1e-3, 1e-300])
def test_near_0_it_gives_the_best_moves(temperature: float) -> None:
    asked, honest = query(some_games(100)), Honest(Opinionated())
    advice = Temperature(honest, temperature).advise(asked)
    assert (advice.move == honest.advise(asked).move).mean() > 0.98


def test_hotter_is_worse_for_the_same_chances() -> None:
    asked, honest = query(some_games(400)), Honest(Opinionated())
    true = honest.advise(asked)
    worth = [
        true.policy[np.arange(400), Temperature(honest, temperature).advise(asked).move].mean()
        for temperature in (0.0, 0.5, 1.0, 2.0, 8.0)
    ]
    assert (np.diff(worth) < 0).all()


def test_tampers_as_often_as_it_says_with_the_move_alone() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), Temperature(honest, 2.0, epsilon=0.3).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.3)
    np.testing.assert_array_equal(advice.value, true.value)
    np.testing.assert_array_equal(advice.move[~rows], true.move[~rows])
    np.testing.assert_array_equal(advice.policy.argmax(axis=1), advice.move)


def test_it_keeps_the_contract() -> None:
    check_advisor(Temperature(Honest(Opinionated()), 1.5, 0.7))


@pytest.mark.parametrize("temperature", [-1.0, float("nan"), float("inf"), "hot", True])
def test_temperature_out_of_range(temperature: object) -> None:
    with pytest.raises(SpecError, match=f"temperature of 'temperature' is {temperature!r}: it must be a finite number"):
        Temperature(Honest(Opinionated()), temperature)  # type: ignore[arg-type]
