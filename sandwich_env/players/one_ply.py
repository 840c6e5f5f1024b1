"""One ply ahead: what moves are worth by somebody's values of the positions after them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Expert, result_for_mover
from sandwich_env.experts.children import judge_children
from sandwich_env.experts.legal import LegalLogits
from sandwich_env.oversight.line import Board, Line
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games

ValueOf = Callable[[Games, NDArray[np.int64]], NDArray[np.float32]]
"""The values of K unfinished positions for who is to move there, from these and the places [K] of the moves before."""


def worth_of(games: Games, moves: LegalLogits, values: ValueOf) -> NDArray[np.float64]:
    """What each of some moves is worth to the player who makes it, from -1 to 1, [M].

    A move that ends the game is worth its result, and nobody is asked about it. After any other the opponent is to
    move, so the value told is his.

    Args:
        games: N unfinished games, left as they are.
        moves: M of their legal moves; the logits are not looked at.
        values: who is asked.
    """

    def judge(children: Games, places: NDArray[np.int64]) -> NDArray[np.float64]:
        over, theirs = result_for_mover(children)
        going_on = np.flatnonzero(~over)
        if len(going_on):
            theirs[going_on] = values(children.select(going_on), places[going_on])
        return -theirs.astype(np.float64)

    return judge_children(games, moves, judge)


def pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> LegalLogits:
    """Two moves of each game as M = 2 N moves: the first and the second of one game, then those of the next."""
    actions = np.stack([first, second], axis=1).reshape(-1).astype(np.uint16)
    counts = np.full(len(first), 2, dtype=np.int64)
    return LegalLogits(actions, counts, np.zeros(len(actions), dtype=np.float32))


def values_by(expert: Expert) -> ValueOf:
    """The values that an expert gives."""

    def values(positions: Games, places: NDArray[np.int64]) -> NDArray[np.float32]:
        return expert.evaluate(positions).value

    return values


def values_told(line: Line, games: Games, moves: LegalLogits, rng: Streams) -> ValueOf:
    """The values that the advisor tells.

    Args:
        line: to the advisor.
        games: the N positions at the board.
        moves: the moves after which it is asked. The action tells a turn's questions apart, so that an answer depends
            neither on what else is asked nor on the order.
        rng: of the player who asks, a stream for each game.
    """
    rows = moves.rows()

    def values(positions: Games, places: NDArray[np.int64]) -> NDArray[np.float32]:
        part, at = moves.actions[places].astype(np.int64), rows[places]
        return line.ask(positions, rng.select(at), "value", part, Board(games, at)).value

    return values
