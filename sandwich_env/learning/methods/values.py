"""Values alone: H is told no moves, but what the positions after its moves are worth, and chooses for itself."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Lesson, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.looking_ahead import LookingAhead
from sandwich_env.specs import check_flag


class Values(Imitate):
    """At its asking turns H asks A for the value after each legal move, plays the best, and learns these moves.

    A search of one ply with another's values (Shannon 1950, "Programming a Computer for Playing Chess"). Whoever values
    positions one by one cannot hide a bad move behind a good word about the position before it; to mislead, it must say
    that the position after the bad move is good. At other turns H plays its own best move.

    Args:
        own_moves: whether H learns its own moves as well, from the turns at which it did not ask.
        temperature, explore_plies, explore_share, values: as in `Imitate`. H asks nothing where it explores, and the
            games do not tell where it did: it learns no move of those plies, and their results alone.
    """

    heeds: ClassVar = ("value",)

    def __init__(
        self,
        own_moves: bool = False,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        self.own_moves = check_flag(f"own_moves of {self.kind!r}", own_moves)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(LookingAhead(novice, line), novice)

    def targets(self, lesson: Lesson) -> Targets:
        corpus = lesson.corpus
        told = corpus.asked & (corpus.advice_available == 1).any(axis=1)
        chosen = told | self.own_moves
        explored = (corpus.ply < self.explore_plies) & (self.explore_share > 0)
        weight = np.where(chosen & ~explored, 1.0, 0.0).astype(np.float32)
        return replace(super().targets(lesson), policy_weight=weight)
