"""How often an advisor has lied before, in the games that positions come from: what a budget of lies needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Query
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.evaluation.advice_positions import Positions
from sandwich_env.rules import NO_ACTION, Games
from sandwich_env.specs import parts_of

Parts = Callable[[int], list[NDArray[np.int64]]]
"""Splits so many rows into batches."""


def counts_lies(advisor: Advisor) -> bool:
    """Whether the advisor, or anything inside it, goes by how often it has lied."""
    return any(isinstance(part, Schedule) and part.needs_lies for part in parts_of(advisor))


def earlier_lies(advisor: Advisor, positions: Positions, parts: Parts) -> NDArray[np.int64]:
    """How many answers to each player were tampered with before each position, had it asked at every turn. [N]

    The advisor is asked about each earlier turn of the player, one after the other: as many queries as half the plies
    of the games up to the last position in each.

    Args:
        advisor: whose lies are counted.
        positions: N of them.
        parts: see `Parts`.
    """
    query = positions.query
    ply, lies = query.games.ply.astype(np.int64), np.zeros(len(query), dtype=np.int64)
    order = np.argsort(ply, kind="stable")
    _, player = np.unique(query.keys, return_inverse=True)  # a key for each game and player
    last = np.zeros(player.max() + 1, dtype=np.int64)
    last[player[order]] = order  # the last position of each player: the others lie on the way there
    ends, told = ply[last], np.zeros(len(last), dtype=np.int64)
    games = Games.from_fens(query.games.start_fens()).select(last)
    moves = [query.games.played(row) for row in last.tolist()]
    for at in range(int(ply.max(initial=0)) + 1):
        here = ply == at
        lies[here] = told[player[here]]
        asking = np.flatnonzero((ends > at) & ((ends - at) % 2 == 0))
        for some in parts(len(asking)):
            rows = asking[some]
            asked = Query(games.select(rows), query.keys[last[rows]], np.full(len(rows), at // 2), lies=told[rows])
            told[rows] += advisor.advise(positions.tell(asked)).provenance.tampered if len(rows) else 0
        games.step([int(own[at]) if at < len(own) else NO_ACTION for own in moves])
    return lies
