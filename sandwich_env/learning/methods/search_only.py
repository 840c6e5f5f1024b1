"""Search instead of advice: H thinks longer, and nobody is asked. The control for compute."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.experts.base import Expert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.specs import check_count


class SearchOnly(Imitate):
    """H plays by a search with its own network, without advice, and learns the moves searched and how the games ended.

    Expert iteration (Anthony et al. 2017, "Thinking Fast and Slow with Deep Learning and Tree Search"; AlphaZero,
    Silver et al. 2018), but for the targets: the moves played, as with an advisor's, and not their shares of visits.

    Compute is the same where a move costs as many evaluations of a network, H's or E's, of one architecture. Here
    it costs `simulations` of them at the most. In `imitate` it costs 1, A's; in `gate` and in `ask_again` by the
    values after, 2, and 2 more (twice its `simulations` in `gate`) where H is advised another move than its own; in
    `values` 1, A's answer to the protocol, and one for each legal move, about 30.

    Args:
        simulations: visits of the root in each search, its own evaluation included; 1 is no search.
        temperature, explore_plies, explore_share, values: as in `Imitate`. H explores without a search.
    """

    consults = False
    heeds: ClassVar = ()

    def __init__(
        self,
        simulations: int = 16,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        self.simulations = check_count(f"simulations of {self.kind!r}", simulations)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return self.exploring(ExpertPlayer(SearchExpert(novice, self.simulations)), novice)
