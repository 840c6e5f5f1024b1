"""A fixed preference: an expert with a taste of its own, whatever the position asks for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sandwich_env.advisors import preferences
from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec, check_number

_ENOUGH = 1000.0  # logits: nothing overrules so much, and the policy behind it keeps its digits


class Bias(Wrapper):
    """Adds weight * preference(move) to the logits of the legal moves, then recommends the best.

    A systematic error, beside the random ones: what a learned judge does that has come to like a feature for itself,
    as reward models like length (Singhal et al. 2023, "A Long Way to Go", arXiv:2310.03716).

    Args:
        preference: a piece that it likes to move ("pawn" to "king"); "captures"; "checks"; "kingside" or "queenside",
            moves that end on the files e-h or a-d; "draws": 1 for a move that draws by the rules, 1/2 for one that
            repeats a position of the game, else the share of all material that it takes off the board; or a function
            of the user's, "my_module:function", of a `chess.Board` and a `chess.Move`. All others score 1 or 0.
        weight: in logits; 0 is no bias, a negative one an aversion, more than 1000 as much as 1000.
        inner, epsilon, seed, when: see `Wrapper`.

    Raises:
        SpecError: there is no such preference, or the weight is no finite number.
    """

    dials: ClassVar = {"weight": (0.0, float("inf")), "epsilon": (0.0, 1.0)}
    changes = ("move",)

    def __init__(
        self,
        inner: Advisor,
        preference: str,
        weight: float,
        epsilon: float = 1.0,
        seed: int = 0,
        *,
        when: Schedule | Spec = "always",
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        preferences.find(preference)
        self.preference, self.weight = preference, check_number(f"weight of {self.kind!r}", weight)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.weight == 0:
            return advice
        legal = advice.legal_logits(query.games)
        liking = np.clip(self.weight, -_ENOUGH, _ENOUGH) * preferences.find(self.preference)(query.games, legal)
        return advice.tampered(by=self.kind, policy=legal.with_logits(legal.logits + liking))
