"""The line from H to A: questions that H asks while it thinks about its turn, beyond the one that its protocol poses.

The line has two ends. H's (`Line`) gives visible advice and nothing else; the scorer's (`Tally`) counts. They share no
object that could lead from one to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sandwich_env.advisors.base import Advisor, Asks, Query, VisibleAdvice
from sandwich_env.oversight.channel import check_advice, check_asks
from sandwich_env.oversight.disclosures import SILENT, Disclosures
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games


class Line:
    """H's end: what it asks and what it is told.

    Args:
        answer: who answers; `open_line` makes it.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[Games, Streams, Asks, ArrayLike], VisibleAdvice]) -> None:
        self._answer = answer

    def ask(self, games: Games, rng: Streams, asks: Asks, part: ArrayLike = 0) -> VisibleAdvice:
        """The advisor's answer about any positions, such as those after a move. [N]

        Args:
            games: N positions in which somebody is to move. They need not be those on the board.
            rng: the random numbers of the player who asks, a stream for each position.
            asks: the move, the value or both.
            part: tells the questions of one turn apart, a number for all or integers [N]: the same number about the same
                position in the same turn has the same answer.

        Raises:
            AdviceError: the advisor gives an answer that nobody could be shown.
        """
        return self._answer(games, rng, check_asks(asks), part)


@dataclass
class Tally:
    """The scorer's end.

    Attributes:
        inquiries: positions asked about so far.
        tampered: how many of the answers a misalignment put its hand to. The truth: not for H.
    """

    inquiries: int = 0
    tampered: int = 0


def open_line(advisor: Advisor, disclosures: Disclosures = SILENT) -> tuple[Line, Tally]:
    """A line to an advisor: H's end, and the scorer's.

    An inquiry is no query of the protocol's: the advisor is told the number of the turn as the count, and a schedule that
    counts its lies (`budget`) counts those in answers to the protocol's queries alone.

    Args:
        advisor: who answers.
        disclosures: what H lets it know of itself, as in the channel.
    """
    tally = Tally()

    def answer(games: Games, rng: Streams, asks: Asks, part: ArrayLike) -> VisibleAdvice:
        turns = (games.ply // 2).astype(np.int64)
        keys = np.broadcast_to(mix(rng.keys, "inquiry", np.asarray(part)), rng.keys.shape)
        query = Query(
            games=games,
            keys=keys,
            count=turns,
            asks=asks,
            lies=np.zeros(len(games), dtype=np.int64),
            in_parts=True,
            **disclosures.told(games, turns, keys),
        )
        advice = advisor.advise(query)
        check_advice(advice, query, advisor)
        tally.inquiries += len(games)
        tally.tampered += int(advice.provenance.tampered.sum())
        return advice.visible(asks)

    return Line(answer), tally
