"""Openings: the positions that matches begin from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sandwich_env.errors import DataError
from sandwich_env.reading.books import DEFAULT, book_position, open_book
from sandwich_env.specs import check_count


def load_openings(
    source: str | Path = DEFAULT,
    *,
    plies: int | None = None,
    limit: int | None = None,
    rng: np.random.Generator | None = None,
) -> list[str]:
    """Positions to begin matches from, as FENs.

    Args:
        source: "default" for the embedded set, or a file: EPD or FEN, a position on each line, or PGN (by its name,
            `.pgn`); .gz and .zst may follow.
        plies: of a PGN, the position after so many plies of each game, shorter games left out; at its end without it.
        limit: how many at the most: the first ones, or, with `rng`, as many drawn without putting back.
        rng: draws them.

    Raises:
        DataError: the file is not there, empty, truncated, or has a position that is illegal or already over; the text
            names the line (the game, of a PGN).
    """
    if limit is not None:
        check_count("limit", limit)
    with open_book(source, plies) as read:
        fens = _taken(read, limit, rng, str(source))
    if not fens:
        raise DataError(f"{str(source)!r} has no positions")
    return fens


def _taken(read: Iterator[tuple[str, str]], limit: int | None, rng: np.random.Generator | None, path: str) -> list[str]:
    if limit is not None and rng is not None:
        lines = list(read)
        drawn = np.sort(rng.choice(len(lines), size=min(limit, len(lines)), replace=False))
        read = (lines[i] for i in drawn)
    fens: list[str] = []
    for where, text in read:
        fens.append(book_position(text, f"{path!r}, {where}"))
        if limit is not None and len(fens) == limit:
            break
    return fens
