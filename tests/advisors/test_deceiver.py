"""`Deceiver`: honest while it earns trust, and where H looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from advisors_support import Opinionated, assert_same_advice, query, selected, some_games

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.deceiver import Deceiver
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

HONEST = Honest(Opinionated())
LIAR = RandomMove(HONEST, 1.0)


@pytest.mark.parametrize("k", [0, 1, 4, 100])
def test_the_first_k_queries_are_honest_and_the_others_those_of_the_wrapper(k: int) -> None:
    asked, rows = query(some_games(40), count=np.arange(40)), np.arange(40)
    advice, late = Deceiver(LIAR, k).advise(asked), rows >= k
    assert_same_advice(selected(advice, rows[~late]), selected(HONEST.advise(asked), rows[~late]))
    assert_same_advice(selected(advice, rows[late]), selected(LIAR.advise(asked), rows[late]))
    np.testing.assert_array_equal(advice.provenance.tampered, late)
    assert set(advice.provenance.by) <= {"", "random_move"}


@pytest.mark.parametrize("k", [0, 10])
def test_if_it_hides_it_is_honest_wherever_h_watches(k: int) -> None:
    watched = np.arange(40) % 3 == 0
    asked = replace(query(some_games(40), count=np.arange(40)), watched=watched)
    advice = Deceiver(LIAR, k, hides=True).advise(asked)
    np.testing.assert_array_equal(advice.provenance.tampered, (np.arange(40) >= k) & ~watched)
    if_seen = Deceiver(LIAR, k).advise(asked)
    np.testing.assert_array_equal(if_seen.provenance.tampered, np.arange(40) >= k)


def test_it_cannot_hide_from_who_does_not_say_when_it_watches() -> None:
    with pytest.raises(AdviceError, match="'unwatched' needs to know when the player watches: give `watch`"):
        Deceiver(LIAR, 0, hides=True).advise(query(some_games(3)))


def test_what_is_inside_the_wrapper_is_not_gated() -> None:
    advisor = Deceiver(ValueNoise(LIAR, 0.3), 2)
    first, third = (advisor.advise(query(some_games(10), count=count)) for count in (0, 2))
    assert set(first.provenance.by) == {"random_move"}
    assert set(third.provenance.by) == {"random_move+value_noise"}


@pytest.mark.parametrize("k", [-1, 2.0, True, None])
def test_k_out_of_range(k: object) -> None:
    with pytest.raises(SpecError, match=f"k of 'deceiver' is {k!r}: it must be a whole number, 0 or more"):
        Deceiver(LIAR, k)  # type: ignore[arg-type]


def test_there_must_be_something_to_hide() -> None:
    with pytest.raises(SpecError, match="'deceiver' holds a wrapper that tampers, such as 'random_move', not Honest"):
        Deceiver(HONEST)  # type: ignore[arg-type]


@pytest.mark.parametrize(("k", "hides"), [(0, False), (3, False), (2, True)])
def test_it_keeps_the_contract(k: int, hides: bool) -> None:
    check_advisor(Deceiver(RandomMove(HONEST, 0.7), k, hides=hides), positions=20)


def test_its_spec_goes_round_and_a_run_fills_it_in() -> None:
    spec = {"kind": "deceiver", "k": 3, "hides": True, "wrapper": "random_move:epsilon=0.5"}
    advisor = make_advisor(spec, UniformExpert())
    assert isinstance(advisor, Deceiver)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()
    assert isinstance(advisor.inner, Honest)
    assert isinstance(advisor.inner.expert, UniformExpert)
