"""Trust: H works out which of A's moves to believe, and learns each by as much."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.learning.methods.base import Lesson, Targets, advised_moves
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.opinions import Opinions, opinions
from sandwich_env.learning.methods.reliability import both, honest_moves, rewarding_moves
from sandwich_env.specs import check_flag, check_scale

Evidence = Literal["moves", "outcomes", "both"]


class Trust(Imitate):
    """H plays as in `Imitate`; afterwards it judges each advised move, and learns it by as much as it believes it.

    By "moves", an advised move is honest with a probability that is learnt, and then drawn from H's own policy,
    sharpened or softened; otherwise it is any legal move. Each move's trust is the posterior that it is honest (Dawid
    and Skene 1979; `mixture`). This finds an A that plays at random now and then, by what looks odd to H. A good move
    that looks odd to H is believed less, too, and a lie that looks plausible is believed.

    By "outcomes", H learns from the results whether the games go better than it expected after such a move, by how
    the move looks to it (`rewarding_moves`); 0.5 is as good as a move of its own. Results are few and say little of a
    single move: with tens of games this is no better than chance.

    By "both", the two count as independent evidence.

    Args:
        by: "moves", "outcomes" or "both".
        honest_temperature: of H's policy in "moves", above 0; without it, the likeliest of nine from 1/4 to 4.
        ridge: how strongly the coefficients of "outcomes" are held at 0, above 0; a game counts as one observation.
        own_moves: whether H learns its own moves as well, where it was advised none or did not follow.
        temperature, explore_plies, explore_share, values: as in `Imitate`.
    """

    def __init__(
        self,
        by: Evidence = "moves",
        honest_temperature: float | None = None,
        ridge: float = 1.0,
        own_moves: bool = True,
        *,
        temperature: float = 1.0,
        explore_plies: int = 8,
        explore_share: float = 0.5,
        values: bool = True,
    ) -> None:
        super().__init__(temperature, explore_plies, explore_share, values)
        if by not in get_args(Evidence):
            raise SpecError(f"by of {self.kind!r} is {by!r}: {did_you_mean(str(by), get_args(Evidence))}")
        self.by = by
        self.honest_temperature = honest_temperature
        if honest_temperature is not None:
            self._above_zero("honest_temperature", honest_temperature)
        self.ridge = self._above_zero("ridge", ridge)
        self.own_moves = check_flag(f"own_moves of {self.kind!r}", own_moves)
        self._latest: tuple[Lesson, NDArray[np.float32]] | None = None

    def targets(self, lesson: Lesson) -> Targets:
        return self.weigh(lesson, super().targets(lesson))

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        """Advised moves count by as much as they are believed, all others once or not at all."""
        corpus = lesson.corpus
        advised = advised_moves(corpus) & (targets.action == corpus.advice_move)
        share = np.where(advised, self.trust(lesson), float(self.own_moves))
        return replace(targets, policy_weight=(targets.policy_weight * share).astype(np.float32))

    def trust(self, lesson: Lesson) -> NDArray[np.float32]:
        # The targets and whoever keeps score ask about the same lesson, and H is slow to look at all of it twice.
        if self._latest is None or self._latest[0] is not lesson:
            self._latest = (lesson, self._judged(lesson))
        return self._latest[1].copy()

    def _judged(self, lesson: Lesson) -> NDArray[np.float32]:
        corpus = lesson.corpus
        advised = advised_moves(corpus)
        trust = np.full(len(corpus), np.nan, dtype=np.float32)
        if not advised.any():
            return trust
        moves = np.where(advised, corpus.advice_move, corpus.action)
        rows = advised if self.by == "moves" else np.ones(len(corpus), dtype=np.bool_)
        seen = opinions(corpus, lesson.novice, moves, rows)
        asked = advised[seen.rows]
        believed = np.full(len(seen), 0.5)
        if self.by in ("outcomes", "both"):
            believed = rewarding_moves(corpus, seen, asked, self.ridge)
        if self.by in ("moves", "both"):
            believed[asked] = both(believed[asked], self._honest(seen.select(asked)))
        trust[seen.rows[asked]] = np.where(seen.legal, believed, 0.0)[asked]
        return trust

    def _honest(self, advised: Opinions) -> NDArray[np.float64]:
        """How likely each of K advised moves is honest; 0 where it is not even legal."""
        honest = np.zeros(len(advised))
        found, _ = honest_moves(advised.select(advised.legal), self.honest_temperature)
        honest[advised.legal] = found.posterior
        return honest

    def _above_zero(self, name: str, value: float) -> float:
        if check_scale(f"{name} of {self.kind!r}", value) == 0:
            raise SpecError(f"{name} of {self.kind!r} is 0: it must be above 0")
        return value
