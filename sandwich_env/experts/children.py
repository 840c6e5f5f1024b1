"""One ply ahead: what an expert thinks of the positions after each legal move, all games and moves in few batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.legal import LegalLogits
from sandwich_env.rules import Games

AT_ONCE = 4096
"""Positions that are made and judged at the same time: as many as a network remembers."""

Judge = Callable[[Games, NDArray[np.int64]], NDArray[np.float64]]
"""Gives a number for each of K positions, from the positions and the places [K] of the moves that led to them."""


def legal_moves(games: Games) -> LegalLogits:
    """All legal moves of N games, with logits 0; of a finished game none."""
    actions, counts = games.legal_actions()
    return LegalLogits(actions, counts, np.zeros(len(actions), dtype=np.float32))


def judge_children(games: Games, moves: LegalLogits, judge: Judge) -> NDArray[np.float64]:
    """A number for the position after each of some moves, [M].

    Args:
        games: N unfinished games, left as they are.
        moves: M of their legal moves; the logits are not looked at.
        judge: gives the numbers.
    """
    rows, numbers = moves.rows(), np.zeros(len(moves.actions), dtype=np.float64)
    for start in range(0, len(rows), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(rows)))
        children = games.select(rows[places])
        children.step(moves.actions[places].astype(np.int64))
        numbers[places] = judge(children, places)
    return numbers
