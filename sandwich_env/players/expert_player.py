"""Any expert as a player: E itself, an engine, or H by its own lights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import check_scale, from_spec


class ExpertPlayer(Player):
    """Plays the expert's best move, or one drawn from its policy.

    Args:
        expert: what knows the moves.
        temperature: 0 for the best move; above 0 moves are drawn from softmax(policy / temperature).
    """

    def __init__(self, expert: Expert, temperature: float = 0.0) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        self.temperature = check_scale(f"temperature of {self.kind!r}", temperature)

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        evaluation = self.expert.evaluate(games)
        if self.temperature == 0.0:
            return evaluation.best()
        return rng.sample(evaluation.policy, self.temperature)

    def close(self) -> None:
        self.expert.close()
