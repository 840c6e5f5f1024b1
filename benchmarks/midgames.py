"""Positions for benchmarks: the middles of random games."""

from __future__ import annotations

import numpy as np

from sandwich_env.rules import NO_ACTION, Games


def positions(count: int, seed: int) -> Games:
    """Unfinished games after 8 to 71 random moves, from about nine in ten of `count`."""
    seeds = np.arange(count, dtype=np.uint64) + np.uint64(seed * count)
    games = Games(count)
    plies = 8 + seeds % np.uint64(64)
    for ply in range(72):
        games.step(np.where(plies > ply, games.sample(seeds), NO_ACTION))
    return games.select(np.flatnonzero(~games.finished))
