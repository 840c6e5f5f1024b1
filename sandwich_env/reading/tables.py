"""Syzygy endgame tables: the exact truth about positions of few men, through python-chess."""

from __future__ import annotations

import struct
from pathlib import Path

import chess
import chess.syzygy

from sandwich_env.errors import DataError

WIN, DRAW, LOSS = 1, 0, -1

_DAMAGED = (OSError, struct.error, IndexError, AssertionError)
"""What python-chess raises when a table file is cut short or is not one."""


class Tables:
    """The tables in a folder.

    Results keep to the fifty-move rule, with a clock that begins at 0: a win that takes longer is a draw.

    Args:
        folder: with .rtbw files (results), and .rtbz files beside them (distances).

    Raises:
        DataError: the folder is not there, or has no tables.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DataError(f"there is no folder {str(folder)!r} of Syzygy tables")
        self._tables = chess.syzygy.Tablebase()
        if self._tables.add_directory(str(self.folder)) == 0:
            raise DataError(f"{str(folder)!r} has no Syzygy tables: files such as KQvK.rtbw and KQvK.rtbz are needed")

    def result(self, board: chess.Board) -> int:
        """The result for the side to move, by best play: `WIN`, `DRAW` or `LOSS`.

        Raises:
            DataError: the tables do not have the position, or the file is damaged.
        """
        try:
            wdl = self._tables.probe_wdl(board)
        except (KeyError, *_DAMAGED) as error:
            raise self._missing(board, error) from error
        return WIN if wdl == 2 else LOSS if wdl == -2 else DRAW

    def distance(self, board: chess.Board) -> int:
        """Plies to the next capture, pawn move or mate by best play (DTZ), negative for who loses, 0 in a draw.

        It may be off by one, as the tables round it where that changes no result. Above 100, or below -100, the fifty
        moves are over sooner.

        Raises:
            DataError: the tables do not have the position, or the file is damaged.
        """
        try:
            return self._tables.probe_dtz(board)
        except (KeyError, *_DAMAGED) as error:
            raise self._missing(board, error) from error

    def _missing(self, board: chess.Board, error: Exception) -> DataError:
        folder, fen = str(self.folder), board.fen()
        if isinstance(error, KeyError):  # chess.syzygy.MissingTableError is one
            return DataError(f"the Syzygy tables in {folder!r} do not have {fen!r}: {error.args[0]}")
        return DataError(f"the Syzygy tables in {folder!r} cannot be read for {fen!r}: {error}")

    def close(self) -> None:
        """Close the files."""
        self._tables.close()

    def __reduce__(self) -> tuple[type[Tables], tuple[Path]]:
        """A copy in another process opens the files itself."""
        return Tables, (self.folder,)
