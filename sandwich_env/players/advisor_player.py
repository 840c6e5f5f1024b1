"""An advisor as a player: A itself at the board, an anchor to measure H against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Query, VisibleAdvice
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec


class AdvisorPlayer(Player):
    """Plays the move that an advisor recommends, having asked it at every one of its turns.

    Args:
        advisor: whose moves are played.
    """

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = from_spec(advisor, Advisor)

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        # One query a turn, and turns alternate: after p plies the mover has had p // 2 of them.
        query = Query(games=games, keys=rng.keys, count=games.ply // 2, asks="move")
        return self.advisor.advise(query).move

    def close(self) -> None:
        self.advisor.close()
