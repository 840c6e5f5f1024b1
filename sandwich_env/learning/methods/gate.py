"""The gate: H follows advice where its own values have nothing against it."""

from __future__ import annotations

from dataclasses import replace

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Lesson, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.gated import MOST_MARGIN, Gated
from sandwich_env.specs import check_count, check_flag, check_number


class Gate(Imitate):
    """H follows advice unless it thinks itself worse off after it than after its own move, and learns what it followed.

    At each position the better of A's policy and H's own: the maximum over policies, state by state, that MAMBA
    competes with (Cheng, Kolobov and Agarwal 2020, "Policy Improvement via Imitation of Multiple Oracles"). But the
    values are H's, and no better than H: the gate keeps out what H sees to be bad.

    Args:
        margin: by how much H may think itself worse off, of values from -1 to 1. The shipped H's values hardly differ
            from move to move, so that 0.1 lets nearly everything through.
        simulations: visits of a search from each of the two positions; 0 for H's values as they are.
        own_moves: whether H learns its own moves as well, where it did not follow.
        temperature, explore_plies, explore_share, values: as in `Imitate`. An advised move that H hit upon while it
            explored counts as followed.
    """

    def __init__(
        self,
        margin: float = 0.0,
        simulations: int = 0,
        own_moves: bool = False,
        *,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        self.margin = check_number(f"margin of {self.kind!r}", margin, -MOST_MARGIN, MOST_MARGIN)
        self.simulations = check_count(f"simulations of {self.kind!r}", simulations, least=0)
        self.own_moves = check_flag(f"own_moves of {self.kind!r}", own_moves)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(Gated(novice, self.margin, self.simulations), novice)

    def targets(self, lesson: Lesson) -> Targets:
        targets = super().targets(lesson)
        if self.own_moves:
            return targets
        return replace(targets, policy_weight=targets.policy_weight * lesson.corpus.followed)
