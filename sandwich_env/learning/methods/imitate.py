"""Imitation: play what A says, then learn to play so without it."""

from __future__ import annotations

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.explore import Explore
from sandwich_env.players.follow import FollowAdvice
from sandwich_env.specs import check_count, check_flag, check_scale, check_share


class Imitate(Method):
    """H follows A's move wherever it is given one, and learns the moves that it played and how the games ended.

    Without advice it learns from its own moves and results, which is the control: it should gain nothing.

    Args:
        temperature: of the moves that H chooses itself while it explores; 0 for its best one.
        explore_plies: how many plies from the start of a game H may explore in, so that no two games are the same.
        explore_share: the probability that it does so, at each of these plies; it does not look at the advice then.
            Such a move is no example of a good one: in these plies only the moves that A said are learnt.
        values: whether the results of the games are learnt; if not, only the moves are.
    """

    def __init__(
        self, temperature: float = 1.0, explore_plies: int = 8, explore_share: float = 0.5, values: bool = True
    ) -> None:
        self.temperature = check_scale(f"temperature of {self.kind!r}", temperature)
        self.explore_plies = check_count(f"explore_plies of {self.kind!r}", explore_plies, least=0)
        self.explore_share = check_share(f"explore_share of {self.kind!r}", explore_share)
        self.values = check_flag(f"values of {self.kind!r}", values)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(FollowAdvice(ExpertPlayer(novice)), novice)

    def targets(self, lesson: Lesson) -> Targets:
        corpus = lesson.corpus
        explored = (corpus.ply < self.explore_plies) & ~corpus.followed
        policy_weight = np.where(explored & (self.explore_share > 0), 0.0, 1.0)
        result = corpus.result
        return Targets(
            action=corpus.action,
            policy_weight=policy_weight.astype(np.float32),
            value=np.nan_to_num(result),
            value_weight=(np.isfinite(result) & self.values).astype(np.float32),
        )

    def exploring(self, player: Player, novice: Expert) -> Player:
        """A player who explores in some of the first plies of its games, and otherwise plays as another."""
        explorer = ExpertPlayer(novice, self.temperature)
        return Explore(player, explorer, plies=self.explore_plies, share=self.explore_share)
