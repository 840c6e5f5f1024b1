"""The worst move: an expert that knows what is right, and prefers what is wrong.

The lower end of what an adviser's moves can do in one ply: it minimises the value that a player maximises (Shannon
1950, "Programming a Computer for Playing Chess"), as the bot WorstFish does with Stockfish's. It loses at once rather
than cleverly, and anyone who looks can see it: what a subtle adversary is measured against.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.children import judge_children, legal_moves
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.experts.uci import UciExpert
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

By = Literal["children", "policy"]

LOGITS_PER_RESULT = 20.0
"""Logits that one expected result is worth: those of `UciExpert` at its default temperature."""

TIE = 1e-3
"""Most logits by which the expert's own policy tells moves apart that are equally bad by the positions after them."""


class WorstMoveExpert(Expert):
    """Prefers the legal moves in the reverse of another expert's order; its value is that expert's, and true.

    Args:
        expert: who knows what is right.
        by: how moves are judged. "children": by that expert's value of the position after each of them, so that the
            worst move is the one after which the opponent stands best. Every legal move is looked at, which costs as
            many evaluations, and an engine needs no more than multipv=1 for it; among equals (several ways to be mated)
            the one that the expert's policy likes least is the worst. "policy": by the expert's own policy, which costs
            nothing more. A network's policy knows good moves, and tells bad ones from worse ones less well; an engine
            must score every move: multipv="all".

    Raises:
        SpecError: another `by`, or "policy" with an engine that scores some of the moves only.
    """

    def __init__(self, expert: Expert, by: By = "children") -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        if by not in get_args(By):
            raise SpecError(f"'worst' has no by={by!r}: {did_you_mean(str(by), get_args(By))}")
        if by == "policy" and isinstance(self.expert, UciExpert) and self.expert.multipv != "all":
            raise SpecError(
                f"'worst' by='policy' needs an engine that scores every legal move, with multipv='all', not "
                f"{self.expert.multipv!r}: the worst of some moves is not the worst"
            )
        self.by = by

    def evaluate(self, games: Games) -> Evaluation:
        evaluation = self.expert.evaluate(games)
        moves = legal_moves(games)
        liked = logits_of(evaluation, moves)
        if self.by == "policy":
            return Evaluation(policy=as_policy(moves.with_logits(-liked)), value=evaluation.value)
        worth = judge_children(games, moves, self._value_of)
        # What the policy adds lies between 0 and TIE, whatever its scale.
        logits = LOGITS_PER_RESULT * worth + TIE / (1.0 + np.exp(np.clip(liked, -30.0, 30.0)))
        return Evaluation(policy=as_policy(moves.with_logits(logits)), value=evaluation.value)

    def _value_of(self, children: Games, places: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.expert.evaluate(children).value.astype(np.float64)

    def close(self) -> None:
        self.expert.close()


def logits_of(evaluation: Evaluation, moves: LegalLogits) -> NDArray[np.float64]:
    """What an expert's policy gives to each legal move, float64 [M]."""
    legal = evaluation.legal
    if legal is not None and legal.same_actions(moves):
        return legal.logits.astype(np.float64)
    return evaluation.policy[moves.rows(), moves.actions].astype(np.float64)
