"""Endgames: positions of given men, drawn at random on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.reading.tables import DRAW, LOSS, WIN, Tables
from sandwich_env.specs import check_flag
from sandwich_env.starts.base import Starts
from sandwich_env.starts.placing import Material, in_reach, place

Result = Literal["any", "win", "draw", "loss"]
"""The strong side's, by best play."""

_RESULTS = {"win": WIN, "draw": DRAW, "loss": LOSS}

FIRST_TRIES, MOST_AT_ONCE = 4, 512
"""How many boards are drawn for a start at first; then twice as many again, up to so many at once."""

TRIES = 20_000
"""How many boards are drawn in vain before the material is said to have no such position."""


class Endgame(Starts):
    """Positions of given men: every legal one in which the game goes on is as likely as the next.

    Nobody may castle or capture en passant. Which colour is strong is drawn, too.

    Args:
        material: as in "KQvK" or "KPvKP", the strong side first; or several, each as likely as the next.
        strong_to_move: whether the strong side has the move (default), or the other.
        result: how the game ends for the strong side by best play: "win", "draw" or "loss", which takes tables; "any"
            does not ask.
        syzygy: a folder of Syzygy tables, which know the truth.

    Raises:
        SpecError: what is no material, another `result`, a result without tables, or material with no such position.
        DataError: the folder has no tables, or none for this material.
    """

    def __init__(
        self,
        material: str | Sequence[str],
        strong_to_move: bool = True,
        result: Result = "any",
        syzygy: str | Path | None = None,
    ) -> None:
        if not isinstance(material, (str, Sequence)) or not material:
            raise SpecError(f"material is {material!r}: give one, such as 'KQvK', or several")
        self.material = (material,) if isinstance(material, str) else tuple(material)
        self.strong_to_move = check_flag("strong_to_move", strong_to_move)
        if result not in get_args(Result):
            raise SpecError(f"unknown result {result!r}: {did_you_mean(str(result), get_args(Result))}")
        if result != "any" and syzygy is None:
            raise SpecError(f"result is {result!r}: that takes the truth; give syzygy=, a folder of Syzygy tables")
        self.result = result
        self.syzygy = syzygy
        self._materials = [Material(name) for name in self.material]
        self._tables = None if syzygy is None else Tables(syzygy)
        for one in self._materials:  # material that has no such position is an error now, not in the thousandth game
            self._find(one, mix("endgame", "is there one?"))

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        which = Streams(mix(keys, "material")).integers(len(self._materials))
        fens = np.empty(len(keys), dtype=object)
        for k in set(which.tolist()):
            rows = np.flatnonzero(which == k)
            fens[rows] = self._find(self._materials[k], mix(keys[rows], "endgame"))
        return list(fens)

    def _find(self, material: Material, keys: UInt64s) -> list[str]:
        """The first good board of each key's, as FENs, [K]."""
        found: list[str] = [""] * len(keys)
        white = (keys >> np.uint64(63)).astype(np.bool_)
        wanting, first, count = np.arange(len(keys)), 0, FIRST_TRIES
        while len(wanting):
            if first >= TRIES:
                raise SpecError(self._none_found(material, first))
            boards = place(material, keys[wanting], first, count)
            legal = ~in_reach(material, boards, strong=self.strong_to_move)
            for row, at in enumerate(wanting.tolist()):
                found[at] = self._first_good(material, boards[row][legal[row]], strong_is_white=bool(white[at]))
            wanting = np.array([at for at in wanting.tolist() if not found[at]], dtype=np.int64)
            first, count = first + count, min(2 * count, MOST_AT_ONCE)
        return found

    def _first_good(self, material: Material, boards: NDArray[np.int64], *, strong_is_white: bool) -> str:
        """The FEN of the first of the boards [B, men] that will do; "" if none does."""
        for squares in boards.tolist():
            board = chess.Board(None)
            for (kind, strong), square in zip(material.men, squares, strict=True):
                here = square if strong_is_white else chess.square_mirror(square)
                board.set_piece_at(here, chess.Piece(kind, strong == strong_is_white))
            board.turn = self.strong_to_move == strong_is_white
            if self._is_good(board):
                return board.fen()
        return ""

    def _is_good(self, board: chess.Board) -> bool:
        if board.is_game_over() or not board.is_valid():
            return False
        if self._tables is None or self.result == "any":
            return True
        result = self._tables.result(board)
        return (result if self.strong_to_move else -result) == _RESULTS[self.result]

    def _none_found(self, material: Material, tries: int) -> str:
        side = "strong" if self.strong_to_move else "weak"
        wanted = "in which the game goes on" if self.result == "any" else f"that is a {self.result} for the strong side"
        return (
            f"material {material.name!r} has no legal position {wanted}, with the {side} side to move, "
            f"among {tries:,} drawn at random: choose other material, another result or another side to move"
        )

    def close(self) -> None:
        if self._tables is not None:
            self._tables.close()
