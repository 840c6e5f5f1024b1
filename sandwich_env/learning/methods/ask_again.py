"""Asking again: H follows a move that is not its own where further answers of A bear it out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Lesson, Targets
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.asking_again import AskingAgain, By, check_by
from sandwich_env.players.base import Player
from sandwich_env.players.gated import MOST_MARGIN
from sandwich_env.specs import check_count, check_flag, check_number


class AskAgain(Imitate):
    """H asks A once more where it is advised another move than its own, follows if the answers agree, and learns that.

    Cross-examination: whoever makes things up contradicts itself sooner than whoever tells what it knows. Fluri et al.
    2024 ("Evaluating Superhuman Models with Consistency Checks") hold a chess engine's answers about a position against
    those about its mirror image, and about the position after its best move. It finds out an A that lies now and then,
    or in one part of its answers, and no A whose lies match. The shipped E answers a position and its mirror image
    nearly alike, but not to the bit.

    Args:
        by: "same", "mirrored" or "after", as in the player `AskingAgain`: the move of the same position again, of its
            mirror image, or the values after A's move and after H's own.
        again: how often "same" repeats its question; all the answers must agree.
        margin: by how much "after" lets the advised move be worth less, of values from -1 to 1.
        own_moves: whether H learns its own moves as well, where it did not follow.
        temperature, explore_plies, explore_share, values: as in `Imitate`. An advised move that H hit upon while it
            explored counts as followed; it asks nothing there.
    """

    heeds: ClassVar[tuple[Literal["move", "value"], ...]] = ("move", "value")

    def __init__(
        self,
        by: By = "after",
        again: int = 1,
        margin: float = 0.0,
        own_moves: bool = False,
        *,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        self.heeds = ("move", "value") if by == "after" else ("move",)  # type: ignore[misc]
        self.by = check_by(f"by of {self.kind!r}", by)
        self.again = check_count(f"again of {self.kind!r}", again)
        self.margin = check_number(f"margin of {self.kind!r}", margin, -MOST_MARGIN, MOST_MARGIN)
        self.own_moves = check_flag(f"own_moves of {self.kind!r}", own_moves)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(AskingAgain(novice, line, self.by, self.again, self.margin), novice)

    def targets(self, lesson: Lesson) -> Targets:
        targets = super().targets(lesson)
        if self.own_moves:
            return targets
        return replace(targets, policy_weight=targets.policy_weight * lesson.corpus.followed)
