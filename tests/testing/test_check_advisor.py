"""The check of an advisor passes what is right and catches what is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sandwich_env.advisors.base import Advice, Advisor, Honest, Query, Wrapper
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams
from sandwich_env.testing import check_advisor


def honest() -> Honest:
    return Honest(UniformExpert())


class WorstMove(Wrapper):
    """A right one, as a user would write it: now and then the last legal move in the place of the best."""

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0) -> None:
        super().__init__(inner, seed)
        self.epsilon = epsilon

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        legal = query.games.legal_mask()
        last = legal.shape[1] - 1 - np.argmax(legal[:, ::-1], axis=1)
        return advice.tampered(rng.random() < self.epsilon, by="worst_move", move=last)


@pytest.mark.parametrize("advisor", [honest(), WorstMove(honest(), 0.5), WorstMove(WorstMove(honest(), 0.3), 0.3, 1)])
def test_a_right_advisor_passes(advisor: Advisor) -> None:
    check_advisor(advisor)


class Changed(Advisor):
    """Honest, but for what a function makes of its advice."""

    def __init__(self, change: Callable[[Advice, Query], Advice]) -> None:
        self.change = change

    def advise(self, query: Query) -> Advice:
        return self.change(honest().advise(query), query)


def truth(advice: Advice, **parts: Any) -> Advice:
    return replace(advice, provenance=replace(advice.provenance, **parts))


def last_legal(query: Query) -> Any:
    legal = query.games.legal_mask()
    return np.where(legal.any(axis=1), legal.shape[1] - 1 - np.argmax(legal[:, ::-1], axis=1), -1)


def by_place(advice: Advice, query: Query) -> Advice:
    """Depends on the place in the batch."""
    rows = np.arange(len(query)) % 2 == 1
    return advice.tampered(rows, by="by_place", move=last_legal(query))


def by_size(advice: Advice, query: Query) -> Advice:
    """Depends on how many games are asked about."""
    return advice.tampered(np.full(len(query), len(query) == 1), by="by_size", move=last_legal(query))


_GLOBAL = np.random.default_rng(0)


def by_chance(advice: Advice, query: Query) -> Advice:
    """Depends on a generator that is not the query's."""
    return advice.tampered(_GLOBAL.random(len(query)) < 0.5, by="by_chance", move=last_legal(query))


def plays_on(advice: Advice, query: Query) -> Advice:
    """Plays its advice on the board."""
    query.games.step(advice.move)
    return advice


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (by_place, "in another order, the advisor gives another move|alone, game"),
        (by_size, "alone, game 0, the advisor gives another move"),
        (by_chance, "asked again, the advisor gives another move"),
        (plays_on, "asking the advisor changed the games"),
        (lambda a, q: replace(a, move=a.move[:-1]), r"move has the shape \(24,\), not \(25,\)"),
        (lambda a, q: replace(a, move=a.move.astype(np.int32)), "move has the dtype int32, not int64"),
        (lambda a, q: replace(a, value=a.value.tolist()), "value is a list, not an array"),
        (lambda a, q: replace(a, policy=a.policy[:, :100]), r"policy has the shape \(25, 100\)"),
        (lambda a, q: replace(a, move=np.where(a.move < 0, 5, a.move)), "in a finished game"),
        (lambda a, q: replace(a, move=np.where(a.move < 0, -1, 4672)), "the move 4672 in .*: it must be an action"),
        (lambda a, q: replace(a, move=np.where(a.move < 0, -1, 3)), "the move 3, which is not legal"),
        (lambda a, q: replace(a, value=a.value + np.float32(2)), "the value .*: it must lie between -1 and 1"),
        (lambda a, q: replace(a, policy=np.zeros_like(a.policy)), "which are not legal"),
        (lambda a, q: replace(a, value=a.value + np.float32(0.1)), "provenance says that nobody tampered with it"),
        (lambda a, q: replace(a, move=last_legal(q)), "provenance says that nobody tampered with it"),
        (lambda a, q: truth(a, tampered=~a.provenance.tampered), "tampered with, but provenance says by nobody"),
        (
            lambda a, q: truth(a, by=np.full(len(q), "me", dtype=object)),
            "not tampered with, but provenance says by 'me'",
        ),
        (lambda a, q: truth(a, tampered=a.provenance.tampered.astype(int)), "provenance.tampered has the dtype int64"),
    ],
)
def test_a_broken_advisor_is_caught(change: Callable[[Advice, Query], Advice], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_advisor(Changed(change))


class ShowsAll(Advice):
    """Shows the whole advice whatever was asked for."""

    def visible(self, asks: Any) -> Any:
        return super().visible("both")


def test_an_advice_that_shows_what_was_not_asked_for_is_caught() -> None:
    def show(advice: Advice, query: Query) -> Advice:
        return ShowsAll(**vars(advice))

    with pytest.raises(AssertionError, match="a move is shown to who asked for a value only"):
        check_advisor(Changed(show))


class NeverHonest(WorstMove):
    """Its dial has no zero."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        rows = rng.random() < max(self.epsilon, 0.4)
        return advice.tampered(rows, by="never_honest", move=last_legal(query))


class HonestButNoted(WorstMove):
    """At zero it tampers with nothing, and says that it does."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(np.ones(len(query), dtype=np.bool_), by="noted", move=advice.move)


@pytest.mark.parametrize(
    ("broken", "says"),
    [(NeverHonest, "with epsilon=0 the moves are"), (HonestButNoted, "with epsilon=0 provenance says that 24 answers")],
)
def test_a_dial_that_is_not_honest_at_zero_is_caught(broken: type[WorstMove], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_advisor(broken(honest(), 0.5))
