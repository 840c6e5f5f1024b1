"""Puzzles: reading Lichess's CSV, and how many of them a player solves without search."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.evaluation.intervals import LEVEL, Estimate, share_of
from sandwich_env.evaluation.openings import DEFAULT
from sandwich_env.evaluation.records import status_text
from sandwich_env.experts.base import Expert
from sandwich_env.files import open_text
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION, Games, Termination, move_to_action
from sandwich_env.specs import check_count

COLUMNS = ("PuzzleId", "FEN", "Moves", "Rating")
"""What a file must have. `Themes` is read where it is there; other columns are left alone."""

BAND = 200
"""Width of a band of ratings."""

PUZZLES_AT_ONCE = 2048


@dataclass(frozen=True)
class Puzzle:
    """A position and the line that solves it.

    Attributes:
        id: Lichess's name for it.
        fen: the position before the opponent's move that sets the puzzle.
        moves: that move first, then by turns the solver's and the opponent's; the last is the solver's.
        rating: how hard it is (Glicko-2).
        themes: Lichess's tags.
    """

    id: str
    fen: str
    moves: tuple[chess.Move, ...]
    rating: int
    themes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.moves) < 2 or len(self.moves) % 2:
            raise DataError(
                f"puzzle {self.id!r} has {len(self.moves)} moves: a line is the opponent's move, then the solver's, "
                f"and ends with the solver's"
            )


def read_puzzles(
    path: str | Path, *, min_rating: int | None = None, max_rating: int | None = None, limit: int | None = None
) -> list[Puzzle]:
    """The puzzles of a CSV file as Lichess publishes it, plain, .gz or .zst.

    Args:
        path: of the file, or "default" for the set that the package brings along (its own, and unrated: 0).
        min_rating: leaves out those rated less.
        max_rating: leaves out those rated more.
        limit: stops after so many.

    Raises:
        DataError: the file is not there, empty, truncated or not such a CSV, a line has an illegal move (the text
            names the line), or no puzzle passes the filter.
    """
    low = -np.inf if min_rating is None else min_rating
    high = np.inf if max_rating is None else max_rating
    puzzles: list[Puzzle] = []
    if path == DEFAULT:
        path = str(resources.files("sandwich_env") / "data" / "puzzles.csv")
    with open_text(path) as stream:
        for line, row in _rows(stream, path):
            where = f"{str(path)!r}, line {line}"
            rating = _rating(row["Rating"], where)
            if low <= rating <= high:
                puzzles.append(_puzzle(row, rating, where))
            if limit is not None and len(puzzles) == limit:
                break
    if not puzzles:
        raise DataError(f"{str(path)!r} has no puzzles rated {low} to {high}")
    return puzzles


def _rows(stream: TextIO, path: str | Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(stream)
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(
                f"{str(path)!r} lacks the columns {', '.join(map(repr, missing))}: a file of puzzles begins with a "
                f"line of names, {','.join(COLUMNS)} among them"
            )
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{str(path)!r}, line {reader.line_num} is not CSV: {error}") from error


def _rating(text: str | None, where: str) -> int:
    try:
        return int(text or "")
    except ValueError as error:
        raise DataError(f"{where}: the rating is {text!r}, where a whole number is due") from error


def _puzzle(row: dict[str, str], rating: int, where: str) -> Puzzle:
    fen, words = row["FEN"] or "", (row["Moves"] or "").split()
    try:
        board = chess.Board(fen)
        if not board.is_valid():
            raise ValueError(f"{fen!r} is no legal position: {status_text(board)}")  # noqa: TRY301
        moves = tuple(board.push_uci(word) for word in words)
        return Puzzle(row["PuzzleId"], fen, moves, rating, tuple((row.get("Themes") or "").split()))
    except ValueError as error:
        raise DataError(f"{where}: puzzle {row['PuzzleId']!r} cannot be played: {error}") from error


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
    line = _actions(puzzles)
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


def _actions(puzzles: Sequence[Puzzle]) -> NDArray[np.int64]:
    """The lines as actions, `NO_ACTION` after their ends, int64 [N, longest + 1]."""
    line = np.full((len(puzzles), max(len(puzzle.moves) for puzzle in puzzles) + 1), NO_ACTION, dtype=np.int64)
    for row, puzzle in enumerate(puzzles):
        board = chess.Board(puzzle.fen)
        for ply, move in enumerate(puzzle.moves):
            line[row, ply] = move_to_action(move, board)
            board.push(move)
    return line
