"""Training examples from the files people have: games, engine-labelled positions, puzzles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import chess
import numpy as np

from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.learning.examples import Examples
from sandwich_env.reading.games_io import open_games
from sandwich_env.reading.puzzles import Puzzle, held_out, read_puzzles
from sandwich_env.rules import Games
from sandwich_env.rules.actions import encode_move

CHUNK = 4096
"""Positions that are encoded at once."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Labelled:
    """A position with the move to learn and the result to expect for its mover; `None` teaches no value."""

    fen: str
    move: chess.Move
    value: float | None


def encode(positions: Iterable[Labelled], on_progress: Progress | None = None) -> Examples:
    """Examples of labelled positions, in their order.

    Raises:
        DataError: there is no position, or a move is illegal where it is to be learnt.
    """
    parts: list[Examples] = []
    done = 0
    for chunk in _chunks(positions):
        games = Games.from_fens([position.fen for position in chunk], claim_draws=False)
        # Whether a move is legal is checked for the whole chunk at once, by the rules' own mask.
        actions = [encode_move(p.move, bool(white)) for p, white in zip(chunk, games.turn, strict=True)]
        values = [0.0 if position.value is None else position.value for position in chunk]
        parts.append(Examples.of(games, actions, values, 1.0, [float(p.value is not None) for p in chunk]))
        done += len(chunk)
        if on_progress is not None:
            on_progress(done)
    return Examples.join(parts)


def _chunks(positions: Iterable[Labelled]) -> Iterator[list[Labelled]]:
    chunk: list[Labelled] = []
    for position in positions:
        chunk.append(position)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def from_games(
    paths: Sequence[Path],
    *,
    games: int | None,
    positions_per_game: int,
    rng: np.random.Generator,
    min_rating: int | None = None,
    max_rating: int | None = None,
) -> Iterator[Labelled]:
    """Positions drawn from recorded games: the move that was played, and the result for who played it.

    Args:
        paths: PGN files, plain, .gz or .zst, read one after the other.
        games: how many games at the most; all without it.
        positions_per_game: how many positions of each game at the most.
        rng: draws them.
        min_rating: both players must be rated this or more.
        max_rating: both players must be rated this or less.
    """
    taken = 0
    for path in paths:
        for game in open_games(path, min_rating=min_rating, max_rating=max_rating):
            if games is not None and taken >= games:
                return
            taken += 1
            count = min(positions_per_game, len(game.moves))
            picked = set(rng.choice(len(game.moves), size=count, replace=False).tolist()) if count else set()
            board = chess.Board(game.start_fen)
            for ply, move in enumerate(game.moves):
                if ply in picked:
                    yield Labelled(board.fen(), move, game.result if board.turn else -game.result)
                board.push(move)


def from_labels(paths: Sequence[Path]) -> Iterator[Labelled]:
    """Positions that an engine labelled, from the Parquet files of `sandwich label`.

    Raises:
        MissingExtraError: pyarrow is not installed.
        DataError: a file is not Parquet or lacks a column.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "train") from error
    for path in paths:
        try:
            table = pq.read_table(path, columns=["fen", "move", "value"])
        except (pa.ArrowInvalid, FileNotFoundError, KeyError) as error:
            raise DataError(f"{str(path)!r} holds no labels (columns fen, move, value): {error}") from error
        columns = (table.column(name).to_pylist() for name in ("fen", "move", "value"))
        for fen, move, value in zip(*columns, strict=True):
            yield Labelled(fen, chess.Move.from_uci(move), float(value))


def is_held_out(puzzle: Puzzle) -> bool:
    """Whether a puzzle is kept for scoring: one in twenty, by its id alone, so that no training ever sees it."""
    return held_out(puzzle.id)


THEME_VALUES = {"mate": 1.0, "crushing": 0.95, "advantage": 0.7, "equality": 0.0}
"""What a solved puzzle is worth to the solver, by Lichess's themes for the goal of a puzzle."""


def from_puzzles(path: Path) -> Iterator[Labelled]:
    """The solver's positions of all puzzles that are not held out: the right move, and its worth by theme."""
    for puzzle in read_puzzles(path):
        if is_held_out(puzzle):
            continue
        value = next((worth for theme, worth in THEME_VALUES.items() if theme in puzzle.themes), None)
        board = chess.Board(puzzle.fen)
        for index, move in enumerate(puzzle.moves):
            if index % 2 == 1:
                yield Labelled(board.fen(), move, value)
            board.push(move)
