"""The positions that victims reach when they follow B half of the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Expert
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION, Games

_OPENING = 6
"""Plies played at random first, so that games differ."""


def reach(
    victim: Expert,
    adversary: Expert,
    games: NDArray[np.int64],
    *,
    per_game: int,
    follows: float,
    seed: int,
    max_plies: int = 160,
) -> tuple[list[str], NDArray[np.int64]]:
    """Play a victim against itself, B's moves followed with probability `follows`; draw positions from each game.

    What happens in a game depends on the seed and the game's number, whatever else is played with it.

    Args:
        victim: draws its own moves from its policy.
        adversary: whose best move is followed.
        games: int64 [K], numbers of games.
        per_game: positions of each game; fewer where it is shorter.
        follows: 0 to 1.
        seed: of the games.
        max_plies: games are left there.

    Returns:
        FENs, and the number of the game that each comes from.
    """
    board = Games(len(games), max_plies=max_plies)
    keys = np.broadcast_to(mix(seed, "adversary", games), (len(games),))
    seen: list[list[str]] = [[] for _ in games]
    while not board.finished.all():
        playing = np.flatnonzero(~board.finished)
        here = board.select(playing)
        rng = Streams(mix(keys[playing], here.ply))
        actions = here.sample(rng.seeds())
        if here.ply[0] >= _OPENING:  # all are at the same ply
            for i, fen in zip(playing.tolist(), here.fens(), strict=True):
                seen[i].append(fen)
            own = rng.sample(victim.evaluate(here).policy)
            told = adversary.evaluate(here).best()
            actions = np.where(rng.random() < follows, told, own)
        whole = np.full(len(board), NO_ACTION, dtype=np.int64)
        whole[playing] = actions
        board.step(whole)
    fens: list[str] = []
    origin: list[int] = []
    for i, (number, positions) in enumerate(zip(games.tolist(), seen, strict=True)):
        rng_np = np.random.default_rng([int(keys[i] >> np.uint64(32)), int(keys[i] & np.uint64(0xFFFFFFFF))])
        for k in np.sort(rng_np.permutation(len(positions))[:per_game]).tolist():
            fens.append(positions[k])
            origin.append(number)
    return fens, np.array(origin, dtype=np.int64)
