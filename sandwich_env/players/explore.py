"""A player that does not always do what it thinks best, so that its games differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_share, from_spec


class Explore(Player):
    """Lets another player move in some of the first plies of each game.

    Args:
        player: who plays otherwise.
        explorer: who plays in the plies that are explored; it sees no advice.
        plies: how many plies, from the start of the game, may be explored.
        share: the probability that such a ply is.
    """

    def __init__(self, player: Player, explorer: Player, plies: int, share: float = 1.0) -> None:
        self.player = from_spec(player, Player, f"player of {self.kind!r}")
        self.explorer = from_spec(explorer, Player, f"explorer of {self.kind!r}")
        self.plies = check_count(f"plies of {self.kind!r}", plies, least=0)
        self.share = check_share(f"share of {self.kind!r}", share)

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        explored = (games.ply < self.plies) & (rng.random() < self.share)
        actions = np.full(len(games), -1, dtype=np.int64)
        for rows, player, seen in (
            (np.flatnonzero(explored), self.explorer, None),
            (np.flatnonzero(~explored), self.player, advice),
        ):
            if len(rows):
                known = None if seen is None else seen.select(rows)
                actions[rows] = player.act(games.select(rows), known, rng.select(rows))
        return actions

    def close(self) -> None:
        self.player.close()
        self.explorer.close()
