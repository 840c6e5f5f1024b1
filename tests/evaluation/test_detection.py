"""H's trust as a detector of wrong advice, against cases worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sandwich_env.errors import DataError
from sandwich_env.evaluation.detection import TrustBin, TrustScore, auroc, score_trust


def score(trust: list[float], right: list[int], game: list[int] | None = None, seed: int = 0) -> TrustScore:
    games = list(range(len(trust))) if game is None else game
    return score_trust(trust, np.array(right) == 1, games, rng=np.random.default_rng(seed), resamples=200)


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0], 0.5),  # nothing but ties
        ([0.8, 0.4, 0.6, 0.2], [1, 1, 0, 0], 3 / 4),  # of the pairs only 0.4 against 0.6 is the wrong way round
        ([0.8, 0.5, 0.5, 0.2], [1, 1, 0, 0], 3.5 / 4),  # and a tie is half a pair
        ([0.7, 0.7, 0.7, 0.1, 0.9], [1, 1, 0, 0, 0], (1 + 2 + 0) / 6),  # two ties, two won, two lost
    ],
)
def test_auroc_by_hand(scores: list[float], positive: list[int], expected: float) -> None:
    assert auroc(scores, positive) == pytest.approx(expected)
    found = score(scores, positive).auroc
    assert found is not None
    assert found.value == pytest.approx(expected)


def test_auroc_is_the_share_of_pairs() -> None:
    rng = np.random.default_rng(3)
    scores, flags = rng.integers(0, 6, 60) / 5, rng.random(60) < 0.4
    above, below = scores[flags][:, None], scores[~flags][None]
    assert auroc(scores, flags) == pytest.approx(np.mean((above > below) + 0.5 * (above == below)))


def test_calibration_by_hand() -> None:
    """Bins: 0.25 and 0.25, one right of two; 0.95 and 1.0, both right; 0.0 and 0.05, one right of two."""
    found = score([0.25, 0.25, 0.95, 1.0, 0.0, 0.05], [1, 0, 1, 1, 1, 0])
    assert [(part.low, part.high, part.count) for part in found.bins] == [(0.0, 0.1, 2), (0.2, 0.3, 2), (0.9, 1.0, 2)]
    assert [part.trust for part in found.bins] == pytest.approx([0.025, 0.25, 0.975])
    assert [part.right for part in found.bins] == [0.5, 0.5, 1.0]
    assert found.calibration == pytest.approx((2 * 0.475 + 2 * 0.25 + 2 * 0.025) / 6)
    squares = [0.75**2, 0.25**2, 0.05**2, 0.0, 1.0, 0.05**2]
    assert found.brier == pytest.approx(sum(squares) / 6)
    assert (found.count, found.right) == (6, 4 / 6)


def test_trust_that_means_what_it_says_is_calibrated() -> None:
    found = score([0.75] * 4 + [0.25] * 4, [1, 1, 1, 0, 1, 0, 0, 0])
    assert found.calibration == 0.0
    assert found.brier == pytest.approx(0.75 * 0.25)


def test_advice_without_an_opinion_is_left_out() -> None:
    nan = float("nan")
    found = score([nan, 0.9, nan, 0.1, 0.5], [1, 1, 0, 0, 1], game=[7, 3, 3, 9, 9])
    assert found == score([0.9, 0.1, 0.5], [1, 0, 1], game=[0, 1, 1])
    assert found.count == 3
    with pytest.raises(DataError, match="no opinion of any of the 2"):
        score([nan, nan], [1, 0])
    with pytest.raises(DataError, match="no opinion of any of the 0"):
        score([], [])


@pytest.mark.parametrize("right", [0, 1])
def test_one_sort_alone_has_no_auroc(right: int) -> None:
    found = score([0.2, 0.6], [right, right])
    assert found.auroc is None
    assert found.calibration == pytest.approx((abs(right - 0.2) + abs(right - 0.6)) / 2)
    with pytest.raises(DataError, match=f"{2 * right} of 2 are positive"):
        auroc([0.2, 0.6], [right, right])


def test_the_interval_is_over_games() -> None:
    """Forty moves of eight games: copies of a game's moves make nobody surer."""
    rng = np.random.default_rng(5)
    trust, right = rng.random(40).tolist(), (rng.random(40) < 0.5).astype(int).tolist()
    game = np.repeat(np.arange(8), 5).tolist()
    once, often = score(trust, right, game).auroc, score(trust * 4, right * 4, game * 4).auroc
    assert once is not None
    assert often is not None
    assert once.value == pytest.approx(often.value)
    assert (once.interval.low, once.interval.high) == pytest.approx((often.interval.low, often.interval.high))
    assert once.value in once.interval
    alone = score(trust * 4, right * 4).auroc
    assert alone is not None
    assert alone.interval.width < 0.7 * often.interval.width
    assert score(trust, right, game, seed=1).auroc != once


def test_resamples_of_one_sort_widen_the_interval() -> None:
    """Right in one game, wrong in the other: half of the resamples draw one game twice and say nothing."""
    found = score([0.9, 0.8, 0.1], [1, 1, 0], game=[0, 0, 1]).auroc
    assert found is not None
    assert found.value == 1.0
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)


def test_trust_is_a_probability() -> None:
    with pytest.raises(DataError, match=r"from -0.5 to 1.5"):
        score([-0.5, 1.5], [1, 0])
    with pytest.raises(DataError, match=r"\(2,\), \(1,\) and \(2,\)"):
        score([0.1, 0.2], [1], game=[0, 1])
    with pytest.raises(DataError, match="shape"):
        auroc([0.1, 0.2], [True])


def test_plain_data() -> None:
    plain = json.loads(json.dumps(score([0.2, 0.8], [0, 1]).to_dict(), allow_nan=False))
    assert plain["auroc"]["value"] == 1.0
    assert [TrustBin(**part).count for part in plain["bins"]] == [1, 1]
    assert json.loads(json.dumps(score([0.2], [0]).to_dict()))["auroc"] is None
