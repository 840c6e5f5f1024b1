"""The channel between players and their advisor: who may ask, when, and what comes back.

The channel is the one place where advice is asked for. It hands out only the visible part; the full advice, with the
truth behind it, goes to the scorer alone (`on_advice` and `last`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.answers import check_answer
from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Asks, Query, VisibleAdvice
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.oversight.disclosures import SILENT, Disclosures
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.randomness import UInt64s, mix
from sandwich_env.rules import Games

Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]

WHITE, BLACK = 0, 1
"""Seats: columns of every array with one column for each side."""

AGENTS = ("player_0", "player_1")
"""The players' names in the multi-agent environments: White, Black."""

_SEATS = {
    "both": (True, True),
    "none": (False, False),
    "white": (True, False),
    "black": (False, True),
    AGENTS[WHITE]: (True, False),
    AGENTS[BLACK]: (False, True),
}


@dataclass(frozen=True)
class Audit:
    """The truth about one batch of queries. For scoring only: it never reaches a player.

    Attributes:
        rows: int64 [K], the index of each game asked about in the environment that asked.
        query: what was asked, K games; its `games` are a copy.
        advice: the full answer, K rows, provenance included.
        visible: what the players were shown of it, K rows.
        member: which member of a panel was asked by itself, where a player chooses whom it asks.
    """

    rows: NDArray[np.int64]
    query: Query
    advice: Advice
    visible: VisibleAdvice
    member: int = 0

    @property
    def ply(self) -> NDArray[np.int64]:
        """How many plies each game had seen when it was asked about. [K]"""
        return np.asarray(self.query.games.ply, dtype=np.int64)


Auditor = Callable[[Audit], None]
"""A scorer: called with every batch of advice, as it is given."""


class AdvisorChannel:
    """The advice of N games at a time.

    A position is asked about at most once. The advice stays visible until the game moves on. Whoever moves games in
    several strokes notes each arrival (`note`) and lets all that is due be asked as one batch (`ask_due`).

    Args:
        num_games: N.
        advisor: whom the players ask; None for nobody, so that no advice is ever seen.
        protocol: at which of its turns a player asks.
        asks: what the player is told: the move, the value or both.
        on_advice: a scorer that is called with each batch of advice.
        disclosures: what the players let the advisor know of themselves; nothing without it.

    Attributes:
        last: the truth about the latest batch of queries, for the scorer; None before the first.
    """

    _remembered: ClassVar[tuple[str, ...]] = (
        *("_advised", "_turns", "_queries", "_lies", "_asked", "_due"),
        *("_move", "_value", "_available"),
    )
    """The arrays that `state` holds."""

    def __init__(
        self,
        num_games: int,
        advisor: Advisor | None,
        protocol: Protocol,
        asks: Asks = "both",
        *,
        on_advice: Auditor | None = None,
        disclosures: Disclosures = SILENT,
    ) -> None:
        self.advisor = advisor
        self.protocol = protocol
        self.asks = check_asks(asks)
        self.on_advice = on_advice
        self.disclosures = disclosures
        self.last: Audit | None = None
        self._advised = np.zeros((num_games, 2), dtype=np.bool_)
        self._turns = np.zeros((num_games, 2), dtype=np.int64)
        self._queries = np.zeros((num_games, 2), dtype=np.int64)
        self._lies = np.zeros((num_games, 2), dtype=np.int64)
        self._asked = np.zeros(num_games, dtype=np.bool_)
        self._due = np.zeros(num_games, dtype=np.bool_)
        self._move = np.full(num_games, NO_MOVE, dtype=np.int64)
        self._value = np.zeros(num_games, dtype=np.float32)
        self._available = np.zeros((num_games, 2), dtype=np.int8)

    def __len__(self) -> int:
        return len(self._asked)

    @property
    def visible(self) -> VisibleAdvice:
        """What the player to move sees in each of the N games: new arrays at every call."""
        return VisibleAdvice(self._move.copy(), self._value.copy(), self._available.copy())

    def show(self, seen: dict[str, NDArray[Any]]) -> None:
        """Put `visible` beside what else is seen, in the form of the observation space."""
        seen["advice_move"] = self._move.copy()
        seen["advice_value"] = self._value.copy().reshape(-1, 1)
        seen["advice_available"] = self._available.copy()

    @property
    def queries(self) -> NDArray[np.int64]:
        """How often each seat of each game has asked so far, [N, 2]."""
        return self._queries.copy()

    @property
    def lies(self) -> NDArray[np.int64]:
        """How many of the answers to each seat of each game were tampered with so far, [N, 2]. Not for players."""
        return self._lies.copy()

    def begin(self, rows: Bools | Indices, advised: Bools) -> None:
        """New games start in `rows` (indices [K], or bool [N]); `advised` [N, 2] says which seats may ask."""
        self._advised[rows] = advised[rows]
        self._turns[rows] = 0
        self._queries[rows] = 0
        self._lies[rows] = 0
        self.forget(rows)

    def arrive(self, games: Games, keys: UInt64s, rows: Bools) -> None:
        """The games where `rows` [N] is true have reached a new position: ask where the protocol says so.

        Args:
            games: all N games.
            keys: uint64 [N], the games' keys.
            rows: bool [N].
        """
        self.note(games, rows, keys)
        self.ask_due(games, keys)

    def note(self, games: Games, rows: Bools, keys: UInt64s | None = None) -> None:
        """The games where `rows` [N] is true have reached a new position: note where the protocol says to ask.

        Args:
            games, keys: see `arrive`; a protocol that draws needs the keys.
            rows: bool [N].
        """
        if self.advisor is None:
            return
        self.forget(rows)
        here = np.flatnonzero(rows & ~games.finished)
        seats = seats_to_move(games)[here]
        turns = self._turns[here, seats]
        mine = None if keys is None else mix(keys[here], "protocol", seats)
        self._due[here] = self.protocol.due(turns, mine) & self._advised[here, seats]
        self._turns[here, seats] = turns + 1

    def ask_due(self, games: Games, keys: UInt64s, among: Bools | None = None) -> None:
        """Ask about all positions that are due, or those of them where `among` [N] is true, as one batch."""
        if self.advisor is None:
            return
        due = self._due if among is None else self._due & among
        if due.any():
            self.ask(games, keys, due)

    def ask(self, games: Games, keys: UInt64s, rows: Bools) -> None:
        """Ask about the positions where `rows` [N] is true and which were not asked about before.

        A query counts for the player who makes it: each side of a game has a count, and random numbers, of its own.
        """
        posed = self.pose(games, keys, rows)
        if posed is not None and self.advisor is not None:
            self.take(*posed, self.advisor.advise(posed[1]))

    def pose_due(self, games: Games, keys: UInt64s) -> tuple[Indices, Query] | None:
        """The query about all positions that are due, for who answers it later by `take`; see `pose`."""
        return self.pose(games, keys, self._due)

    def pose(self, games: Games, keys: UInt64s, rows: Bools) -> tuple[Indices, Query] | None:
        """What `ask` asks: the games [K] in question and the query about them; None where there is nothing to ask."""
        index = np.flatnonzero(rows & ~self._asked & ~games.finished)
        if self.advisor is None or len(index) == 0:
            return None
        return index, self._query(games, keys, index, self.asks)

    def _query(self, games: Games, keys: UInt64s, index: Indices, asks: Asks) -> Query:
        """What the players to move in the games `index` [K] ask the advisor."""
        seats = seats_to_move(games)[index]
        positions = games.select(index)
        own = mix(keys[index], "advice", seats)
        return Query(
            games=positions,
            keys=own,
            count=self._queries[index, seats],
            asks=asks,
            in_parts=asks != self.asks,
            lies=self._lies[index, seats],
            **self.disclosures.told(positions, self._turns[index, seats] - 1, own),  # `note` has counted this turn
        )

    def take(self, index: Indices, query: Query, advice: Advice) -> None:
        """Take the answer to what `pose` gave, and show it to who asked.

        Raises:
            AdviceError: an answer that no player could be shown; nothing has changed.
        """
        if self.advisor is None:
            return
        check_advice(advice, query, self.advisor)
        visible, seats = advice.visible(query.asks), seats_to_move(query.games)
        self._queries[index, seats] += 1
        self._lies[index, seats] += advice.provenance.tampered
        self.last = Audit(index, query, advice, visible, member=self._answered(index, visible))
        if self.on_advice is not None:
            self.on_advice(self.last)

    def _answered(self, index: Indices, visible: VisibleAdvice) -> int:
        """Keep the answers in the games `index` [K] to be shown; which member of a panel has given them."""
        self._asked[index], self._due[index] = True, False
        self._move[index], self._value[index], self._available[index] = visible.move, visible.value, visible.available
        return 0

    def forget(self, rows: Bools | Indices) -> None:
        """Take the advice in `rows` back: the position there is no more, or the game is over."""
        if self.advisor is None:
            return
        self._asked[rows] = False
        self._due[rows] = False
        self._move[rows] = NO_MOVE
        self._value[rows] = 0.0
        self._available[rows] = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the channel remembers, as arrays that `load_state` takes. For checkpoints."""
        return {name: getattr(self, name).copy() for name in self._remembered}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state that `state()` gave.

        Raises:
            SpecError: the state is that of another number of games, or not a channel's.
        """
        if set(state) != set(self._remembered):
            raise SpecError(f"this channel's state has the keys {sorted(self._remembered)}, not {sorted(state)}")
        for name in self._remembered:
            mine, given = getattr(self, name), np.asarray(state[name])
            if given.shape != mine.shape:
                raise SpecError(f"the state's {name!r} has the shape {given.shape}: this channel needs {mine.shape}")
        for name in self._remembered:
            getattr(self, name)[...] = state[name]

    def close(self) -> None:
        """Release what the advisor holds. Whoever made the players' disclosures closes what they hold."""
        if self.advisor is not None:
            self.advisor.close()


def seats_to_move(games: Games) -> NDArray[np.int64]:
    """The seat of the player to move: 0 for White, 1 for Black. [N]"""
    return BLACK - games.turn.astype(np.int64)


def check_asks(asks: Asks) -> Asks:
    """What a player asks for, as it was given.

    Raises:
        SpecError: it is none of "move", "value" and "both".
    """
    if asks not in get_args(Asks):
        raise SpecError(f"unknown asks {asks!r}: {did_you_mean(str(asks), get_args(Asks))}")
    return asks


def advised_seats(advised: str | Iterable[str], learner: Bools | None = None) -> Bools:
    """Which seats may ask, bool [N, 2] (N is 1 without a learner).

    Args:
        advised: "both", "none", "white", "black", "player_0", "player_1"; where there is a learner also "learner" and
            "opponent"; or several of these.
        learner: bool [N, 2], the seats that the learner holds, in an environment that has one.

    Raises:
        SpecError: an unknown name.
    """
    names = (advised,) if isinstance(advised, str) else tuple(advised)
    known = {name: np.array([seats]) for name, seats in _SEATS.items()}
    if learner is not None:
        known |= {"learner": learner, "opponent": ~learner}
    seats = np.zeros((1 if learner is None else len(learner), 2), dtype=np.bool_)
    for name in names:
        if name not in known:
            raise SpecError(f"unknown name {name!r} in advised: {did_you_mean(str(name), known)}")
        seats = seats | known[name]
    return seats


def check_advice(advice: Advice, query: Query, advisor: Advisor) -> None:
    """Refuse an answer that no player could be shown.

    Raises:
        AdviceError: the wrong number of rows, a move that is not legal, or a value outside [-1, 1].
    """
    check_answer(advice, query, type(advisor).__name__)
