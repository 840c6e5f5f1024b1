"""Recorded games, ready to be played again: from the Parquet file of a corpus, or from PGN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, GameOverError, IllegalActionError, InvalidPositionError, MissingExtraError
from sandwich_env.reading.books import kind_of_file
from sandwich_env.reading.games_io import open_games
from sandwich_env.rules import NO_ACTION, Games
from sandwich_env.rules.actions import complete_move, encode_move

CORPUS_FORMAT, CORPUS_VERSION = b"sandwich_env.corpus", b"1"
"""Key and value in the metadata of a corpus's Parquet file."""

_COLUMNS = ("game_id", "ply", "action", "start_fen")
_AT_ONCE = 1024


@dataclass(frozen=True)
class PlayedGame:
    """A game as it was played: all legal, at least one ply.

    Attributes:
        start_fen: where it began.
        actions: uint16 [plies].
    """

    start_fen: str
    actions: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.actions)

    def board(self, ply: int) -> chess.Board:
        """The position after so many plies."""
        board = chess.Board(self.start_fen)
        for action in self.actions[:ply].tolist():
            move = complete_move(action, board)
            assert move is not None  # all are legal
            board.push(move)
        return board


def read_played(path: str | Path, limit: int | None = None) -> list[PlayedGame]:
    """The games of a file: a corpus's, if it is named .parquet, or PGN (.gz and .zst may follow).

    Of a PGN, games that cannot be played again, and those without a result, are passed over (`open_games`).

    Args:
        path: the file.
        limit: the first so many.

    Raises:
        DataError: the file is missing, damaged, not what its name says, or has no game of a ply.
        MissingExtraError: a corpus, and no pyarrow to read it with.
    """
    games = _from_corpus(path) if kind_of_file(Path(path)) == ".parquet" else _from_pgn(path)
    found = list(islice(games, limit))
    if not found:
        raise DataError(f"{str(path)!r} has no game that could be played again")
    return found


def _from_pgn(path: str | Path) -> Iterator[PlayedGame]:
    for game in open_games(path, any_start=True):
        white = chess.Board(game.start_fen).turn
        actions = [encode_move(move, white == (ply % 2 == 0)) for ply, move in enumerate(game.moves)]
        yield PlayedGame(game.start_fen, np.array(actions, dtype=np.uint16))


def _from_corpus(path: str | Path) -> Iterator[PlayedGame]:
    table = corpus_table(path, _COLUMNS)
    ids, plies = (table.column(name).to_numpy() for name in ("game_id", "ply"))
    actions, fens = table.column("action").to_numpy(), table.column("start_fen")
    firsts = np.flatnonzero(np.append(True, np.diff(ids) != 0)) if len(ids) else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.append(firsts, len(ids)))
    if not np.array_equal(plies, np.arange(len(ids)) - np.repeat(firsts, lengths)):
        raise DataError(f"{str(path)!r}: the plies of its games are not in their order")
    games = [
        PlayedGame(fens[int(first)].as_py(), actions[first : first + length].astype(np.uint16))
        for first, length in zip(firsts, lengths, strict=True)
    ]
    for start in range(0, len(games), _AT_ONCE):
        _check(games[start : start + _AT_ONCE], f"{str(path)!r}, games {start} to {start + _AT_ONCE - 1}")
    yield from games


def _check(played: Sequence[PlayedGame], where: str) -> None:
    """Raise DataError unless the games can be played again."""
    longest = max(len(game) for game in played)
    try:
        # No draw is claimed, so that games recorded under either rule can be replayed.
        games = Games.from_fens([game.start_fen for game in played], max_plies=longest + 1, claim_draws=False)
        for ply in range(longest):
            games.step(
                np.array([game.actions[ply] if ply < len(game) else NO_ACTION for game in played], dtype=np.int64)
            )
    except (IllegalActionError, GameOverError, InvalidPositionError) as error:
        raise DataError(f"{where}: they cannot be played again: {error}") from error


def corpus_table(path: str | Path, columns: Sequence[str]) -> Any:
    """Columns of a corpus's Parquet file, as a pyarrow table.

    Raises:
        MissingExtraError: pyarrow is not installed.
        DataError: the file is not there, is truncated, is not a corpus, or lacks a column.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "train") from error
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {str(path)!r}") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{str(path)!r} is not Parquet, or is truncated: {error}") from error
    version = (table.schema.metadata or {}).get(CORPUS_FORMAT)
    if version != CORPUS_VERSION:
        found = "not a corpus of this package" if version is None else f"a corpus of format {version.decode()!r}"
        raise DataError(
            f"{str(path)!r} is {found}: write it with Corpus.to_parquet (format {CORPUS_VERSION.decode()!r})"
        )
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DataError(f"{str(path)!r} lacks the columns {', '.join(map(repr, missing))}")
    return table.select(list(columns))
