"""Starts from the middle of recorded games."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, SpecError
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.reading.books import FIFTY_MOVES
from sandwich_env.reading.recorded import PlayedGame, read_played
from sandwich_env.specs import check_count
from sandwich_env.starts.base import Starts

_TRIES = 1000


class RecordedPositions(Starts):
    """A position that was met in a recorded game: a game is drawn, each as likely as the next, then a ply of it.

    Args:
        path: a corpus's Parquet file, or PGN, plain, .gz or .zst.
        min_ply: the earliest position, 0 for the one that a game began from; games that are shorter are left out.
        max_ply: the latest; without it, the one before a game's last ply.
        limit: the first so many games of the file; it is read whole without it (of PGN, about 500 a second).

    Raises:
        DataError: a file that is missing, damaged, or has no game that is long enough.
        SpecError: a number out of range.
        MissingExtraError: a corpus, and no pyarrow to read it with.
    """

    def __init__(
        self, path: str | Path, min_ply: int = 0, max_ply: int | None = None, limit: int | None = None
    ) -> None:
        self.path = path
        self.min_ply = check_count("min_ply", min_ply, least=0)
        self.max_ply = None if max_ply is None else check_count("max_ply", max_ply, least=0)
        if self.max_ply is not None and self.max_ply < self.min_ply:
            raise SpecError(f"max_ply is {max_ply!r}, less than min_ply, {min_ply!r}: no ply can be in between")
        self.limit = None if limit is None else check_count("limit", limit)
        self._games = [game for game in read_played(path, limit) if len(game) > self.min_ply]
        if not self._games:
            raise DataError(f"{str(path)!r} has no game of more than {self.min_ply} plies")

    def __len__(self) -> int:
        """How many games there are."""
        return len(self._games)

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        return [self._draw(mix(key, "corpus")) for key in keys]

    def _draw(self, key: UInt64s) -> str:
        """A position in which a ply was played may still be a draw that can be claimed: then another is drawn."""
        streams = Streams(key)
        for _ in range(_TRIES):
            game: PlayedGame = self._games[int(streams.integers(len(self._games))[0])]
            last = len(game) - 1 if self.max_ply is None else min(self.max_ply, len(game) - 1)
            board = game.board(self.min_ply + int(streams.integers(last - self.min_ply + 1)[0]))
            if board.halfmove_clock < FIFTY_MOVES and not board.is_insufficient_material():
                return board.fen()
        raise DataError(f"in {_TRIES} positions drawn from {str(self.path)!r} the game was over: give another corpus")
