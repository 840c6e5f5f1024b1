"""Puzzles as episodes: the environment plays the line, and the learner must find its side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.envs.config import ChessConfig
from sandwich_env.envs.learner import PUZZLE, IllegalAction, LearnerColor, LearnerCore
from sandwich_env.errors import SpecError
from sandwich_env.oversight.channel import Indices
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import NO_ACTION, Games, Termination
from sandwich_env.starts.base import Starts
from sandwich_env.starts.puzzles import Puzzles

PUZZLE_SOLVED = "puzzle_solved"
PUZZLE_FAILED = "puzzle_failed"
"""The names under which puzzles end."""


class Lines(Player):
    """Plays the lines of puzzles, one for each of N games.

    Args:
        num_games: N.

    Attributes:
        actions: int64 [N, longest line + 1], by the ply at which each is due; `NO_ACTION` after a line's end.
    """

    only_looks = True

    def __init__(self, num_games: int) -> None:
        self.num_games = num_games
        self.actions = np.full((num_games, 1), NO_ACTION, dtype=np.int64)

    def put(self, index: Indices, lines: Sequence[Sequence[int]]) -> None:
        """New lines for the games `index` [K]."""
        width = max((len(line) + 1 for line in lines), default=0)
        if width > self.actions.shape[1]:
            longer = np.full((self.num_games, width), NO_ACTION, dtype=np.int64)
            longer[:, : self.actions.shape[1]] = self.actions
            self.actions = longer
        self.actions[index] = NO_ACTION
        for i, line in zip(index.tolist(), lines, strict=True):
            self.actions[i, : len(line)] = line

    def due(self, plies: NDArray[np.int64]) -> NDArray[np.int64]:
        """The action of each line at a ply, [N]; `NO_ACTION` where the line has ended."""
        return self.actions[np.arange(self.num_games), np.minimum(plies, self.actions.shape[1] - 1)]

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        return self.due(games.ply)


class PuzzleCore(LearnerCore):
    """N puzzles, of which the learner is the solver.

    As Lichess has it, the first move of a line is the opponent's, and is on the board before the learner sees it. A
    move off the line ends the puzzle as lost, unless it mates: any mate is right. The end of the line is a win,
    whatever the board says. Draws that could be claimed on the way are not.

    Args:
        num_games: N.
        config: what the environment was asked for; without `starts`, the puzzles that the package brings along.
        color: "mover" or "alternate", the default elsewhere: the learner has the side of the solver.
        illegal_action: what an illegal action of the learner does.
        threads: how many threads `Games` may use.

    Raises:
        SpecError: starts that are not puzzles, or another `color`.
    """

    _begins: ClassVar[bool] = False

    def __init__(
        self,
        num_games: int,
        config: ChessConfig,
        color: LearnerColor,
        illegal_action: IllegalAction,
        *,
        threads: int = 1,
    ) -> None:
        starts = Puzzles() if config.starts is None else config.starts
        if not starts.has_lines:
            raise SpecError(
                f"opponent={PUZZLE!r} plays the lines of puzzles, which {starts!r} does not have: "
                "give starts='puzzles', or {'kind': 'puzzles', 'path': ...}"
            )
        if color not in ("mover", "alternate"):
            raise SpecError(
                f"learner_color is {color!r}: with opponent={PUZZLE!r} the learner has the solver's side, 'mover'"
            )
        self._lines = Lines(num_games)
        config = replace(config, starts=starts, claim_draws=False)
        super().__init__(num_games, config, self._lines, "mover", illegal_action, threads=threads)

    def _set_up(self, starts: Starts, index: Indices) -> None:
        puzzles = starts.puzzles(self.keys[index], self.episodes[index])
        self.games.reset(index, [puzzle.fen for puzzle in puzzles])
        self._lines.put(index, [puzzle.actions for puzzle in puzzles])

    def _judge(self, moved: NDArray[np.int64]) -> NDArray[np.int64]:
        """End the puzzles that the plies `moved` [N] have solved or failed. The opponent's are on the line always."""
        played = moved != NO_ACTION
        ply = self.games.ply
        right = moved == self._lines.due(ply - 1)
        mates = self.games.termination == Termination.CHECKMATE
        solved = played & (mates | (right & (self._lines.due(ply) == NO_ACTION)))
        failed = played & ~right & ~mates
        won = np.where(self._white, 1, -1)
        for ended, outcome, why in ((solved, won, PUZZLE_SOLVED), (failed, -won, PUZZLE_FAILED)):
            if ended.any():
                self._forfeit(ended, outcome, why)
        return np.where(solved | failed, NO_ACTION, moved)
