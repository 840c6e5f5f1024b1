"""Why a game is over."""

from __future__ import annotations

import enum


class Termination(enum.IntEnum):
    """Why a game is over; the code in `Games.termination`.

    Where several apply, the first of this order counts, as in python-chess's `Board.outcome`: checkmate, insufficient
    material, stalemate, seventy-five moves, fivefold repetition, fifty moves, threefold repetition, ply cap.
    """

    PLAYING = 0
    CHECKMATE = 1
    STALEMATE = 2
    INSUFFICIENT_MATERIAL = 3
    SEVENTYFIVE_MOVES = 4
    FIVEFOLD_REPETITION = 5
    FIFTY_MOVES = 6
    """Only with `claim_draws`."""
    THREEFOLD_REPETITION = 7
    """Only with `claim_draws`: this position has now occurred three times."""
    PLY_CAP = 8
    """A truncation, not an end by the rules of chess; scored as a draw."""
