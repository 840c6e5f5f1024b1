"""Examples with columns for a policy gradient: all columns stay beside each other."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from sandwich_env.learning.examples import Examples
from sandwich_env.learning.played_examples import PlayedExamples
from sandwich_env.rules import Games


def played(count: int) -> PlayedExamples:
    games = Games(count)
    examples = Examples.of(games, games.sample(np.arange(count)), np.linspace(-1, 1, count))
    index = np.arange(count)
    return PlayedExamples.beside(examples, index, -index.astype(np.float32), 10 * index.astype(np.float32))


@pytest.mark.parametrize("rows", [np.array([3, 0]), np.array([True, False, False, True]), slice(1, 3)])
def test_a_choice_holds_all_columns(rows: np.ndarray | slice) -> None:
    whole = played(4)
    chosen = whole.select(rows)
    assert type(chosen) is PlayedExamples
    for field in fields(PlayedExamples):
        assert np.array_equal(getattr(chosen, field.name), getattr(whole, field.name)[rows]), field.name


def test_joined_they_hold_all_columns() -> None:
    one, other = played(2), played(3)
    joined = PlayedExamples.join([one, other])
    assert type(joined) is PlayedExamples
    assert len(joined) == 5
    for field in fields(PlayedExamples):
        parts = [getattr(one, field.name), getattr(other, field.name)]
        assert np.array_equal(getattr(joined, field.name), np.concatenate(parts)), field.name
