"""Starts from an opening book."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.randomness import UInt64s
from sandwich_env.reading.books import DEFAULT, book_position, open_book
from sandwich_env.specs import check_count
from sandwich_env.starts.base import Starts, pick


class Book(Starts):
    """The positions of a book, each as likely as the next. All are checked when it is opened.

    Args:
        path: a file of EPD or FEN, a position on each line, or PGN (by its name, .pgn); .gz and .zst may follow.
            "default" is the set of 256 balanced openings that the package brings along.
        plies: of a PGN, the position after so many plies of each game; shorter games are left out. At its end without.
        limit: the first so many; a book is read whole without it.

    Raises:
        DataError: the file is missing, damaged or empty, or has a position that is illegal or over already; the text
            names the line, or the game.
        SpecError: a number out of range.
    """

    def __init__(self, path: str | Path = DEFAULT, plies: int | None = None, limit: int | None = None) -> None:
        self.path = path
        self.plies = None if plies is None else check_count("plies", plies, least=0)
        self.limit = None if limit is None else check_count("limit", limit)
        with open_book(path, plies) as read:
            self._fens = [book_position(text, f"{str(path)!r}, {where}") for where, text in islice(read, limit)]
        if not self._fens:
            raise DataError(f"{str(path)!r} has no positions")

    def __len__(self) -> int:
        """How many positions there are."""
        return len(self._fens)

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        return [self._fens[k] for k in pick(keys, len(self._fens))]
