"""How many puzzles a player solves without search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.evaluation.intervals import LEVEL, Estimate, share_of
from sandwich_env.experts.base import Expert
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.reading.puzzles import Puzzle, line_actions
from sandwich_env.rules import NO_ACTION, Games, Termination
from sandwich_env.specs import check_count

BAND = 200
"""Width of a band of ratings."""

PUZZLES_AT_ONCE = 2048


@dataclass(frozen=True)
class PuzzleScore:
    """How many puzzles were solved.

    Attributes:
        ids: object (str) [N].
        ratings: int64 [N].
        solved: bool [N], the whole line right.
        level: of the intervals.
    """

    ids: NDArray[np.object_]
    ratings: NDArray[np.int64]
    solved: NDArray[np.bool_]
    level: float = LEVEL

    def __len__(self) -> int:
        return len(self.solved)

    @property
    def accuracy(self) -> Estimate:
        """The share solved, with its Wilson interval."""
        return share_of(self.solved, self.level)

    def by_band(self, width: int = BAND) -> dict[int, Estimate]:
        """The share solved in each band of ratings: from the band's lowest rating to its share, ascending."""
        bands = self.ratings // check_count("width", width) * width
        return {int(band): share_of(self.solved[bands == band], self.level) for band in np.unique(bands)}

    def to_dict(self, *, with_puzzles: bool = False) -> dict[str, Any]:
        """Plain data for JSON: the accuracy, overall and by band, and which puzzles were solved, if asked for."""
        plain: dict[str, Any] = {
            "accuracy": self.accuracy.to_dict(),
            "by_band": {str(band): share.to_dict() for band, share in self.by_band().items()},
        }
        if with_puzzles:
            plain["solved"] = [str(name) for name in self.ids[self.solved]]
            plain["failed"] = [str(name) for name in self.ids[~self.solved]]
        return plain


def solve_puzzles(
    solver: Player | Expert,
    puzzles: Sequence[Puzzle],
    *,
    seed: int = 0,
    level: float = LEVEL,
    puzzles_at_once: int = PUZZLES_AT_ONCE,
) -> PuzzleScore:
    """Let a player (or an expert, whose best move counts) solve puzzles, asked once a move for all of them.

    A puzzle is solved if every move of the solver is the line's. As on Lichess, a move that mates solves it too,
    whatever the line says, since there may be several mates in one.

    Args:
        solver: who solves. It is not advised.
        puzzles: what it solves.
        seed: of a player's random numbers; each puzzle has its own, whatever else is in the batch.
        level: of the intervals.
        puzzles_at_once: the most that are asked about together.

    Raises:
        DataError: no puzzles.
    """
    if not puzzles:
        raise DataError("no puzzles to solve: give one or more")
    check_count("puzzles_at_once", puzzles_at_once)
    player = solver if isinstance(solver, Player) else ExpertPlayer(solver)
    keys = mix(seed, "puzzles", np.arange(len(puzzles)))
    parts = [
        _solve(player, puzzles[start : start + puzzles_at_once], Streams(keys[start : start + puzzles_at_once]))
        for start in range(0, len(puzzles), puzzles_at_once)
    ]
    return PuzzleScore(
        ids=np.array([puzzle.id for puzzle in puzzles], dtype=object),
        ratings=np.array([puzzle.rating for puzzle in puzzles], dtype=np.int64),
        solved=np.concatenate(parts),
        level=level,
    )


def _solve(player: Player, puzzles: Sequence[Puzzle], streams: Streams) -> NDArray[np.bool_]:
    line = line_actions(puzzles)
    solved = np.zeros(len(puzzles), dtype=np.bool_)
    # A line may run through a draw that could be claimed; nobody does.
    games = Games.from_fens([puzzle.fen for puzzle in puzzles], claim_draws=False)
    games.step(line[:, 0])
    rows = np.arange(len(puzzles))
    for turn in range(1, line.shape[1], 2):
        answer = player.act(games, None, streams.select(rows).child(turn))
        right = answer == line[rows, turn]
        games.step(answer)
        mates = games.termination == Termination.CHECKMATE
        last = line[rows, turn + 1] == NO_ACTION
        solved[rows] = mates | (right & last)
        going_on = np.flatnonzero(right & ~mates & ~last)
        if len(going_on) == 0:
            break
        rows, games = rows[going_on], games.select(going_on)
        games.step(line[rows, turn + 1])
    return solved
