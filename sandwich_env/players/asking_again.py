"""A player that asks its advisor again before it follows a move that is not its own."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.line import Board, Line
from sandwich_env.players.gated import MOST_MARGIN
from sandwich_env.players.mirrored import mirrored
from sandwich_env.players.one_ply import pairs, values_told, worth_of
from sandwich_env.players.second_thoughts import SecondThoughts
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_number

By = Literal["same", "mirrored", "after"]


class AskingAgain(SecondThoughts):
    """Follows the advised move where further answers of the advisor bear it out.

    Args:
        expert: whose best move is the player's own, where it does not follow.
        line: to the advisor; None where there is nobody to ask: then nothing bears the advice out. With a line, the
            player has no spec.
        by: what it asks. "same": the move in the same position, `again` times; all must be the advised one. "mirrored":
            the move in the same game with the colours changed, once; it must be the advised one. "after": the values
            after the advised move and after the player's own, of which the advised one must be worth no less. It is not
            held against the value before the move: experts may think more highly of a position than of what their best
            move leads to, and honest moves would be refused.
        again: how often the same question is repeated.
        margin: by how much the advised move may be worth less, of values from -1 to 1.

    Raises:
        SpecError: another `by`, or a number out of range.
    """

    def __init__(
        self, expert: Expert, line: Line | None = None, by: By = "after", again: int = 1, margin: float = 0.0
    ) -> None:
        super().__init__(expert)
        self.line = line
        self.by = check_by(f"by of {self.kind!r}", by)
        self.again = check_count(f"again of {self.kind!r}", again)
        self.margin = check_number(f"margin of {self.kind!r}", margin, -MOST_MARGIN, MOST_MARGIN)

    def follows(
        self, games: Games, own: NDArray[np.int64], advised: NDArray[np.int64], rng: Streams
    ) -> NDArray[np.bool_]:
        if self.line is None:
            return np.zeros(len(games), dtype=np.bool_)
        agree: NDArray[np.bool_]
        if self.by == "after":
            moves = pairs(own, advised)
            worth = worth_of(games, moves, values_told(self.line, games, moves, rng))
            agree = worth[1::2] >= worth[::2] - self.margin
            return agree
        if self.by == "mirrored":
            # An action is written down as its mover sees the board, so the mirrored move is the same action.
            board = Board(games, np.arange(len(games)))
            agree = self.line.ask(mirrored(games), rng, "move", part=1, board=board).move == advised
            return agree
        rows = np.repeat(np.arange(len(games)), self.again)
        part = np.tile(np.arange(1, self.again + 1), len(games))
        said = self.line.ask(games.select(rows), rng.select(rows), "move", part).move
        agree = (said.reshape(len(games), self.again) == advised[:, None]).all(axis=1)
        return agree


def check_by(name: str, by: By) -> By:
    """The way to ask again as it was given.

    Raises:
        SpecError: there is none of that name.
    """
    if by not in get_args(By):
        raise SpecError(f"{name} is {by!r}: {did_you_mean(str(by), get_args(By))}")
    return by
