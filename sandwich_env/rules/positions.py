"""Between FEN and the words of a starting position: what a game may start from, and how a position is written down."""

from __future__ import annotations

import functools
import re

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import InvalidPositionError
from sandwich_env.rules._layout import (
    CASTLING,
    EP_LEGAL,
    EP_SQUARE,
    FULLMOVE,
    HALFMOVES,
    KING,
    NO_SQUARE,
    OURS,
    START_WORDS,
    THEIRS,
    WHITE_TO_MOVE,
)

MAX_HALFMOVES = 10_000
"""The largest clock a FEN may show: far beyond any game, and safe for the kernels."""

_STARTS_REMEMBERED = 4096
"""Games start from the same lists again and again, and to read a FEN takes as long as to play dozens of plies."""

_RIGHTS = ((chess.BB_H1, 1), (chess.BB_A1, 2), (chess.BB_H8, 4), (chess.BB_A8, 8))  # as White sees them

_TOLERATED = chess.STATUS_TOO_MANY_CHECKERS | chess.STATUS_IMPOSSIBLE_CHECK
"""No game leads there, but how to play on is clear; problem composers and perft suites use such positions."""

_FAULTS = {
    chess.STATUS_EMPTY: "the board is empty",
    chess.STATUS_NO_WHITE_KING: "White has no king",
    chess.STATUS_NO_BLACK_KING: "Black has no king",
    chess.STATUS_TOO_MANY_KINGS: "a side has more than one king",
    chess.STATUS_TOO_MANY_WHITE_PAWNS: "White has more than 8 pawns",
    chess.STATUS_TOO_MANY_BLACK_PAWNS: "Black has more than 8 pawns",
    chess.STATUS_PAWNS_ON_BACKRANK: "a pawn stands on the first or last rank",
    chess.STATUS_TOO_MANY_WHITE_PIECES: "White has more than 16 men",
    chess.STATUS_TOO_MANY_BLACK_PIECES: "Black has more than 16 men",
    chess.STATUS_BAD_CASTLING_RIGHTS: "castling rights need the king on its e-file square and the rook in its corner "
    "(Chess960 is not supported)",
    chess.STATUS_INVALID_EP_SQUARE: "no pawn can just have passed the en passant square",
    chess.STATUS_OPPOSITE_CHECK: "the side that is not to move is in check",
}


def _refuse(fen: object, why: str) -> InvalidPositionError:
    return InvalidPositionError(f"cannot start from {fen!r}: {why}")


def parse_board(fen: str) -> chess.Board:
    """The board of a FEN that a game of standard chess can be played on from.

    The two clocks may be left out, as python-chess allows.

    Raises:
        InvalidPositionError: If the FEN is malformed or its position cannot be played on from; says what is wrong.
    """
    if not isinstance(fen, str):
        raise _refuse(fen, f"a FEN is a string, not {type(fen).__name__}")
    fields = fen.split()
    if len(fields) not in (1, 2, 3, 4, 5, 6):
        raise _refuse(fen, f"a FEN has 6 fields, this has {len(fields)}")
    if fields and "~" in fields[0]:
        raise _refuse(fen, "promoted men are not marked (~) in standard chess")
    if any(not re.fullmatch(r"-?[0-9]+", clock) for clock in fields[4:]):
        raise _refuse(fen, f"the half-move clock and the move number are digits, not {' '.join(fields[4:])!r}")
    if len(fields) > 2 and not re.fullmatch(r"-|K?Q?k?q?", fields[2]):
        raise _refuse(fen, f"castling rights {fields[2]!r} are not of standard chess: write KQkq, a part of it, or -")
    try:
        board = chess.Board(fen)
    except ValueError as error:
        raise _refuse(fen, str(error)) from error
    check_board(board, fen)
    return board


def check_board(board: chess.Board, fen: str) -> None:
    """Raise InvalidPositionError unless a game of standard chess can be played on from here."""
    if board.chess960 or type(board).uci_variant != "chess":
        raise _refuse(fen, "only standard chess is supported")
    status = board.status() & ~_TOLERATED
    if status != chess.STATUS_VALID:
        known = [text for flag, text in _FAULTS.items() if status & flag]
        raise _refuse(fen, "; ".join(known) or str(chess.Status(status)))
    if not 0 <= board.halfmove_clock <= MAX_HALFMOVES:
        raise _refuse(fen, f"the half-move clock is {board.halfmove_clock}, not between 0 and {MAX_HALFMOVES}")
    if not 1 <= board.fullmove_number <= 2**31:
        raise _refuse(fen, f"the move number is {board.fullmove_number}, not between 1 and 2**31")


def parse_start(fen: str) -> NDArray[np.uint64]:
    """The words of a starting position, see `_layout`. Returns uint64 [START_WORDS], not to be written to.

    Raises:
        InvalidPositionError: As `parse_board`.
    """
    return _start_words(fen if isinstance(fen, str) else parse_board(fen).fen())


@functools.lru_cache(maxsize=_STARTS_REMEMBERED)
def _start_words(fen: str) -> NDArray[np.uint64]:
    board = parse_board(fen)
    rights = sum(bit for square, bit in _RIGHTS if board.castling_rights & square)
    ep_square = NO_SQUARE if board.ep_square is None else board.ep_square
    side = board if board.turn == chess.WHITE else board.mirror()
    if board.turn == chess.BLACK:
        rights = (rights >> 2) | ((rights & 3) << 2)
        ep_square = NO_SQUARE if board.ep_square is None else chess.square_mirror(board.ep_square)
    words = [0] * START_WORDS
    words[: KING + 1] = [side.pawns, side.knights, side.bishops, side.rooks, side.queens, side.kings]
    words[OURS], words[THEIRS] = side.occupied_co[chess.WHITE], side.occupied_co[chess.BLACK]
    words[CASTLING], words[EP_SQUARE] = rights, ep_square
    words[HALFMOVES], words[WHITE_TO_MOVE], words[FULLMOVE] = (
        board.halfmove_clock,
        int(board.turn),
        board.fullmove_number,
    )
    start = np.array(words, dtype=np.uint64)
    start.flags.writeable = False
    return start


def write_fen(words: list[int], fullmove: int) -> str:
    """The FEN of a state row, as `chess.Board.fen()` writes it: an en passant square only where a capture is legal.

    Args:
        words: At least the first 14 words of a state row, as Python integers.
        fullmove: The number of the move that is next.
    """
    white = bool(words[WHITE_TO_MOVE])
    symbols = ["."] * 64
    for kind, letter in enumerate("pnbrqk"):
        for side, owner in ((words[OURS], white), (words[THEIRS], not white)):
            men = words[kind] & side
            while men:
                square = (men & -men).bit_length() - 1
                men &= men - 1
                symbols[square if white else square ^ 56] = letter.upper() if owner else letter
    ranks = ["".join(symbols[8 * r : 8 * r + 8]) for r in range(7, -1, -1)]
    placement = re.sub(r"\.+", lambda run: str(len(run[0])), "/".join(ranks))
    rights = words[CASTLING]
    if not white:
        rights = (rights >> 2) | ((rights & 3) << 2)
    castling = "".join(letter for bit, letter in enumerate("KQkq") if rights >> bit & 1) or "-"
    ep = "-"
    if words[EP_LEGAL]:
        ep = chess.square_name(words[EP_SQUARE] if white else words[EP_SQUARE] ^ 56)
    return f"{placement} {'w' if white else 'b'} {castling} {ep} {words[HALFMOVES]} {fullmove}"
