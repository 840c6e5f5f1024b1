from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.intervals import (
    Interval,
    bootstrap_mean,
    bootstrap_weights,
    paired_bootstrap,
    percentile_interval,
    share_of,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes: int, count: int, low: float, high: float) -> None:
    interval = wilson(successes, count)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)
    mirrored = wilson(count - successes, count)
    assert mirrored.low == pytest.approx(1 - interval.high)
    assert mirrored.high == pytest.approx(1 - interval.low)


def test_wilson_at_the_ends_of_the_scale_is_exact_and_has_width() -> None:
    assert wilson(0, 7).low == 0.0
    assert wilson(7, 7).high == 1.0
    assert wilson(7, 7).low < 1.0


@pytest.mark.parametrize(("successes", "count"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(successes: int, count: int) -> None:
    with pytest.raises(DataError, match=f"{successes} successes among {count}"):
        wilson(successes, count)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, -0.1])
def test_levels_lie_between_0_and_1(level: float) -> None:
    with pytest.raises(SpecError, match=f"level is {level}"):
        wilson(1, 2, level)
    with pytest.raises(SpecError, match=f"level is {level}"):
        percentile_interval([1.0, 2.0], level)


def test_share_and_dict() -> None:
    share = share_of([True, False, True, True])
    assert (share.value, share.count) == (0.75, 4)
    assert share.to_dict()["interval"] == wilson(3, 4).to_dict()
    assert 0.75 in share.interval
    assert 2.0 not in share.interval
    assert Interval(1.0, 3.0).width == 2.0


def test_weights_count_units() -> None:
    weights = bootstrap_weights(6, 500, np.random.default_rng(0))
    assert weights.shape == (500, 6)
    assert (weights.sum(axis=1) == 6).all()
    # Each count is binomial(6, 1/6): mean 1, variance 5/6.
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)
    assert weights.var() == pytest.approx(5 / 6, abs=0.06)


def test_bootstrap_mean_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    estimate = bootstrap_mean(values, rng=np.random.default_rng(2), resamples=4000)
    error = 1.96 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.interval.low == pytest.approx(values.mean() - error, abs=0.03)
    assert estimate.interval.high == pytest.approx(values.mean() + error, abs=0.03)


def test_paired_items_stay_together() -> None:
    """Two measurements that differ by 1 on every item differ by 1 in every resample."""
    one = np.random.default_rng(0).normal(size=50)
    estimate = paired_bootstrap(lambda m: m[..., 1] - m[..., 0], [one, one + 1], rng=np.random.default_rng(1))
    assert estimate.value == pytest.approx(1.0)
    assert estimate.interval.low == pytest.approx(1.0)
    assert estimate.interval.high == pytest.approx(1.0)


def test_the_generator_decides() -> None:
    values = np.arange(20.0)
    intervals = [bootstrap_mean(values, rng=np.random.default_rng(seed)).interval for seed in (3, 3, 4)]
    assert intervals[0] == intervals[1] != intervals[2]


@pytest.mark.parametrize("samples", [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[2.0]])])
def test_paired_samples_of_other_shapes_are_refused(samples: tuple[list[float], list[float]]) -> None:
    with pytest.raises(DataError, match="arrays of one length"):
        paired_bootstrap(lambda m: m[..., 0], samples, rng=np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize(("share", "count"), [(0.02, 100), (0.3, 40), (0.5, 400)])
def test_wilson_covers_the_truth(share: float, count: int) -> None:
    hits = np.random.default_rng(7).binomial(count, share, 4000)
    intervals = {int(k): wilson(int(k), count) for k in np.unique(hits)}
    coverage = np.mean([share in intervals[int(k)] for k in hits])
    assert 0.93 <= coverage <= 0.98
