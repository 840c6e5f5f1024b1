"""Self-play: H plays itself, and nobody is asked. The control that should gain nothing."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer


class SelfPlay(Imitate):
    """H plays its own best moves, without advice, and learns these and how the games ended.

    As many games as a method that is advised, and as many steps where `learn.steps` sets them (by epochs, longer games
    are learnt from for longer): what H gains here is not A's doing.

    Args:
        temperature, explore_plies, explore_share, values: as in `Imitate`.
    """

    consults = False
    heeds: ClassVar = ()

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(ExpertPlayer(novice), novice)
