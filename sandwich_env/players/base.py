"""What every player is: shown a batch of positions and the advice on them, it answers with actions."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import Specified


class Player(Specified, ABC):
    """Acts. It sees positions and visible advice, never provenance.

    Attributes:
        only_looks: whether `act` leaves the games that it is shown as they are, and costs next to nothing for each.
            Such a player may be shown more games than it is asked about, and no copies.
    """

    only_looks: bool = False

    @abstractmethod
    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        """A legal action for each game, -1 for a game that is over. [N]

        Args:
            games: the N positions, each with this player to move.
            advice: what the advisor channel shows for them; None where there is no channel.
            rng: random numbers, a stream for each game.
        """

    def close(self) -> None:
        """Release what the player holds."""
