"""Intervals: how sure a measure is. Every draw comes from a generator that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import DataError, SpecError
from sandwich_env.specs import check_count

LEVEL = 0.95
"""The confidence level of every interval that does not say otherwise."""

RESAMPLES = 1000
"""Bootstrap resamples where nothing else is said: the ends of a 95 % interval then rest on 25 resamples each."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: its lower end.
        high: its upper end.
        level: its confidence level, 0 to 1.
    """

    low: float
    high: float
    level: float = LEVEL

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """Upper less lower end."""
        return self.high - self.low

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON."""
        return {"low": self.low, "high": self.high, "level": self.level}


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, and from how many items it was computed."""

    value: float
    interval: Interval
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"value": self.value, "interval": self.interval.to_dict(), "count": self.count}


def check_level(level: float) -> float:
    """A confidence level as it was given.

    Raises:
        SpecError: it is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise SpecError(f"level is {level!r}: a confidence level lies between 0 and 1, such as {LEVEL}")
    return level


def wilson(successes: int, count: int, level: float = LEVEL) -> Interval:
    """The score interval of a share, which keeps its coverage for few items and for shares near 0 and 1.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22.

    Raises:
        DataError: no items, or more successes than items.
    """
    if not 0 <= successes <= count or count == 0:
        raise DataError(f"{successes} successes among {count} items are no share")
    z = NormalDist().inv_cdf(0.5 + check_level(level) / 2)
    share = successes / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    # At the ends of the scale the formula gives 0 and 1 exactly; floating point does not.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == count else centre + half
    return Interval(low, high, level)


def share_of(hits: ArrayLike, level: float = LEVEL) -> Estimate:
    """The share of true items of a bool [N], with its Wilson interval.

    Raises:
        DataError: no items.
    """
    flags = np.asarray(hits, dtype=np.bool_)
    interval = wilson(int(flags.sum()), flags.size, level)
    return Estimate(float(flags.mean()), interval, flags.size)


def percentile_interval(samples: ArrayLike, level: float = LEVEL) -> Interval:
    """The percentile interval of bootstrap samples.

    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    tail = (1.0 - check_level(level)) / 2.0
    low, high = np.quantile(np.asarray(samples, dtype=np.float64), [tail, 1.0 - tail])
    return Interval(float(low), float(high), level)


def bootstrap_weights(units: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each unit is drawn in each resample of as many units as there are, int64 [resamples, units]."""
    check_count("units", units)
    check_count("resamples", resamples)
    return rng.multinomial(units, np.full(units, 1.0 / units), size=resamples)


def bootstrap_mean(
    values: ArrayLike, *, rng: np.random.Generator, resamples: int = RESAMPLES, level: float = LEVEL
) -> Estimate:
    """The mean of numbers [N], with its percentile interval.

    Raises:
        DataError: no numbers.
    """
    return paired_bootstrap(lambda means: means[..., 0], [values], rng=rng, resamples=resamples, level=level)


def paired_columns(samples: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """K measurements of the same N items side by side, [N, K].

    Raises:
        DataError: no items, arrays of different lengths, or an item that is no finite number.
    """
    columns = [np.asarray(sample, dtype=np.float64) for sample in samples]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1 or len(columns[0]) == 0:
        shapes = ", ".join(str(column.shape) for column in columns)
        raise DataError(f"paired measurements are arrays of one length, 1 or more, not of shapes {shapes}")
    items = np.stack(columns, axis=1)
    if not np.isfinite(items).all():
        item, sample = np.argwhere(~np.isfinite(items))[0]
        raise DataError(
            f"item {item} of measurement {sample} is {items[item, sample]}: leave out what was not measured"
        )
    return items


def paired_bootstrap(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    samples: Sequence[ArrayLike],
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """A statistic of the means of K measurements of the same N items, with its percentile interval.

    The items are resampled jointly: each resample takes all K measurements of the items that it draws.

    Args:
        statistic: from means [..., K] to numbers [...].
        samples: K arrays [N].
        rng: draws the resamples.
        resamples: how many.
        level: of the interval.

    Raises:
        DataError: no items, or arrays of different lengths.
    """
    items = paired_columns(samples)
    weights = bootstrap_weights(len(items), resamples, rng)
    drawn = statistic(weights @ items / len(items))
    value = float(statistic(items.mean(axis=0)))
    return Estimate(value, percentile_interval(drawn, level), len(items))
