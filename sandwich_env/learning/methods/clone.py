"""Cloning: A is distilled into H at positions of H's own, and no game is learnt from."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Lesson, Targets, advised_moves
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer


class Clone(Imitate):
    """H plays itself without a look at the advice, and learns the move and the value that A stated wherever it asked.

    Behavioural cloning (Pomerleau 1991, "Efficient Training of Artificial Neural Networks for Autonomous
    Navigation"), and distillation (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network") but for the
    targets: A's best move, and not its policy, since no more is told. The games are there for their positions, which
    are those that H comes to by itself; how they end is never looked at. Whatever A gets wrong, H learns.

    Args:
        temperature, explore_plies, explore_share: as in `Imitate`. Advice is learnt in the explored plies as well.
        values: whether the stated values are learnt; if not, the method does not go by them.
    """

    heeds: ClassVar[tuple[Literal["move", "value"], ...]] = ("move", "value")

    def __init__(
        self, temperature: float = 1.0, explore_plies: int = 8, explore_share: float = 0.5, values: bool = True
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        self.heeds = ("move", "value") if values else ("move",)  # type: ignore[misc]

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(ExpertPlayer(novice), novice)

    def targets(self, lesson: Lesson) -> Targets:
        corpus = lesson.corpus
        moves = advised_moves(corpus)
        stated = corpus.asked & (corpus.advice_available[:, 1] == 1) & self.values
        return Targets(
            action=np.where(moves, corpus.advice_move, corpus.action),
            policy_weight=moves.astype(np.float32),
            value=np.where(stated, corpus.advice_value, 0.0).astype(np.float32),
            value_weight=stated.astype(np.float32),
        )
