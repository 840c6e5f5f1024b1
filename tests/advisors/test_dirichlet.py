"""`DirichletNoise`: how the noise is mixed in, and what it does to the move."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, same_question, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.dirichlet import DirichletNoise
from sandwich_env.errors import SpecError
from sandwich_env.rules import Games
from sandwich_env.testing import check_advisor


@pytest.mark.parametrize("alpha", [0.001, 0.03, 0.3, 1.0, 1000.0])
@pytest.mark.parametrize("share", [0.25, 0.8])
def test_the_policy_is_the_mixture_and_the_move_its_best(alpha: float, share: float) -> None:
    asked, honest = query(some_games(60)), Honest(Opinionated())
    true, advice = honest.advise(asked), DirichletNoise(honest, share, alpha=alpha).advise(asked)
    legal = asked.games.legal_mask() == 1
    before, after = (np.where(legal, np.exp(one.policy.astype(np.float64)), 0.0) for one in (true, advice))
    before /= before.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after.sum(axis=1), 1.0, rtol=1e-5)
    noise = (after - (1 - share) * before)[legal] / share
    assert noise.min() > -1e-6
    assert noise.max() < 1 + 1e-6
    np.testing.assert_array_equal(advice.move, advice.policy.argmax(axis=1))
    np.testing.assert_array_equal(np.isfinite(advice.policy), legal)
    np.testing.assert_array_equal(advice.value, true.value)


def test_at_a_share_of_0_it_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(DirichletNoise(honest, 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(DirichletNoise(honest, 1.0, epsilon=0.0).advise(asked), honest.advise(asked))


@pytest.mark.parametrize("alpha", [0.001, 0.3, 5.0])
def test_at_a_share_of_1_every_legal_move_is_as_likely(alpha: float) -> None:
    n = 2000
    asked, true = same_question(n)
    advice = DirichletNoise(Honest(Opinionated()), 1.0, alpha=alpha).apply(true, asked)
    moves, times = np.unique(advice.move, return_counts=True)
    np.testing.assert_array_equal(moves, np.flatnonzero(Games(1).legal_mask()[0]))
    assert ((times - n / 20) ** 2 / (n / 20)).sum() < 43.8  # the 99.9 % point for 19 degrees of freedom


def test_a_greater_share_of_the_same_noise_is_worse() -> None:
    asked, honest = query(some_games(400)), Honest(Opinionated())
    true = honest.advise(asked)
    worth = [
        true.policy[np.arange(400), DirichletNoise(honest, share).advise(asked).move] for share in (0, 0.2, 0.5, 0.8, 1)
    ]
    for better, worse in itertools.pairwise(worth):
        assert (better >= worse).all()  # for each position: the mixture's best move moves along one line
        assert better.mean() > worse.mean()


def test_tampers_as_often_as_it_says() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), DirichletNoise(honest, 0.5, epsilon=0.6).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.6)
    np.testing.assert_array_equal(advice.policy[~rows], true.policy[~rows])


def test_it_keeps_the_contract() -> None:
    check_advisor(DirichletNoise(Honest(Opinionated()), 0.4, 0.7))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half"])
def test_share_out_of_range(share: object) -> None:
    with pytest.raises(SpecError, match=f"share of 'dirichlet' is {share!r}: it must be a probability, from 0 to 1"):
        DirichletNoise(Honest(Opinionated()), share)  # type: ignore[arg-type]


@pytest.mark.parametrize("alpha", [0, 1e-4, 1001.0, float("nan"), "0.3", True, None])
def test_alpha_out_of_range(alpha: object) -> None:
    with pytest.raises(
        SpecError, match=f"alpha of 'dirichlet' is {alpha!r}: it must be a finite number from 0.001 to 1000"
    ):
        DirichletNoise(Honest(Opinionated()), 0.5, alpha=alpha)  # type: ignore[arg-type]
