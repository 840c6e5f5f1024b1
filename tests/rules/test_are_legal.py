"""The cheap questions that the environments ask: is this legal, and how many games are over."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.rules import NO_ACTION, Games


def test_are_legal_says_what_the_mask_says() -> None:
    games, rng, rows = Games(60), np.random.default_rng(0), np.arange(60)
    for _ in range(150):
        drawn = games.sample(rows)
        asked = np.where(rng.random(60) < 0.5, drawn, rng.integers(-1, 4672, 60))
        expected = (asked >= 0) & (games.legal_mask()[rows, np.maximum(asked, 0)] == 1)
        assert np.array_equal(games.are_legal(asked), expected)
        assert games.over_count == games.finished.sum()
        games.step(drawn)
    assert games.over_count > 0


@pytest.mark.parametrize("action", [NO_ACTION, 4672, 2**16, 2**40, -(2**40)])
def test_what_is_no_action_is_not_legal(action: int) -> None:
    assert not Games(3).are_legal([action] * 3).any()


def test_are_legal_wants_an_action_for_each_game() -> None:
    with pytest.raises(ValueError, match=r"actions have shape \(2,\), they need \(3,\)"):
        Games(3).are_legal([0, 0])
