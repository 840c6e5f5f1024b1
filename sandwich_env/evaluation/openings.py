"""Openings: the positions that matches begin from."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TextIO

import chess
import chess.pgn
import numpy as np

from sandwich_env.errors import DataError
from sandwich_env.evaluation.records import status_text
from sandwich_env.files import open_text
from sandwich_env.rules.positions import parse_board
from sandwich_env.specs import check_count

DEFAULT = "default"
"""Names the set of balanced positions that the package brings along."""

_EMBEDDED = "data/openings.epd"
_EPD_FIELDS = 4

STANDARD_VARIANTS = ("standard", "chess", "from position")
"""What the Variant header of a PGN says, in lower case, where the game is standard chess."""

_COMPRESSIONS = (".gz", ".zst")


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
    if source == DEFAULT:
        embedded = resources.files("sandwich_env").joinpath(_EMBEDDED)
        with resources.as_file(embedded) as path:
            return load_openings(path, limit=limit, rng=rng)
    path = Path(source)
    kind = next(suffix for suffix in reversed(["", *path.suffixes]) if suffix.lower() not in _COMPRESSIONS)
    with open_text(path) as stream:
        if kind.lower() == ".pgn":
            read = _from_pgn(stream, plies)
        elif plies is not None:
            raise DataError(f"'plies' belongs to a PGN, and {str(path)!r} is a list of positions")
        else:
            read = _from_lines(stream)
        fens = _taken(read, limit, rng, str(path))
    if not fens:
        raise DataError(f"{str(path)!r} has no positions")
    return fens


def _taken(read: Iterator[tuple[str, str]], limit: int | None, rng: np.random.Generator | None, path: str) -> list[str]:
    if limit is not None and rng is not None:
        lines = list(read)
        drawn = np.sort(rng.choice(len(lines), size=min(limit, len(lines)), replace=False))
        read = (lines[i] for i in drawn)
    fens: list[str] = []
    for where, text in read:
        fens.append(_position(text, f"{path!r}, {where}"))
        if limit is not None and len(fens) == limit:
            break
    return fens


def _from_lines(stream: TextIO) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield f"line {number}", text


def _position(text: str, where: str) -> str:
    """The FEN of a line of EPD or FEN, whose position is legal and not over."""
    words = text.split(";", maxsplit=1)[0].split()
    if len(words) < _EPD_FIELDS:
        raise DataError(f"{where}: {text!r} is no position: it has {len(words)} fields of {_EPD_FIELDS}")
    try:
        full = len(words) >= _EPD_FIELDS + 2 and words[4].isdigit() and words[5].isdigit()
        board = parse_board(" ".join(words[: 6 if full else _EPD_FIELDS]))
    except ValueError as error:
        raise DataError(f"{where}: {text!r} is no position: {error}") from error
    if not board.is_valid():
        raise DataError(f"{where}: {text!r} is no legal position: {status_text(board)}")
    if board.is_game_over():
        raise DataError(f"{where}: {text!r} is over before it begins: openings are positions to play on from")
    return board.fen()


def _from_pgn(stream: TextIO, plies: int | None) -> Iterator[tuple[str, str]]:
    number = 0
    while (game := chess.pgn.read_game(stream)) is not None:
        number += 1
        where = f"game {number}"
        variant = game.headers.get("Variant", "Standard")
        if variant.lower() not in STANDARD_VARIANTS:
            raise DataError(f"{where} of the PGN is of the variant {variant!r}: only standard chess is supported")
        if game.errors:
            raise DataError(f"{where} of the PGN cannot be read: {game.errors[0]}") from game.errors[0]
        moves = list(game.mainline_moves())
        board = game.board()
        for move in moves if plies is None else moves[:plies]:
            board.push(move)
        if moves and (plies is None or len(moves) >= plies):
            yield where, board.fen()
