"""Which game a search was about: for trees that are kept from one search to the next, and for noise of its own."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import Games

LOOK_BACK = 16
"""Plies that may have been played since a tree was kept. A few hundred simulations look no further ahead."""

Nodes = NDArray[np.void]


@dataclass(frozen=True)
class Line:
    """All that a game's future depends on.

    Attributes:
        start: the FEN that it began from.
        max_plies: after which it is drawn.
        claim_draws: whether claimable draws end it.
        moves: the actions played, two bytes each.
    """

    start: str
    max_plies: int
    claim_draws: bool
    moves: bytes

    def before(self, plies: int) -> Line:
        """The line so many plies ago."""
        return replace(self, moves=self.moves[: len(self.moves) - 2 * plies])

    def last(self, plies: int) -> NDArray[np.uint16]:
        """The last actions, [plies]."""
        return np.frombuffer(self.moves, dtype=np.uint16)[len(self.moves) // 2 - plies :]

    def digest(self) -> int:
        """64 bits that stand for the line."""
        text = f"{self.start}|{self.max_plies}|{self.claim_draws}|".encode()
        return int.from_bytes(hashlib.blake2b(text + self.moves, digest_size=8).digest(), "little")


def lines_of(games: Games) -> list[Line]:
    """Each game's line, [N]."""
    return [
        Line(start, games.max_plies, games.claim_draws, games.played(i).astype(np.uint16).tobytes())
        for i, start in enumerate(games.start_fens())
    ]


class TreeMemory:
    """The trees of the positions that were searched last.

    Args:
        size: how many are kept; the one that was not used for the longest time goes first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._trees: OrderedDict[Line, Nodes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._trees)

    def find(self, line: Line) -> tuple[Line, Nodes, int] | None:
        """The nearest position before `line`, or itself, whose tree is kept: its line, tree and how many plies ago."""
        for plies in range(min(LOOK_BACK, len(line.moves) // 2) + 1):
            earlier = line.before(plies)
            if earlier in self._trees:
                return earlier, self._trees[earlier], plies
        return None

    def forget(self, lines: Iterable[Line]) -> None:
        """Drop trees that others have come out of."""
        for line in lines:
            self._trees.pop(line, None)

    def keep(self, line: Line, tree: Nodes) -> None:
        """Keep a tree, as the latest."""
        self._trees[line] = tree
        self._trees.move_to_end(line)
        while len(self._trees) > self.size:
            self._trees.popitem(last=False)

    def clear(self) -> None:
        """Drop all trees."""
        self._trees.clear()
