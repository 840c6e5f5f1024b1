"""The strategic premium, against cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.premium import (
    Points,
    Premium,
    UnmatchedQualityError,
    points_by_seed,
    premiums,
    strategic_premium,
)

NOISE = [(0.0, 1.0), (0.2, 0.6)]
"""PGR = 1 - 2 q."""
STRATEGY = [(0.0, 1.0), (0.1, 0.4)]
"""PGR = 1 - 6 q, as far as it goes."""


def premium(noise: dict[int, Points], strategic: dict[int, Points]) -> Premium:
    return strategic_premium(noise, strategic, rng=np.random.default_rng(0), resamples=500)


def test_premium_by_hand() -> None:
    """Over the losses from 0 to 0.1 the difference is 4 q: 0.2 on average."""
    found = premium({0: NOISE}, {0: STRATEGY})
    assert (found.least_loss, found.most_loss) == (0.0, 0.1)
    assert found.value == pytest.approx(0.2)
    assert found.by_seed == {0: pytest.approx(0.2)}
    assert found.interval is None
    assert premium({0: STRATEGY}, {0: NOISE}).value == pytest.approx(-0.2)
    assert premium({0: NOISE}, {0: NOISE}).value == 0.0


def test_losses_that_one_kind_alone_reaches_do_not_count() -> None:
    """Noise from 0.1 to 0.3 at 0.5, strategy 0 up to 0.2 and then anything: over 0.1 to 0.3 the mean of 0.5 - PGR."""
    strategic = [(0.0, -9.0), (0.1, 0.0), (0.2, 0.0), (0.3, 0.4), (0.5, 9.0)]
    found = premium({0: [(0.3, 0.5), (0.1, 0.5)]}, {0: strategic})
    assert (found.least_loss, found.most_loss) == (0.1, 0.3)
    assert found.value == pytest.approx(0.5 * 0.5 + 0.5 * (0.5 - 0.2))


def test_the_ends_are_interpolated() -> None:
    """Strategy at 0.05 and 0.15 lies between the arms of noise."""
    found = premium({0: NOISE}, {0: [(0.05, 0.0), (0.15, 0.0)]})
    assert found.value == pytest.approx(((1 - 0.1) + (1 - 0.3)) / 2)


def test_arms_of_equal_loss_are_averaged() -> None:
    assert premium({0: [(0.0, 1.0), (0.2, 0.5), (0.2, 0.7)]}, {0: STRATEGY}).value == pytest.approx(0.2)


def test_seeds_are_paired_and_resampled() -> None:
    """Noise and strategy of a seed share what is peculiar to it: 0.2, 0.3 and 0.4, however lucky the seeds were."""
    luck = {0: 0.0, 1: 5.0, 2: -5.0}
    noise = {seed: [(q, pgr + by + 0.1 * seed) for q, pgr in NOISE] for seed, by in luck.items()}
    strategic = {seed: [(q, pgr + by) for q, pgr in STRATEGY] for seed, by in luck.items()}
    found = premium(noise | {9: [(0.5, 7.0)]}, strategic | {8: []})
    assert found.by_seed == {seed: pytest.approx(0.2 + 0.1 * seed) for seed in luck}
    assert found.value == pytest.approx(0.3)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (pytest.approx(0.2), pytest.approx(0.4))


def test_all_seeds_are_compared_over_the_same_losses() -> None:
    """Seed 1 reaches from 0.04 to 0.08 only: so is seed 0 compared there, where the difference is 4 q."""
    found = premium({0: NOISE, 1: NOISE}, {0: STRATEGY, 1: [(0.04, 0.0), (0.08, 0.0)]})
    assert (found.least_loss, found.most_loss) == (0.04, 0.08)
    assert found.by_seed[0] == pytest.approx(4 * 0.06)


@pytest.mark.parametrize(
    ("noise", "strategic", "words"),
    [
        ({0: NOISE}, {1: STRATEGY}, "none is common"),
        ({0: NOISE}, {0: [(0.0, 1.0), (0.0, 0.2)]}, "lose as much at every dial cannot be matched"),  # values alone
        ({0: [(0.1, 1.0), (0.11, 0.9)]}, {0: STRATEGY}, "moves that noise advises lose from 0.100 to 0.110"),
        ({0: NOISE}, {0: [(0.19, 0.1), (0.4, 0.0)]}, "0.010 in common, where 0.02"),
        ({0: NOISE}, {0: [(0.3, 0.1), (0.4, 0.0)]}, "0.000 in common"),
        ({0: NOISE, 1: NOISE}, {0: STRATEGY, 1: []}, r"no arm with a loss and a PGR for the seeds \[1\]"),
        ({0: NOISE, 1: NOISE}, {0: STRATEGY, 1: [(0.3, 0.1), (0.4, 0.0)]}, "no loss is reached with every seed"),
    ],
)
def test_what_cannot_be_matched_is_refused(noise: dict[int, Points], strategic: dict[int, Points], words: str) -> None:
    with pytest.raises(UnmatchedQualityError, match=words):
        premium(noise, strategic)


@pytest.mark.parametrize("bad", [(float("nan"), 0.5), (0.1, float("inf"))])
def test_what_is_no_number_is_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(DataError, match="no number with seed 0"):
        premium({0: NOISE}, {0: [*STRATEGY, bad]})


def test_several_kinds_and_why_some_have_none() -> None:
    kinds = {"worst move": {0: STRATEGY, 1: STRATEGY}, "value flip": {0: [(0.0, 0.5), (0.0, 0.1)], 1: [(0.0, 1.0)]}}
    found, refused = premiums({0: NOISE, 1: NOISE}, kinds, resamples=50)
    assert list(found) == ["worst move"]
    assert list(refused) == ["value flip"]
    plain = json.loads(json.dumps(found["worst move"].to_dict(), allow_nan=False))
    assert plain["by_seed"] == {"0": pytest.approx(0.2), "1": pytest.approx(0.2)}
    assert plain["interval"]["level"] == 0.95


def test_points_from_rows() -> None:
    rows = [
        {"seed": 0, "advice_loss": 0.0, "pgr": 1.0, "puzzles_pgr": 0.5},
        {"seed": 1, "advice_loss": 0.1, "pgr": None, "puzzles_pgr": 0.25},
        {"seed": 0, "advice_loss": 0.2, "pgr": 0.6, "puzzles_pgr": float("nan")},
        {"seed": 0, "advice_loss": None, "pgr": 0.6, "puzzles_pgr": 0.1},
    ]
    assert points_by_seed(rows) == {0: [(0.0, 1.0), (0.2, 0.6)]}
    assert points_by_seed(rows, "puzzles_pgr") == {0: [(0.0, 0.5)], 1: [(0.1, 0.25)]}


@pytest.mark.parametrize(
    ("min_range", "said"), [(0, "must be above 0"), (-1, "min_range is -1"), (float("nan"), "nan")]
)
def test_a_mean_over_no_losses_is_refused(min_range: float, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        strategic_premium({0: NOISE}, {0: STRATEGY}, rng=np.random.default_rng(0), min_range=min_range)
