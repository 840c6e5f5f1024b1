"""The channel of players who ask when they choose to, by an action (the protocol `OnDemand`)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, Advisor, Asks, Query, VisibleAdvice
from sandwich_env.oversight.channel import AdvisorChannel, Auditor, Bools, Indices, seats_to_move
from sandwich_env.oversight.disclosures import SILENT, Disclosures
from sandwich_env.oversight.on_demand import Ask, OnDemand, ask_actions
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.randomness import UInt64s
from sandwich_env.rules import Games

NO_LIMIT = -1
"""Stands for what is left of a budget where there is none: infinity is no number for a network."""

NOBODY_ASKS = -1


class AskingChannel(AdvisorChannel):
    """An `AdvisorChannel` in which nothing is asked but what players choose to.

    Each part (move, value) of each member of a panel can be asked once in a position, and each answer is a query of its
    own. `want` says who asks for what; `ask_due` asks for all of it, one batch for each part of each member.

    Args:
        num_games: N.
        advisor: whom the players ask; None for nobody.
        protocol: budget and cost.
        asks: what a player may be told: the move, the value or both.
        on_advice, disclosures: see `AdvisorChannel`.

    Attributes:
        actions: the K actions that ask.
        members: P, the members of the panel; 1 for an advisor that is none.
    """

    protocol: OnDemand
    _remembered: ClassVar[tuple[str, ...]] = (
        *AdvisorChannel._remembered,
        *("_wanted", "_told", "_panel_move", "_panel_value", "_panel_available"),
    )

    def __init__(
        self,
        num_games: int,
        advisor: Advisor | None,
        protocol: OnDemand,
        asks: Asks = "both",
        *,
        on_advice: Auditor | None = None,
        disclosures: Disclosures = SILENT,
    ) -> None:
        super().__init__(num_games, advisor, protocol, asks, on_advice=on_advice, disclosures=disclosures)
        self.members = 1 if advisor is None else advisor.voices
        self.actions: tuple[Ask, ...] = ask_actions(self.asks, self.members)
        self._wanted = np.full(num_games, NOBODY_ASKS, dtype=np.int64)  # an index into `actions`
        self._told = np.zeros((num_games, len(self.actions)), dtype=np.bool_)
        self._panel_move = np.full((num_games, self.members), NO_MOVE, dtype=np.int64)
        self._panel_value = np.zeros((num_games, self.members), dtype=np.float32)
        self._panel_available = np.zeros((num_games, self.members, 2), dtype=np.int8)

    # --- What may be asked ---

    def left(self, seats: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many questions the player in each seat [N] may still ask in its game, [N].

        `NO_LIMIT` (-1) where there is no budget; 0 for a player who may not ask at all.
        """
        if self.advisor is None:
            return np.zeros(len(self), dtype=np.int64)
        rows, budget = np.arange(len(self)), self.protocol.budget
        asked = self._queries[rows, seats]
        left = np.full(len(self), NO_LIMIT, dtype=np.int64) if budget is None else budget - asked
        return np.where(self._advised[rows, seats], left, 0)

    def askable(self, games: Games) -> Bools:
        """Which of the K questions the player to move may ask, bool [N, K]."""
        if self.advisor is None:
            return np.zeros_like(self._told)
        may_ask: Bools = (self.left(seats_to_move(games)) != 0) & ~games.finished
        return ~self._told & may_ask[:, None]

    def why_not(self, games: Games, i: int, ask: int) -> str:
        """Why the player to move in game i may not ask question `ask` (0 to K - 1)."""
        seat = int(seats_to_move(games)[i])
        if self.advisor is None:
            return "there is no advisor"
        if not self._advised[i, seat]:
            return f"{('White', 'Black')[seat]} is not advised"
        if self._told[i, ask]:
            return "it has been answered in this position"
        return f"nothing is left of the budget of {self.protocol.budget} questions for this game"

    # --- Asking ---

    def want(self, rows: Indices, asks: NDArray[np.int64]) -> None:
        """The players to move in the games `rows` [K] ask the questions `asks` [K], which they may ask."""
        self._wanted[rows] = asks

    def ask_due(self, games: Games, keys: UInt64s, among: Bools | None = None) -> None:
        if self.advisor is None:
            return
        everywhere = np.ones(len(self), dtype=np.bool_) if among is None else among
        while (posed := self.pose(games, keys, everywhere)) is not None:
            voice = self.actions[int(self._wanted[posed[0][0]])].member
            self.take(*posed, self.advisor.advise_as(voice, posed[1]))

    def ask(self, games: Games, keys: UInt64s, rows: Bools) -> None:
        """Ask what is wanted where `rows` [N] is true."""
        self.ask_due(games, keys, rows)

    def pose_due(self, games: Games, keys: UInt64s) -> tuple[Indices, Query] | None:
        return self.pose(games, keys, np.ones(len(self), dtype=np.bool_))

    def pose(self, games: Games, keys: UInt64s, rows: Bools) -> tuple[Indices, Query] | None:
        """The first batch of what is wanted where `rows` [N] is true: of one part, for one member."""
        index = np.flatnonzero(rows & (self._wanted != NOBODY_ASKS))
        if self.advisor is None or len(index) == 0:
            return None
        first = int(self._wanted[index].min())
        index = index[self._wanted[index] == first]
        return index, self._query(games, keys, index, self.actions[first].part)

    def _answered(self, index: Indices, visible: VisibleAdvice) -> int:
        ask = int(self._wanted[index[0]])
        _, part, member = self.actions[ask]
        self._told[index, ask], self._wanted[index] = True, NOBODY_ASKS
        if part == "move":
            self._move[index] = self._panel_move[index, member] = visible.move
        else:
            self._value[index] = self._panel_value[index, member] = visible.value
        column = int(part == "value")
        self._available[index, column] = self._panel_available[index, member, column] = 1
        return member

    # --- What is shown ---

    def forget(self, rows: Bools | Indices) -> None:
        super().forget(rows)
        if self.advisor is None:
            return
        self._wanted[rows] = NOBODY_ASKS
        self._told[rows] = False
        self._panel_move[rows] = NO_MOVE
        self._panel_value[rows] = 0.0
        self._panel_available[rows] = 0

    def show(self, seen: dict[str, NDArray[Any]]) -> None:
        super().show(seen)
        if self.members > 1:
            seen["panel_move"] = self._panel_move.copy()
            seen["panel_value"] = self._panel_value.copy()
            seen["panel_available"] = self._panel_available.copy()


def channel_class(protocol: Protocol) -> type[AdvisorChannel]:
    """The kind of channel that a protocol needs."""
    return AskingChannel if isinstance(protocol, OnDemand) else AdvisorChannel
