"""The check of an advisor passes what is right and catches what is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sandwich_env.advisors.base import Advice, Advisor, Honest, Query, Wrapper
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.errors import AdviceError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams
from sandwich_env.testing import check_advisor
from sandwich_env.testing.advisor import sample_query


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


class NewStyle(Wrapper):
    """As the page on advisors has it: the base class draws epsilon and asks the schedule."""

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0) -> None:
        super().__init__(inner, seed, epsilon)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, move=last_legal(query))


def test_one_that_leaves_its_epsilon_to_the_base_class_passes() -> None:
    check_advisor(NewStyle(honest(), 0.5), positions=8)


@pytest.mark.slow
def test_a_process_started_anew_gives_the_same_answers() -> None:
    check_advisor(RandomMove(honest(), 0.5), positions=4, in_process=True)


class Illegal(NewStyle):
    """Recommends what is no legal move."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, move=np.full(len(query), 4671))


class NoAction(NewStyle):
    """Recommends what is no action at all."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, move=np.full(len(query), 10_000))


class TooFew(NewStyle):
    """Answers about one game fewer than it was asked about."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, move=advice.move[:-1])


class Narrow(NewStyle):
    """A policy of too few columns."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, policy=advice.policy[:, :7])


class Silent(NewStyle):
    """Forgets to answer."""

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (Illegal, r"Illegal' recommends 4671, which is not legal in 'rnbqkbnr/"),
        (NoAction, r"NoAction' recommends 10000, which is not legal in 'rnbqkbnr/"),
        (TooFew, r"TooFew' gives move of shape \(23,\) for 24 games"),
        (Narrow, r"Narrow' gives a policy of shape \(24, 7\): it must be \(24, 4672\)"),
        (Silent, r"Silent' answers with None: an advisor gives an Advice"),
    ],
)
def test_whoever_answers_wrongly_is_named_with_the_position(broken: type[NewStyle], says: str) -> None:
    """Also where it is wrapped in others that are right."""
    with pytest.raises(AssertionError, match=says):
        check_advisor(RandomMove(broken(honest(), 1.0), 0.0))
    with pytest.raises(AdviceError, match=says):
        broken(honest(), 1.0).advise(sample_query(24, 0))


class Drifting(NewStyle):
    """What a copy does depends on a number that a spec does not hold."""

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0) -> None:
        super().__init__(inner, epsilon=epsilon, seed=seed)
        self._hidden = 0

    def turned(self) -> Drifting:
        self._hidden = 1
        return self

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice.tampered(by=self.kind, value=np.full(len(query), 0.25 * self._hidden))


class NoPickle(NewStyle):
    """Holds what cannot go to another process."""

    def __init__(self, inner: Advisor, epsilon: float, seed: int = 0) -> None:
        super().__init__(inner, epsilon=epsilon, seed=seed)
        self._function = lambda: None


def test_what_a_copy_does_otherwise_is_caught() -> None:
    with pytest.raises(
        AssertionError, match=r"Drifting: read back from its spec, the advisor gives another value .* in 'rnbqkbnr"
    ):
        check_advisor(Drifting(honest(), 1.0).turned())
    with pytest.raises(AssertionError, match="NoPickle: it cannot be pickled for a worker process"):
        check_advisor(NoPickle(honest(), 1.0))
    with pytest.raises(AssertionError, match="Changed: it cannot be written down as a spec and read back"):
        check_advisor(Changed(nothing))


def nothing(advice: Advice, query: Query) -> Advice:
    return advice


class Telling(Advice):
    """Shows the player in the value whether it was tampered with."""

    def visible(self, asks: Any) -> Any:
        seen = super().visible(asks)
        return replace(seen, value=seen.value + 1e-3 * self.provenance.tampered.astype(np.float32))


def test_a_truth_that_can_be_seen_is_caught() -> None:
    with pytest.raises(AssertionError, match="the value that the player sees depends on the truth behind it"):
        check_advisor(Changed(lambda advice, query: Telling(**vars(advice))))


def test_what_is_asked_holds_all_that_a_query_may() -> None:
    query = sample_query(24, 0)
    assert query.proposal is not None
    assert query.games.are_legal(query.proposal)[query.proposal >= 0].all()
    assert 0 < (query.proposal == -1).sum() < 20
    assert query.hope is not None
    assert 0 < np.isnan(query.hope).sum() < 20
    assert query.watched is not None
    assert 0 < query.watched.sum() < 25
    assert query.rating is not None
    assert 0 < np.isnan(query.rating).sum() < 20
    assert query.lies is not None
    assert (query.lies <= query.count).all()
    assert query.lies.max() > 0


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
    [
        (NeverHonest, "NeverHonest: with epsilon=0 the move is"),
        (HonestButNoted, "with epsilon=0 provenance says that 24 answers"),
    ],
)
def test_a_dial_that_is_not_honest_at_zero_is_caught(broken: type[WorstMove], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_advisor(broken(honest(), 0.5))
