"""Starts that are puzzles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandwich_env.randomness import UInt64s
from sandwich_env.reading.books import DEFAULT
from sandwich_env.reading.puzzles import Part, Puzzle, read_puzzles
from sandwich_env.specs import check_count
from sandwich_env.starts.base import Starts, pick


class Puzzles(Starts):
    """Puzzles of a Lichess CSV file, each as likely as the next; the solver is to move.

    With `opponent="puzzle"` the learner must find the line. Against any other opponent, and in the turn-based
    environments, a puzzle is a position to start from.

    Args:
        path: a CSV file, plain, .gz or .zst; "default" for the ones that the package brings along, which are unrated.
        min_rating: leaves out those rated less.
        max_rating: leaves out those rated more.
        themes: leaves out those with none of these of Lichess's tags, such as "mateIn1".
        part: "all"; "train", without the twentieth that is kept for scoring; or "held_out", that twentieth.
        limit: the first so many that pass; a file is read whole without it (about 3,000 puzzles a second).

    Raises:
        DataError: a file that is missing, damaged or lacks a column, a line that cannot be played, or no puzzle left.
        SpecError: an unknown `part`, or a number out of range.
    """

    has_lines = True

    def __init__(
        self,
        path: str | Path = DEFAULT,
        *,
        min_rating: int | None = None,
        max_rating: int | None = None,
        themes: str | Sequence[str] = (),
        part: Part = "all",
        limit: int | None = None,
    ) -> None:
        self.path = path
        self.min_rating = min_rating
        self.max_rating = max_rating
        self.themes = (themes,) if isinstance(themes, str) else tuple(themes)
        self.part = part
        self.limit = None if limit is None else check_count("limit", limit)
        self._puzzles = read_puzzles(
            path, min_rating=min_rating, max_rating=max_rating, themes=self.themes, part=part, limit=limit
        )

    def __len__(self) -> int:
        """How many puzzles there are."""
        return len(self._puzzles)

    def puzzles(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[Puzzle]:
        return [self._puzzles[k] for k in pick(keys, len(self._puzzles))]

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        return [puzzle.solver_fen for puzzle in self.puzzles(keys, episodes)]
