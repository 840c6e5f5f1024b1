"""Masks as lists of legal actions."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.errors import SpecError
from sandwich_env.layouts import legal_lists
from sandwich_env.rules import Games


def test_lists_hold_what_masks_allow() -> None:
    games = Games.from_fens(
        ["8/8/8/8/8/5k2/8/4K2R w - - 0 1", "k7/2Q5/1K6/8/8/8/8/8 b - - 0 1", "8/P6k/8/8/8/8/8/K7 w - - 0 1"]
    )
    mask = games.legal_mask()
    lists = legal_lists(mask)
    assert lists.shape == (3, 224)
    for row, legal in zip(lists, mask, strict=True):
        assert row[row >= 0].tolist() == np.flatnonzero(legal).tolist()
    assert (lists[1] == -1).all(), "a stalemate has no legal move"
    with pytest.raises(SpecError, match="width is 3, but"):
        legal_lists(mask, width=3)
