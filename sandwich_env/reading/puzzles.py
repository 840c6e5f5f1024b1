"""Puzzles, as Lichess publishes them: a position, and the line that solves it."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal, TextIO, get_args

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, SpecError, did_you_mean
from sandwich_env.files import open_text
from sandwich_env.reading.books import DEFAULT
from sandwich_env.reading.words import status_text
from sandwich_env.rules import NO_ACTION, move_to_action

COLUMNS = ("PuzzleId", "FEN", "Moves", "Rating")
"""What a file must have. `Themes` is read where it is there; other columns are left alone."""

Part = Literal["all", "train", "held_out"]
"""All puzzles, those to learn from, or those kept for scoring (`held_out`)."""

_HELD_OUT_OF = 20


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

    @cached_property
    def actions(self) -> list[int]:
        """The moves as actions."""
        board, actions = chess.Board(self.fen), []
        for move in self.moves:
            actions.append(move_to_action(move, board))
            board.push(move)
        return actions

    @cached_property
    def solver_fen(self) -> str:
        """The position that the solver is shown: after the opponent's move."""
        board = chess.Board(self.fen)
        board.push(self.moves[0])
        return board.fen()


def held_out(puzzle_id: str) -> bool:
    """Whether a puzzle is kept for scoring: one in twenty, by its id alone, so that no training ever sees it."""
    return zlib.crc32(puzzle_id.encode()) % _HELD_OUT_OF == 0


@dataclass(frozen=True)
class Filter:
    """Which puzzles of a file are wanted.

    Attributes:
        min_rating: leaves out those rated less.
        max_rating: leaves out those rated more.
        themes: leaves out those with none of these tags; no tags leave out none.
        part: "all", "train" or "held_out".

    Raises:
        SpecError: ratings between which there is none, or another `part`.
    """

    min_rating: int | None = None
    max_rating: int | None = None
    themes: tuple[str, ...] = ()
    part: Part = "all"

    def __post_init__(self) -> None:
        low, high = self.min_rating, self.max_rating
        if low is not None and high is not None and low > high:
            raise SpecError(f"min_rating is {low!r}, above max_rating, {high!r}: no puzzle can be in between")
        if self.part not in get_args(Part):
            raise SpecError(
                f"unknown part {self.part!r} of the puzzles: {did_you_mean(str(self.part), get_args(Part))}"
            )

    def takes(self, puzzle_id: str, rating: int, themes: Sequence[str]) -> bool:
        """Whether a puzzle is wanted."""
        if self.min_rating is not None and rating < self.min_rating:
            return False
        if self.max_rating is not None and rating > self.max_rating:
            return False
        if self.themes and not set(self.themes) & set(themes):
            return False
        return self.part == "all" or held_out(puzzle_id) == (self.part == "held_out")

    def __str__(self) -> str:
        """What is asked for, as the end of an error text."""
        low = -np.inf if self.min_rating is None else self.min_rating
        high = np.inf if self.max_rating is None else self.max_rating
        words = f" rated {low} to {high}"
        if self.themes:
            words += f" with one of the themes {', '.join(map(repr, self.themes))}"
        return words if self.part == "all" else f"{words} in the part {self.part!r}"


def read_puzzles(
    path: str | Path = DEFAULT,
    *,
    min_rating: int | None = None,
    max_rating: int | None = None,
    themes: Sequence[str] = (),
    part: Part = "all",
    limit: int | None = None,
) -> list[Puzzle]:
    """The puzzles of a CSV file as Lichess publishes it, plain, .gz or .zst.

    Args:
        path: of the file, or "default" for the set that the package brings along (its own, and unrated: 0).
        min_rating: leaves out those rated less.
        max_rating: leaves out those rated more.
        themes: leaves out those with none of these tags; no tags leave out none.
        part: "all", "train" or "held_out": see `held_out`.
        limit: stops after so many.

    Raises:
        DataError: the file is not there, empty, truncated or not such a CSV, a line has an illegal move (the text
            names the line and the puzzle), or no puzzle passes the filter.
        SpecError: ratings between which there is none, or another `part`.
    """
    wanted = Filter(min_rating, max_rating, (themes,) if isinstance(themes, str) else tuple(themes), part)
    puzzles: list[Puzzle] = []
    if path == DEFAULT:
        path = str(resources.files("sandwich_env") / "data" / "puzzles.csv")
    with open_text(path) as stream:
        for line, row in _rows(stream, path, (*COLUMNS, "Themes") if wanted.themes else COLUMNS):
            where = f"{str(path)!r}, line {line}"
            rating = _rating(row["Rating"], where)
            tags = tuple((row.get("Themes") or "").split())
            if wanted.takes(row["PuzzleId"] or "", rating, tags):
                puzzles.append(_puzzle(row, rating, tags, where))
            if limit is not None and len(puzzles) == limit:
                break
    if not puzzles:
        raise DataError(f"{str(path)!r} has no puzzles{wanted}")
    return puzzles


def _rows(stream: TextIO, path: str | Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(stream)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(
                f"{str(path)!r} lacks the columns {', '.join(map(repr, missing))}: a file of puzzles begins with a "
                f"line of names, {','.join(columns)} among them"
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


def _puzzle(row: dict[str, str], rating: int, themes: tuple[str, ...], where: str) -> Puzzle:
    fen, words = row["FEN"] or "", (row["Moves"] or "").split()
    try:
        board = chess.Board(fen)
        if not board.is_valid():
            raise ValueError(f"{fen!r} is no legal position: {status_text(board)}")  # noqa: TRY301
        moves = tuple(board.push_uci(word) for word in words)
        return Puzzle(row["PuzzleId"], fen, moves, rating, themes)
    except ValueError as error:
        raise DataError(f"{where}: puzzle {row['PuzzleId']!r} cannot be played: {error}") from error


def line_actions(puzzles: Sequence[Puzzle]) -> NDArray[np.int64]:
    """The lines as actions, `NO_ACTION` after their ends, int64 [N, longest + 1]."""
    line = np.full((len(puzzles), max(len(puzzle.moves) for puzzle in puzzles) + 1), NO_ACTION, dtype=np.int64)
    for row, puzzle in enumerate(puzzles):
        line[row, : len(puzzle.moves)] = puzzle.actions
    return line
