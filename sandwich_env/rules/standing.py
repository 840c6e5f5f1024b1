"""Where the games of a batch stand, read from their state array."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import _layout as layout
from sandwich_env.rules._checks import game_index
from sandwich_env.rules.termination import Termination

_PLAYING, _PLY_CAP = Termination.PLAYING.value, Termination.PLY_CAP.value


class Status(NamedTuple):
    """Where one game stands, as plain Python values; see the properties of `Games`."""

    turn: bool
    """True where White is to move."""
    ply: int
    legal_count: int
    in_check: bool
    repetitions: int
    termination: int
    """The value of a `Termination`."""
    outcome: float
    """From White's side; NaN while the game goes on."""

    @property
    def finished(self) -> bool:
        """Terminated or truncated."""
        return self.termination != _PLAYING

    @property
    def truncated(self) -> bool:
        """Stopped by the ply cap."""
        return self.termination == _PLY_CAP

    @property
    def terminated(self) -> bool:
        """Over by the rules of chess."""
        return self.termination not in {_PLAYING, _PLY_CAP}


class Standing:
    """The properties of `Games`: new arrays [N], yours to keep."""

    _state: NDArray[np.uint64]

    def status(self, i: int = 0) -> Status:
        """Where game i stands: for one game, in a tenth of the time that the arrays take."""
        i = game_index(i, len(self._state))
        turn, ply, _, count, check, repetitions, termination, result = self._state[
            i, layout.WHITE_TO_MOVE : layout.RESULT + 1
        ].tolist()
        outcome = result - 1.0 if termination else math.nan
        return Status(turn == 1, ply, count, check == 1, repetitions, termination, outcome)

    def _words(self, k: int) -> NDArray[np.int64]:
        return self._state[:, k].astype(np.int64)

    def _flags(self, k: int, value: int) -> NDArray[np.bool_]:
        flags: NDArray[np.bool_] = self._state[:, k] == value
        return flags

    @property
    def turn(self) -> NDArray[np.bool_]:
        """bool [N]: True where White is to move, as `chess.WHITE`."""
        return self._state[:, layout.WHITE_TO_MOVE].astype(np.bool_)

    @property
    def ply(self) -> NDArray[np.int64]:
        """int64 [N]: plies played since the start of each game."""
        return self._words(layout.PLY)

    @property
    def termination(self) -> NDArray[np.int8]:
        """int8 [N]: a `Termination` each, 0 while the game goes on."""
        return self._state[:, layout.TERMINATION].astype(np.int8)

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """bool [N]: over by the rules of chess."""
        return self.finished & ~self.truncated

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """bool [N]: stopped by `max_plies`, and not over by the rules of chess."""
        return self._flags(layout.TERMINATION, _PLY_CAP)

    @property
    def finished(self) -> NDArray[np.bool_]:
        """bool [N]: terminated or truncated."""
        finished: NDArray[np.bool_] = self._state[:, layout.TERMINATION] != _PLAYING
        return finished

    @property
    def outcome(self) -> NDArray[np.float32]:
        """float32 [N], from White's side: +1 won, 0 drawn or truncated, -1 lost, NaN while the game goes on."""
        result = self._state[:, layout.RESULT].astype(np.float32) - np.float32(1)
        result[~self.finished] = np.nan
        return result

    @property
    def over_count(self) -> int:
        """How many games are over; much cheaper than `finished.sum()`."""
        return int(np.count_nonzero(self._state[:, layout.TERMINATION]))

    @property
    def in_check(self) -> NDArray[np.bool_]:
        """bool [N]: whether the side to move is in check."""
        return self._flags(layout.CHECK, 1)

    @property
    def repetitions(self) -> NDArray[np.int64]:
        """int64 [N]: how often the current position has occurred before in its game."""
        return self._words(layout.REPETITIONS)

    @property
    def halfmove_clock(self) -> NDArray[np.int64]:
        """int64 [N]: plies since the last capture or pawn move, those before the starting FEN included."""
        return self._words(layout.HALFMOVES)

    @property
    def legal_counts(self) -> NDArray[np.int64]:
        """int64 [N]: how many actions are legal, 0 once a game is over."""
        return self._words(layout.LEGAL_COUNT)
