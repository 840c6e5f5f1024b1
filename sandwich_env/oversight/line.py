"""The line from H to A: questions that H asks while it thinks about its turn, beyond the one that its protocol poses.

The line has two ends. H's (`Line`) gives visible advice and nothing else; the scorer's (`Tally`) counts. What answers
is behind a function: no attribute of H's end leads to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import Advisor, Asks, Query, VisibleAdvice
from sandwich_env.errors import GameOverError
from sandwich_env.oversight.channel import check_advice, check_asks, seats_to_move
from sandwich_env.oversight.disclosures import SILENT, Disclosures, Told
from sandwich_env.oversight.protocols import EveryTurn, Protocol
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import Games


@dataclass(frozen=True)
class Board:
    """Where H sits while it asks about other positions than its own.

    Attributes:
        games: the G positions in which it is to move.
        rows: int64 [N], which of these each position asked about was thought of in.
    """

    games: Games
    rows: NDArray[np.int64]


class Line:
    """H's end: what it asks and what it is told.

    Args:
        answer: who answers; `open_line` makes it.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[Games, Streams, Asks, ArrayLike, Board | None], VisibleAdvice]) -> None:
        self._answer = answer

    def ask(
        self, games: Games, rng: Streams, asks: Asks, part: ArrayLike = 0, board: Board | None = None
    ) -> VisibleAdvice:
        """The advisor's answer about any positions, such as those after a move. [N]

        Args:
            games: N positions in which somebody is to move.
            rng: the random numbers of the player who asks, a stream for each position.
            asks: the move, the value or both.
            part: tells the questions of one turn apart, a number for all or integers [N]: the same number about the
                same position in the same turn has the same answer.
            board: where the player sits, if it asks about other positions than those at its board.

        Raises:
            GameOverError: a game is over, so that there is nothing to ask.
            AdviceError: the advisor gives an answer that nobody could be shown.
        """
        if games.finished.any():
            raise GameOverError(f"{games.fens()[int(np.argmax(games.finished))]!r} is over: there is nothing to ask")
        return self._answer(games, rng, check_asks(asks), part, board)


@dataclass
class Tally:
    """The scorer's end.

    Attributes:
        inquiries: positions asked about so far.
        tampered: how many of the answers a misalignment put its hand to. The truth: not for H.
    """

    inquiries: int = 0
    tampered: int = 0


def open_line(
    advisor: Advisor, disclosures: Disclosures = SILENT, protocol: Protocol | None = None
) -> tuple[Line, Tally]:
    """A line to an advisor: H's end, and the scorer's.

    The advisor is told whose turn it is at the board, and what that player discloses there: its rating, whether it
    watches this turn, and, of the position at the board itself, what it would play; of another, it does not say. A
    schedule that goes by the number of queries sees the number of the query that the protocol posed in this turn, or
    would pose next. One that counts lies (`budget`) is told of none before: on the line it is never used up, and what
    is said there uses nothing up.

    Args:
        advisor: who answers.
        disclosures: what H lets it know of itself, as in the channel.
        protocol: of the channel beside the line, at which of its turns H asks there; None: at every turn.
    """
    asking = EveryTurn() if protocol is None else protocol
    tally = Tally()

    def answer(games: Games, rng: Streams, asks: Asks, part: ArrayLike, board: Board | None) -> VisibleAdvice:
        count, told = _of_the_asker(games, rng, disclosures, asking, board)
        query = Query(
            games=games,
            keys=np.broadcast_to(mix(rng.keys, "inquiry", np.asarray(part)), rng.keys.shape),
            count=count,
            asks=asks,
            lies=np.zeros(len(games), dtype=np.int64),
            in_parts=True,
            **told,
        )
        advice = advisor.advise(query)
        check_advice(advice, query, advisor)
        tally.inquiries += len(games)
        tally.tampered += int(advice.provenance.tampered.sum())
        return advice.visible(asks)

    return Line(answer), tally


def _of_the_asker(
    games: Games, rng: Streams, disclosures: Disclosures, protocol: Protocol, board: Board | None
) -> tuple[NDArray[np.int64], Told]:
    """How often whoever asks has asked by its protocol before this turn, [N], and what it discloses."""
    elsewhere, proposes = board is not None, disclosures.proposer is not None
    if board is None:
        board = Board(games, np.arange(len(games)))
    else:
        disclosures = replace(disclosures, proposer=None)  # what it would play, it would play at its board
    turns = (board.games.ply // 2).astype(np.int64)
    origin = np.zeros(len(board.games), dtype=np.uint64)
    origin[board.rows] = rng.origin
    # The keys of the channel, so that both know when it watches and when it asks.
    seats = seats_to_move(board.games)
    told = disclosures.told(board.games, turns, mix(origin, "advice", seats))
    if elsewhere and proposes:
        told["proposal"] = np.full(len(board.games), -1, dtype=np.int64)
        told["hope"] = np.full(len(board.games), np.nan, dtype=np.float32)
    count, rows = _asked_before(turns, mix(origin, "protocol", seats), protocol), board.rows
    return count[rows], Told(
        proposal=None if told["proposal"] is None else told["proposal"][rows],
        hope=None if told["hope"] is None else told["hope"][rows],
        watched=None if told["watched"] is None else told["watched"][rows],
        rating=None if told["rating"] is None else told["rating"][rows],
    )


def _asked_before(turns: NDArray[np.int64], keys: UInt64s, protocol: Protocol) -> NDArray[np.int64]:
    """At how many of the turns that it has had a player asked, [N], of as many players with their keys."""
    if type(protocol) is EveryTurn:
        return turns
    player = np.repeat(np.arange(len(turns)), turns)
    turn = np.arange(len(player)) - np.repeat(np.cumsum(turns) - turns, turns)
    due = protocol.due(turn, keys[player])
    return np.bincount(player[due], minlength=len(turns)).astype(np.int64)
