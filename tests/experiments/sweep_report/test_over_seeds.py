"""Intervals over seeds, against a printed table of t and cases worked by hand."""

from __future__ import annotations

import math

import pytest

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.sweep_report.seeds import over_seeds, t_quantile


@pytest.mark.parametrize(
    ("degrees", "level", "t"),
    [
        # Fisher and Yates 1963, "Statistical Tables", table III
        (1, 0.95, 12.706), (2, 0.95, 4.303), (3, 0.95, 3.182), (4, 0.95, 2.776), (9, 0.95, 2.262), (10, 0.95, 2.228),
        (30, 0.95, 2.042), (120, 0.95, 1.980), (2, 0.99, 9.925), (5, 0.90, 2.015), (1, 0.5, 1.0),
    ],
)  # fmt: skip
def test_the_quantiles_are_those_of_the_printed_table(degrees: int, level: float, t: float) -> None:
    assert t_quantile(degrees, level) == pytest.approx(t, abs=5e-4)


def test_three_seeds_by_hand() -> None:
    # mean 0.4, deviations -0.2, 0, 0.2: variance 0.08 / 2, standard error 0.2 / sqrt(3), times t = 4.30265
    found = over_seeds([0.2, 0.4, 0.6])
    assert found.value == pytest.approx(0.4)
    assert found.count == 3
    assert found.interval.low == pytest.approx(0.4 - 4.30265 * 0.2 / math.sqrt(3), abs=1e-5)
    assert found.interval.high == pytest.approx(0.4 + 4.30265 * 0.2 / math.sqrt(3), abs=1e-5)


def test_equal_seeds_have_an_interval_of_one_point() -> None:
    found = over_seeds([0.5, 0.5])
    assert (found.interval.low, found.interval.high) == (0.5, 0.5)


def test_one_seed_tells_nothing_of_the_spread() -> None:
    found = over_seeds([0.3])
    assert (found.value, found.count) == (0.3, 1)
    assert math.isnan(found.interval.low)
    assert math.isnan(found.interval.high)


def test_no_seeds_and_no_level_are_refused() -> None:
    with pytest.raises(DataError, match="no seeds"):
        over_seeds([])
    with pytest.raises(SpecError, match="level"):
        t_quantile(2, 1.0)
    with pytest.raises(SpecError, match="degrees"):
        t_quantile(0)
