"""Intervals over seeds: how sure the mean over a few repetitions is.

An arm's own interval (a bootstrap over openings, puzzles or positions) says how sure the measurement of one student is.
Another seed gives another student. What a cell of the map claims is about students at large, so its interval is over
seeds: the t interval of Student 1908, "The Probable Error of a Mean", Biometrika 6. With three seeds it is 4.3 standard
errors wide on each side: that is how little three seeds tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sandwich_env.errors import DataError
from sandwich_env.evaluation.intervals import LEVEL, Estimate, Interval, check_level
from sandwich_env.specs import check_count

_HALVINGS = 60
"""Bisection steps: an angle of at most pi / 2 is then known to the last bit of a float."""


def over_seeds(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """The mean of one number a seed, with its t interval.

    Args:
        values: one a seed, [N].
        level: of the interval.

    Returns:
        The mean. With one seed there is nothing to tell the spread by: both ends of the interval are NaN.

    Raises:
        DataError: no values.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0:
        raise DataError("there is no mean over no seeds: give one value or more")
    mean = float(numbers.mean())
    if numbers.size == 1:
        return Estimate(mean, Interval(math.nan, math.nan, check_level(level)), 1)
    half = t_quantile(numbers.size - 1, level) * float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
    return Estimate(mean, Interval(mean - half, mean + half, level), numbers.size)


def t_quantile(degrees: int, level: float = LEVEL) -> float:
    """The t below which |T| stays with probability `level`, T having Student's distribution.

    Args:
        degrees: of freedom, 1 or more.
        level: two-sided, so that 0.95 gives the t of the 97.5 % quantile.
    """
    check_count("degrees", degrees)
    low, high = 0.0, math.pi / 2
    check_level(level)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _within(angle: float, degrees: int) -> float:
    """P(|T| <= sqrt(degrees) * tan(angle)): Abramowitz and Stegun 1964, 26.7.3 (odd degrees) and 26.7.4 (even)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for step in range(degrees // 2):
        total += term
        term *= cosine * cosine * ((2 * step + 2) / (2 * step + 3) if odd else (2 * step + 1) / (2 * step + 2))
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
