"""Men put on random squares, many boards at a time, as arrays.

A board is a row of squares, one for each man, White's men first as the material names them: the strong side is White
here, and the board is turned round afterwards where it is to be Black.
"""

from __future__ import annotations

import functools

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.randomness import UInt64s, mix

Squares = NDArray[np.int64]

_MEN = {letter: kind for kind, letter in enumerate("PNBRQK", start=1)}
_MOST_MEN, _MOST_PAWNS = 16, 8
_AT_FIRST = {"Q": 1, "R": 2, "B": 2, "N": 2}
_FIRST_PAWN_SQUARE, _PAWN_SQUARES, _SQUARES = 8, 48, 64


class Material:
    """The men of two sides.

    Args:
        name: as in "KQvKR": the strong side's men, a v, the other side's.

    Attributes:
        name: as given.
        men: of each man his kind (chess.PAWN to chess.KING) and whether he is the strong side's; pawns come first.

    Raises:
        SpecError: it is not two sides of at most 16 men, one king and at most 8 pawns each.
    """

    def __init__(self, name: str) -> None:
        sides = name.split("v") if isinstance(name, str) else []
        if len(sides) != 2 or not all(sides):
            raise SpecError(f"material is {name!r}: write both sides' men with a v between them, as in 'KQvKR'")
        for side in sides:
            _check_side(side, name)
        men = [(_MEN[letter], strong) for side, strong in zip(sides, (True, False), strict=True) for letter in side]
        self.name = name
        self.men: tuple[tuple[int, bool], ...] = tuple(sorted(men, key=lambda man: man[0] != chess.PAWN))

    def __len__(self) -> int:
        return len(self.men)


def _check_side(side: str, name: str) -> None:
    strange = [letter for letter in side if letter not in _MEN]
    if strange:
        raise SpecError(f"material is {name!r}: {strange[0]!r} is no man; they are K, Q, R, B, N and P")
    if side.count("K") != 1:
        raise SpecError(f"material is {name!r}: {side!r} has {side.count('K')} kings, where a side has one")
    if len(side) > _MOST_MEN:
        raise SpecError(f"material is {name!r}: {side!r} is {len(side)} men, where a side has {_MOST_MEN} at the most")
    promoted = sum(max(side.count(letter) - at_first, 0) for letter, at_first in _AT_FIRST.items())
    if side.count("P") + promoted > _MOST_PAWNS:
        raise SpecError(
            f"material is {name!r}: {side!r} takes {side.count('P') + promoted} pawns, those promoted counted, "
            f"where a side has {_MOST_PAWNS}"
        )


def place(material: Material, keys: UInt64s, first: int, count: int) -> Squares:
    """Boards number `first` to `first + count - 1` of each of K keys: all men on squares of their own, [K, count, men].

    Every placement without pawns on the first and last rank is as likely as the next.
    """
    boards = np.arange(first, first + count)
    men = np.arange(len(material))
    pawns = np.array([kind == chess.PAWN for kind, _ in material.men])
    free = np.where(pawns, _PAWN_SQUARES, _SQUARES) - men
    drawn = (mix(keys[:, None, None], boards[:, None], men) >> np.uint64(32)) * free.astype(np.uint64) >> np.uint64(32)
    squares = drawn.astype(np.int64) + np.where(pawns, _FIRST_PAWN_SQUARE, 0)
    for man in range(1, len(material)):
        # The n-th free square, counted past those that are taken, in ascending order.
        square, taken = squares[..., man], np.sort(squares[..., :man], axis=-1)
        for other in range(man):
            square += square >= taken[..., other]
    return squares


def in_reach(material: Material, squares: Squares, *, strong: bool) -> NDArray[np.bool_]:
    """Whether one side's men attack the other side's king on each board, [...].

    Args:
        material: the men.
        squares: where they stand, [..., men].
        strong: whose men attack.
    """
    attacks, between = _tables()
    king = squares[..., material.men.index((chess.KING, not strong))]
    occupied = np.bitwise_or.reduce(np.uint64(1) << squares.astype(np.uint64), axis=-1)
    reached = np.zeros(squares.shape[:-1], dtype=np.bool_)
    for man, (kind, is_strong) in enumerate(material.men):
        if is_strong != strong:
            continue
        # A pawn of the weak side, which is Black here, attacks downwards.
        row = 0 if kind == chess.PAWN and not strong else kind
        aims = attacks[row, squares[..., man]] >> king.astype(np.uint64) & np.uint64(1) == 1
        reached |= aims & (between[squares[..., man], king] & occupied == 0)
    return reached


@functools.cache
def _tables() -> tuple[UInt64s, UInt64s]:
    """What each kind attacks from each square of an empty board, [7, 64] (row 0: a black pawn), and what lies between
    two squares on a line, [64, 64]: bitboards."""
    rows = [
        chess.BB_PAWN_ATTACKS[chess.BLACK],
        chess.BB_PAWN_ATTACKS[chess.WHITE],
        chess.BB_KNIGHT_ATTACKS,
        [attacks[0] for attacks in chess.BB_DIAG_ATTACKS],
        [ranks[0] | files[0] for ranks, files in zip(chess.BB_RANK_ATTACKS, chess.BB_FILE_ATTACKS, strict=True)],
    ]
    rows.append([bishop | rook for bishop, rook in zip(rows[3], rows[4], strict=True)])
    rows.append(chess.BB_KING_ATTACKS)
    between = [[chess.between(one, other) for other in chess.SQUARES] for one in chess.SQUARES]
    return np.array(rows, dtype=np.uint64), np.array(between, dtype=np.uint64)
