"""The weakest opponent there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games


class RandomPlayer(Player):
    """Plays a legal move drawn uniformly."""

    only_looks = True

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        return games.sample(rng.seeds())
