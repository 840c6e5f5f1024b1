"""Advice that contradicts itself: the value that it states is not that of the move that it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec

States = Literal["another_move", "opposite"]

_RULED_OUT = np.float32(-1e30)
"""Stands for the logit -inf of a legal move that an expert rules out altogether."""


class Incoherent(Wrapper):
    """Gives, with probability `epsilon`, the move with a value that does not belong to it.

    What a person who compares the parts of an answer could find out; consistency checks on models that play chess are
    the subject of Fluri, Paleka and Tramèr 2023, "Evaluating Superhuman Models with Consistency Checks"
    (arXiv:2306.09983). Where the value alone is asked for, it is changed all the same.

    Args:
        states: "another_move": what the position would be worth after the legal move that is liked least, as the
            advisor inside all wrappers says (one more position for it to judge); a position with one legal move has no
            other, and is left alone. "opposite": the value with its sign turned around.
        inner, epsilon, seed, when: see `Wrapper`.

    Raises:
        SpecError: `states` is neither.
    """

    changes = ("value",)

    def __init__(
        self,
        inner: Advisor,
        epsilon: float = 1.0,
        seed: int = 0,
        when: Schedule | Spec = "always",
        states: States = "another_move",
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        if states not in get_args(States):
            raise SpecError(f"states of {self.kind!r} is {states!r}: {did_you_mean(str(states), get_args(States))}")
        self.states = states

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        if self.states == "opposite":
            return advice.tampered(by=self.kind, value=0.0 - advice.value)
        rows = np.flatnonzero(query.games.legal_counts > 1)
        if len(rows) == 0:
            return advice
        value = advice.value.copy()
        value[rows] = self._after_another(advice.select(rows), query.select(rows))
        return advice.tampered(query.games.legal_counts > 1, by=self.kind, value=value)

    def _after_another(self, advice: Advice, query: Query) -> NDArray[np.float32]:
        """The value for the mover after the least liked move other than the one that is advised, [N]."""
        legal = advice.legal_logits(query.games)
        advised = legal.actions == np.repeat(advice.move, legal.counts)
        worst = legal.with_logits(np.where(advised, -np.inf, -np.maximum(legal.logits, _RULED_OUT))).best()
        games = query.games.copy()
        games.step(worst)
        hope = None if query.hope is None else -query.hope
        after = replace(query, games=games, asks="value", proposal=None, hope=hope)
        source = self.inner
        while isinstance(source, Wrapper):
            source = source.inner
        return 0.0 - source.advise(after).value
