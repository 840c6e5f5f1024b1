"""Books: files of positions to begin games from, as EPD, FEN or PGN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TextIO

import chess
import chess.pgn

from sandwich_env.errors import DataError
from sandwich_env.files import open_text
from sandwich_env.reading.words import status_text
from sandwich_env.rules.positions import parse_board

DEFAULT = "default"
"""Names the set that the package brings along: of balanced positions, or of puzzles."""

STANDARD_VARIANTS = ("standard", "chess", "from position")
"""What the Variant header of a PGN says, in lower case, where the game is standard chess."""

FIFTY_MOVES = 100
"""Plies without a capture or a pawn move, after which a draw can be claimed."""

_EMBEDDED = "data/openings.epd"
_EPD_FIELDS = 4
_COMPRESSIONS = (".gz", ".zst")


@contextmanager
def open_book(source: str | Path = DEFAULT, plies: int | None = None) -> Iterator[Iterator[tuple[str, str]]]:
    """The entries of a book, one after the other: where each stands, and its text, for `book_position`.

    Args:
        source: "default" for the embedded set, or a file: EPD or FEN, a position on each line, or PGN (by its name,
            `.pgn`); .gz and .zst may follow.
        plies: of a PGN, the position after so many plies of each game, shorter games left out; at its end without it.

    Raises:
        DataError: the file is not there, is truncated (also while it is being read), or a game cannot be read.
    """
    if source == DEFAULT:
        with resources.as_file(resources.files("sandwich_env").joinpath(_EMBEDDED)) as path, open_text(path) as stream:
            yield _from_lines(stream)
        return
    path = Path(source)
    with open_text(path) as stream:
        if kind_of_file(path) == ".pgn":
            yield _from_pgn(stream, plies)
        elif plies is not None:
            raise DataError(f"'plies' belongs to a PGN, and {str(path)!r} is a list of positions")
        else:
            yield _from_lines(stream)


def kind_of_file(path: Path) -> str:
    """The last suffix of a file's name in lower case, compressions left out: ".pgn" of games.pgn.gz."""
    return next(suffix for suffix in reversed(["", *path.suffixes]) if suffix.lower() not in _COMPRESSIONS).lower()


def book_position(text: str, where: str) -> str:
    """The FEN of a line of EPD or FEN, whose position is legal and not over.

    Raises:
        DataError: it is none; the text names the line.
    """
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
    if board.is_game_over() or board.halfmove_clock >= FIFTY_MOVES:
        raise DataError(f"{where}: {text!r} is over before it begins: openings are positions to play on from")
    if board.ep_square is not None:
        return board.fen()
    return " ".join([*words[:3], "-", str(board.halfmove_clock), str(board.fullmove_number)])  # the same, and quicker


def _from_lines(stream: TextIO) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield f"line {number}", text


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
