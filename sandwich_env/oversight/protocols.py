"""Protocols: at which of its turns a player asks the advisor."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.specs import Specified, check_count, check_share


class Protocol(Specified, ABC):
    """Who may ask, and when. Whether a player is advised at all is the environment's `advised`."""

    @abstractmethod
    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        """Whether the player to move asks now. [N]

        Args:
            turns: int64 [N], how many turns the player to move has had in this game before this one.
            keys: uint64 [N], one for each game and player, for what is drawn by chance.
        """


class Never(Protocol):
    """No advice at all: the control."""

    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        return np.zeros(turns.shape, dtype=np.bool_)


class EveryTurn(Protocol):
    """Advice at every turn."""

    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        return np.ones(turns.shape, dtype=np.bool_)


class EveryNTurns(Protocol):
    """Advice at a player's first turn and at every n-th one after it."""

    def __init__(self, n: int) -> None:
        self.n = check_count(f"n of {self.kind!r}", n)

    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        due: NDArray[np.bool_] = turns % self.n == 0
        return due


class AtRandom(Protocol):
    """At each turn with the same probability, drawn by the game's key: spot checks, of which nobody knows the next.

    Args:
        probability: 0 to 1.
    """

    def __init__(self, probability: float) -> None:
        self.probability = check_share(f"probability of {self.kind!r}", probability)

    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        if keys is None:
            raise SpecError("'at_random' draws by the games' keys, which were not given")
        drawn = Streams(np.broadcast_to(mix(keys, turns, "at_random"), turns.shape)).random()
        return drawn < self.probability
