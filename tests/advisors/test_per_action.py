"""Random numbers for each legal action: their distributions, and that they do not depend on the batch."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, query, same_question, some_games

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.per_action import log_dirichlet, log_gamma, log_probabilities, log_uniform, of_each
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games


def legal_of(games: Games) -> LegalLogits:
    return Honest(Opinionated()).advise(query(games)).legal_logits(games)


def streams(n: int) -> Streams:
    return Streams(mix(np.arange(n), "test"))


def largest_gap(one: np.ndarray, other: np.ndarray) -> float:
    """The statistic of Kolmogorov and Smirnov for two samples."""
    points = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(sample), points, side="right") / len(sample) for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


@pytest.mark.parametrize("alpha", [0.03, 0.3, 0.9, 1.0, 2.5, 40.0])
def test_gamma_variates_have_the_distribution_of_numpys(alpha: float) -> None:
    n = 20_000
    at = np.arange(n) % 500, np.arange(n) // 500
    drawn = log_gamma(streams(500), *at, alpha)
    reference = np.random.default_rng(1).standard_gamma(alpha, 4 * n)
    gap = largest_gap(drawn, np.log(np.maximum(reference, 1e-300)))
    assert gap < 1.95 * ((n + 4 * n) / (n * 4 * n)) ** 0.5  # 1 chance in 1,000 to be wider
    assert len(np.unique(drawn)) == n


@pytest.mark.parametrize("alpha", [0.2, 3.0])
def test_a_gamma_variate_belongs_to_its_row_and_column(alpha: float) -> None:
    rows, columns = np.arange(4000) % 40, np.arange(4000) // 40
    whole = log_gamma(streams(40), rows, columns, alpha)
    some = np.random.default_rng(0).permutation(4000)[:100]
    np.testing.assert_array_equal(log_gamma(streams(40), rows[some], columns[some], alpha), whole[some])
    for k in some[:5]:
        np.testing.assert_array_equal(log_gamma(streams(40), rows[[k]], columns[[k]], alpha), whole[[k]])


def test_gamma_variates_leave_the_callers_numbers_alone() -> None:
    one, other = streams(30), streams(30)
    log_gamma(one, np.arange(30), np.zeros(30, dtype=np.int64), 0.3)
    np.testing.assert_array_equal(one.random(), other.random())


def test_uniform_numbers_are_uniform() -> None:
    legal = legal_of(some_games(500))
    drawn = np.exp(log_uniform(streams(500), legal))
    n = len(drawn)
    assert n > 10_000
    assert largest_gap(drawn, (np.arange(100_000) + 0.5) / 100_000) < 1.95 / n**0.5 + 1e-5


@pytest.mark.parametrize("alpha", [0.05, 0.3, 5.0])
def test_dirichlet_draws_sum_to_one_with_the_right_mean_and_variance(alpha: float) -> None:
    n, k = 4000, 20
    asked, true = same_question(n)
    legal = true.legal_logits(asked.games)
    noise = np.exp(log_dirichlet(streams(n), legal, alpha)).reshape(n, k)
    np.testing.assert_allclose(noise.sum(axis=1), 1.0, rtol=1e-12)
    variance = (1 / k) * (1 - 1 / k) / (k * alpha + 1)
    np.testing.assert_allclose(noise.mean(axis=0), 1 / k, atol=4.5 * (variance / n) ** 0.5)
    assert noise.var() == pytest.approx(variance, rel=0.05)
    between = np.cov(noise, rowvar=False)[np.triu_indices(k, 1)].mean()
    assert between == pytest.approx(-1 / k**2 / (k * alpha + 1), rel=0.05)


def test_probabilities_are_the_softmax_and_games_without_moves_are_passed_over() -> None:
    games = some_games(20)
    legal = legal_of(games)
    some = LegalLogits(legal.actions, np.insert(legal.counts, [0, 7, 20], 0), legal.logits)
    shares = np.exp(log_probabilities(some))
    np.testing.assert_allclose(of_each(np.add, shares, some.counts, 0.0), some.counts > 0)
    dense = np.exp(legal.dense().astype(np.float64))
    dense /= dense.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, dense[legal.rows(), legal.actions], rtol=1e-12)
    nobody = LegalLogits(np.empty(0, dtype=np.uint16), np.zeros(3, dtype=np.int64), np.empty(0, dtype=np.float32))
    assert of_each(np.maximum, nobody.logits, nobody.counts, 7.0).tolist() == [7.0] * 3
