"""What the environments ask of a few games at little cost."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.rules import NO_ACTION, Games
from sandwich_env.rules.sight import View


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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("view", ["mover", "white", "black"])
def test_look_is_observe_and_legal_mask(threads: int, view: View) -> None:
    for n in (0, 1, 80):
        games = Games(n, threads=threads)
        for _ in range(7):
            games.step(games.sample(np.arange(n)))
        planes, mask = games.look(view)
        assert planes.dtype == np.bool_
        assert np.array_equal(planes, games.observe(view=view))
        assert np.array_equal(mask, games.legal_mask())
        planes, mask = games.look(view, packed=True)
        assert np.array_equal(planes, games.observe_packed(view=view))
        assert np.array_equal(mask, games.legal_mask_packed())
        assert not np.shares_memory(planes, games.look(view, packed=True)[0])


def test_look_wants_a_view() -> None:
    for threads in (1, 2):
        with pytest.raises(ValueError, match="view is 'mover', 'white' or 'black', not 'whte'"):
            Games(2, threads=threads).look("whte")  # type: ignore[arg-type]
