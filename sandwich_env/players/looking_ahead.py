"""A player that asks for the value after each of its moves, and plays the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.experts.children import legal_moves
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.experts.worst import logits_of
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.one_ply import values_told, worth_of
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec


class LookingAhead(Player):
    """Where it is advised at all, asks the advisor for the value after every legal move, and plays the best of them.

    It sees by itself which moves end the game, and does not ask where there is one move to play. Among equals it plays
    the one that its own policy likes best.

    Args:
        expert: whose best move it plays elsewhere, and whose policy tells equals apart.
        line: to the advisor; None where there is nobody to ask. With a line, the player has no spec.
    """

    def __init__(self, expert: Expert, line: Line | None = None) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        self.line = line

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        evaluation = self.expert.evaluate(games)
        actions = evaluation.best()
        if self.line is None or advice is None:
            return actions
        rows = np.flatnonzero((advice.available == 1).any(axis=1) & (games.legal_counts > 1))
        if len(rows):
            moves = legal_moves(games)
            moves = moves.with_logits(logits_of(evaluation, moves)).select(rows)
            here = games.select(rows)
            worth = worth_of(here, moves, values_told(self.line, here, moves, rng.select(rows)))
            actions[rows] = _best(moves, worth)
        return actions

    def close(self) -> None:
        self.expert.close()


def _best(moves: LegalLogits, worth: NDArray[np.float64]) -> NDArray[np.int64]:
    """The move of the greatest worth in each position, that with the highest logit among equals. [N]"""
    greatest = np.maximum.reduceat(worth, np.cumsum(moves.counts) - moves.counts)
    at_best = worth == np.repeat(greatest, moves.counts)
    return moves.with_logits(np.where(at_best, moves.logits, -np.inf)).best()
