"""Players and experts for tests, whose every answer is written down."""

from __future__ import annotations

from collections.abc import Mapping

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.evaluation.matches import MatchResult
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, move_to_action


def action_of(fen: str, uci: str) -> int:
    return move_to_action(chess.Move.from_uci(uci), chess.Board(fen))


class Scripted(Player):
    """Plays the move written down for a position, and the legal action with the lowest number anywhere else."""

    def __init__(self, moves: Mapping[str, str] | None = None) -> None:
        self.moves = dict(moves or {})
        self.asked: list[int] = []

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        assert advice is None
        self.asked.append(len(games))
        actions = np.argmax(games.legal_mask(), axis=1)
        for row, fen in enumerate(games.fens()):
            if fen in self.moves:
                actions[row] = action_of(fen, self.moves[fen])
        return actions


class Opinion(Expert):
    """Gives one move of each position a logit, all others 0, and the position a value."""

    def __init__(self, moves: Mapping[str, str], logit: float, value: float) -> None:
        self.moves = dict(moves)
        self.logit = logit
        self.value = value

    def evaluate(self, games: Games) -> Evaluation:
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        for row, fen in enumerate(games.fens()):
            policy[row, action_of(fen, self.moves[fen])] = self.logit
        return Evaluation(policy, np.full(len(games), self.value, dtype=np.float32))


def match_of(first: str, second: str, scores: object, openings: tuple[str, ...] | None = None) -> MatchResult:
    """A match with these points of `first`, [n, 2]; its games are made up."""
    points = np.array(scores, dtype=np.float64).reshape(-1, 2)
    names = tuple(f"opening {i}" for i in range(len(points))) if openings is None else openings
    return MatchResult(
        first=first,
        second=second,
        openings=names,
        scores=points,
        terminations=np.ones(points.shape, dtype=np.int8),
        plies=np.full(points.shape, 10),
    )
