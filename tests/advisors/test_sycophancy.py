"""`Sycophancy`: how often, to whom, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_about, assert_same_advice, query, selected, some_games

from sandwich_env.advisors.base import Advisor, Honest, Query
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.sycophancy import Sycophancy
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

HONEST = Honest(Opinionated())


def proposing(games: Games, asks: str = "both") -> Query:
    """A query in which H would play some legal move or other, and hopes for 0.5."""
    asked = query(games, asks=asks)  # type: ignore[arg-type]
    hope = np.full(len(games), 0.5, dtype=np.float32)
    return replace(asked, proposal=np.where(games.finished, -1, games.sample(np.arange(len(games)) + 7)), hope=hope)


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.9])
def test_tampers_as_often_as_it_says(epsilon: float) -> None:
    advice = Sycophancy(HONEST, epsilon).advise(proposing(some_games(1500)))
    assert_about(int(advice.provenance.tampered.sum()), 1500, epsilon)
    assert set(advice.provenance.by) == {"", "sycophancy"}


def test_epsilon_0_is_honest_to_the_last_bit() -> None:
    asked = proposing(some_games(50))
    assert_same_advice(Sycophancy(HONEST, 0.0).advise(asked), HONEST.advise(asked))


def test_epsilon_1_agrees_with_whatever_h_says() -> None:
    asked = proposing(some_games(50))
    advice, true = Sycophancy(HONEST).advise(asked), HONEST.advise(asked)
    np.testing.assert_array_equal(advice.move, asked.proposal)
    np.testing.assert_array_equal(advice.value, asked.hope)
    np.testing.assert_array_equal(advice.policy.argmax(axis=1), asked.proposal)
    np.testing.assert_array_equal(np.sort(advice.policy, axis=1), np.sort(true.policy, axis=1))
    np.testing.assert_array_equal(advice.provenance.honest_move, true.move)
    np.testing.assert_array_equal(advice.provenance.honest_value, true.value)
    assert advice.provenance.tampered.all()


@pytest.mark.parametrize(("flatters", "changes"), [("move", ("move",)), ("value", ("value",))])
def test_it_flatters_with_one_part_alone(flatters: str, changes: tuple[str, ...]) -> None:
    asked = replace(proposing(some_games(30)), **{{"move": "hope", "value": "proposal"}[flatters]: None})
    advisor = Sycophancy(HONEST, flatters=flatters)  # type: ignore[arg-type]
    advice, true = advisor.advise(asked), HONEST.advise(asked)
    assert advisor.changes == changes
    assert np.array_equal(advice.move, true.move) == (flatters == "value")
    assert np.array_equal(advice.value, true.value) == (flatters == "move")
    assert advice.provenance.tampered.all()


@pytest.mark.parametrize("asks", ["move", "value"])
def test_what_was_not_asked_for_is_left_alone(asks: str) -> None:
    asked = proposing(some_games(30), asks)
    asked = replace(asked, **{{"move": "hope", "value": "proposal"}[asks]: None})  # nor need it be told
    advice, true = Sycophancy(HONEST).advise(asked), HONEST.advise(asked)
    assert np.array_equal(advice.move, true.move) == (asks == "value")
    assert np.array_equal(advice.value, true.value) == (asks == "move")


def test_players_who_do_not_say_are_left_alone() -> None:
    asked = proposing(some_games(40))
    silent, hopeless = np.arange(40) % 2 == 0, np.arange(40) % 4 < 2
    asked = replace(
        asked,
        proposal=np.where(silent, -1, asked.proposal),
        hope=np.where(hopeless, np.nan, asked.hope).astype(np.float32),
    )
    advice, true = Sycophancy(HONEST).advise(asked), HONEST.advise(asked)
    np.testing.assert_array_equal(advice.move, np.where(silent, true.move, asked.proposal))
    np.testing.assert_array_equal(advice.value, np.where(hopeless, true.value, asked.hope))
    np.testing.assert_array_equal(advice.provenance.tampered, ~(silent & hopeless))
    rows = np.flatnonzero(silent & hopeless)
    assert_same_advice(selected(advice, rows), selected(true, rows))


def test_finished_games_get_nothing() -> None:
    games = Games.from_fens([FOOLS_MATE, *some_games(2).fens()])
    advice = Sycophancy(HONEST).advise(proposing(games))
    assert advice.move[0] == -1
    assert advice.provenance.tampered.tolist() == [False, True, True]


def test_a_query_without_what_it_needs_is_refused() -> None:
    asked = proposing(some_games(3))
    for missing, flatters, what in (
        ("proposal", "move", "what the player would play itself"),
        ("hope", "value", "the value that the player hopes for"),
        ("hope", "both", "the value that the player hopes for"),
    ):
        advisor = Sycophancy(HONEST, flatters=flatters)  # type: ignore[arg-type]
        with pytest.raises(AdviceError, match=f"^'sycophancy' needs {what}, and nobody says so here: give `proposer`"):
            advisor.advise(replace(asked, **{missing: None}))


def test_a_proposal_that_is_not_legal_is_refused_with_the_position() -> None:
    asked = proposing(Games(3))
    assert asked.proposal is not None
    asked.proposal[1] = 3
    with pytest.raises(AdviceError, match=r"'sycophancy' was told .* would play 3, which is not legal in 'rnbqkbnr/"):
        Sycophancy(HONEST).advise(asked)


def test_a_hope_off_the_scale_is_refused_with_the_position() -> None:
    asked = proposing(Games(3))
    assert asked.hope is not None
    asked.hope[2] = 1.5
    with pytest.raises(AdviceError, match=r"'sycophancy' was told .* hopes for 1.5 in 'rnbqkbnr/.*between -1 and 1"):
        Sycophancy(HONEST).advise(asked)


def test_only_queries_that_are_due_need_what_it_needs() -> None:
    asked = query(some_games(10))
    advisor = Sycophancy(HONEST, when={"kind": "every_nth", "n": 2})
    assert_same_advice(advisor.advise(asked), HONEST.advise(asked))


@pytest.mark.parametrize("flatters", ["moves", "", None])
def test_what_it_flatters_with_is_checked(flatters: object) -> None:
    with pytest.raises(SpecError, match=f"flatters of 'sycophancy' is {flatters!r}: (did you mean 'move'|known: both)"):
        Sycophancy(HONEST, flatters=flatters)  # type: ignore[arg-type]


@pytest.mark.parametrize("epsilon", [0.0, 0.6, 1.0])
def test_it_keeps_the_contract(epsilon: float) -> None:
    check_advisor(Sycophancy(RandomMove(HONEST, 0.3), epsilon), positions=12)


def test_its_spec_goes_round() -> None:
    spec = {"kind": "sycophancy", "flatters": "move", "inner": {"kind": "honest", "expert": "uniform"}}
    advisor = from_spec(spec, Advisor)
    assert isinstance(advisor, Sycophancy)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()
