"""A player with a move of its own in mind, which thinks twice where it is advised another."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec


class SecondThoughts(Player):
    """Plays its own best move, or an advised one that it finds reason to follow. A subclass defines `follows`.

    Where the advised move is its own there is nothing to think about.

    Args:
        expert: whose best move is the player's own.
    """

    def __init__(self, expert: Expert) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")

    @abstractmethod
    def follows(
        self, games: Games, own: NDArray[np.int64], advised: NDArray[np.int64], rng: Streams
    ) -> NDArray[np.bool_]:
        """Whether the player follows its advice, [N].

        Args:
            games: N unfinished positions.
            own: int64 [N], its own best moves.
            advised: int64 [N], other moves, legal ones.
            rng: random numbers, a stream for each game.
        """

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        actions = self.expert.evaluate(games).best()
        if advice is None:
            return actions
        another = (advice.available[:, 0] == 1) & games.are_legal(advice.move) & (advice.move != actions)
        rows = np.flatnonzero(another)
        if len(rows):
            advised = advice.move[rows]
            follows = self.follows(games.select(rows), actions[rows], advised, rng.select(rows))
            actions[rows[follows]] = advised[follows]
        return actions

    def close(self) -> None:
        self.expert.close()
