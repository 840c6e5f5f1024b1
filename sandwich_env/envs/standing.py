"""How N games stand: who is to move, which are over, and why; by the rules of chess, or for another reason."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import GameOverError
from sandwich_env.oversight.channel import Bools
from sandwich_env.rules import NO_ACTION, Games, Termination

ILLEGAL_ACTION = "illegal_action"
"""The name under which an episode ends that a player forfeited by an illegal action."""

_NAMES = {reason.value: reason.name.lower() for reason in Termination}


class Standing:
    """How N games stand. What is asked is read from them once for each ply, and not to be written to.

    Args:
        games: the N games.

    Attributes:
        games: the N games.
        num_over: how many of the games are over.
        num_forfeited: how many of them ended for a reason that is not on the board: an illegal action, a puzzle.
    """

    def __init__(self, games: Games) -> None:
        self.games = games
        self._none = np.zeros(len(games), dtype=np.bool_)
        self._none.flags.writeable = False
        self._forfeited = np.zeros(len(games), dtype=np.bool_)
        self._forfeit_outcome = np.zeros(len(games), dtype=np.float32)
        self._forfeit_reason = np.full(len(games), ILLEGAL_ACTION, dtype=object)
        self.num_forfeited = 0
        self._look_again()

    def __len__(self) -> int:
        return len(self.games)

    def _look_again(self) -> None:
        """Called after every change: while no game is over, most of what is asked below costs nothing."""
        self.num_over = self.games.over_count
        if self.num_forfeited:
            self.num_over = int(np.count_nonzero(self.games.finished | self._forfeited))
        self._turn: Bools | None = None
        self._over: Bools | None = None
        self._truncated: Bools | None = None
        self._outcome: NDArray[np.float32] | None = None
        self._reasons: NDArray[np.int8] | None = None

    @property
    def turn(self) -> Bools:
        """bool [N]: True where White is to move. Read once for each ply, as all of these: not to be written to."""
        if self._turn is None:
            self._turn = self.games.turn
        return self._turn

    @property
    def truncated(self) -> Bools:
        """bool [N]: cut short by the ply cap."""
        if self._truncated is None:
            self._truncated = self.games.truncated & ~self._forfeited if self.num_over else self._none
        return self._truncated

    @property
    def over(self) -> Bools:
        """bool [N]: terminated or truncated."""
        if self._over is None:
            self._over = self.games.finished | self._forfeited if self.num_over else self._none
        return self._over

    @property
    def terminated(self) -> Bools:
        """bool [N]: over by the rules of chess, or forfeited."""
        return self.over & ~self.truncated if self.num_over else self._none

    @property
    def outcome(self) -> NDArray[np.float32]:
        """float32 [N], from White's side: 1, 0 or -1 in a game that is over, NaN in one that is not."""
        if self._outcome is None:
            self._outcome = self.games.outcome
            if self.num_forfeited:
                self._outcome[self._forfeited] = self._forfeit_outcome[self._forfeited]
        return self._outcome

    def termination(self, i: int) -> str:
        """Why game i is over, as a word: a `Termination` in lower case, "illegal_action", or a puzzle's."""
        if self._reasons is None:
            self._reasons = self.games.termination
        return str(self._forfeit_reason[i]) if self._forfeited[i] else _NAMES[int(self._reasons[i])]

    def _forfeit(self, rows: Bools, outcome: NDArray[np.integer], why: str) -> None:
        """End games, where `rows` [N] is true, for a reason not on the board; outcome [N], from White's side."""
        self._forfeited |= rows
        self.num_forfeited = int(np.count_nonzero(self._forfeited))
        self._forfeit_outcome[rows] = outcome[rows]
        self._forfeit_reason[rows] = why

    def _refuse_ended(self, actions: NDArray[np.int64]) -> None:
        ended = np.flatnonzero((actions != NO_ACTION) & self.over)
        if len(ended):
            i = int(ended[0])
            raise GameOverError(f"game {i} has ended ({self.termination(i)}): reset it before the next action")
