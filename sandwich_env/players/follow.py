"""A player that trusts its advisor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import NUM_ACTIONS, Games
from sandwich_env.specs import from_spec


class FollowAdvice(Player):
    """Plays the recommended move where one is given and legal, and asks the player inside about the other games only.

    Args:
        player: who plays where there is no move to follow.
    """

    def __init__(self, player: Player) -> None:
        self.player = from_spec(player, Player, f"player of {self.kind!r}")

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        if advice is None:
            return self.player.act(games, None, rng)
        given = (advice.available[:, 0] == 1) & (advice.move >= 0) & (advice.move < NUM_ACTIONS)
        move = np.where(given, advice.move, 0)
        followed = given & (games.legal_mask()[np.arange(len(games)), move] == 1)  # none is legal in a finished game
        actions = np.where(followed, advice.move, -1)
        alone = np.flatnonzero(~followed)
        if len(alone):
            actions[alone] = self.player.act(games.select(alone), advice.select(alone), rng.select(alone))
        return actions

    def close(self) -> None:
        self.player.close()
