"""`PolicyNoise`: how much noise, and where."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.errors import SpecError


def test_noise_has_the_stated_deviation_on_legal_moves_only() -> None:
    asked, honest = query(some_games(300)), Honest(Opinionated())
    true, advice = honest.advise(asked), PolicyNoise(honest, scale=0.7).advise(asked)
    legal = asked.games.legal_mask().astype(bool)
    noise = advice.policy[legal] - true.policy[legal]
    assert len(noise) > 5000
    assert abs(noise.mean()) < 4 * 0.7 / len(noise) ** 0.5
    assert noise.std() == pytest.approx(0.7, rel=4 / (2 * len(noise)) ** 0.5)
    assert np.isneginf(advice.policy[~legal]).all()


def test_recommends_the_best_of_the_noisy_policy() -> None:
    asked, honest = query(some_games(200)), Honest(Opinionated())
    advice = PolicyNoise(honest, scale=2.0).advise(asked)
    np.testing.assert_array_equal(advice.move, advice.policy.argmax(axis=1))
    assert 0.3 < (advice.move != honest.advise(asked).move).mean() < 0.95
    np.testing.assert_array_equal(advice.value, honest.advise(asked).value)


def test_more_noise_gives_worse_moves() -> None:
    asked, honest = query(some_games(300)), Honest(Opinionated())
    true = honest.advise(asked)
    worth = [
        true.policy[np.arange(300), PolicyNoise(honest, scale).advise(asked).move].mean() for scale in (0.0, 1.0, 4.0)
    ]
    assert worth[0] == pytest.approx(true.policy.max(axis=1).mean())
    assert worth[0] > worth[1] + 0.1 > worth[2] + 0.2


def test_tampers_as_often_as_it_says_and_is_honest_elsewhere() -> None:
    asked, honest = query(some_games(1000)), Honest(Opinionated())
    true, advice = honest.advise(asked), PolicyNoise(honest, scale=3.0, epsilon=0.25).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 1000, 0.25)
    np.testing.assert_array_equal(advice.policy[~rows], true.policy[~rows])
    np.testing.assert_array_equal(advice.move[~rows], true.move[~rows])


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(PolicyNoise(honest, 5.0, epsilon=0.0).advise(asked), honest.advise(asked))


@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf"), "much"])
def test_scale_out_of_range(scale: object) -> None:
    with pytest.raises(SpecError, match=f"scale of 'policy_noise' is {scale!r}: it must be a finite number, 0 or more"):
        PolicyNoise(Honest(Opinionated()), scale)  # type: ignore[arg-type]
