"""Asking as an action where an agent has the advisor's seat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asking_support import ASK_MOVE, ASK_VALUE, LYING, MOVES, choose, on_demand, options

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.advisor_seat import AdvisedPly, AdvisorPolicy
from sandwich_env.errors import GameOverError, IllegalActionError
from sandwich_env.testing.aec import check_aec
from sandwich_env.testing.equality import assert_same
from sandwich_env.testing.seeds import check_seeds

ADVISOR = "advisor_0"


def seated(**more: Any) -> Any:
    return sandwich_chess_v0.env(**options(advisor="agent", **more))


def play(env: Any, policy: AdvisorPolicy | None = None) -> list[Any]:
    """All that the players are told in a game of moves and questions."""
    told: list[Any] = []
    rng = np.random.default_rng(3)
    env.reset(seed=5)
    for agent in env.agent_iter():
        seen, reward, terminated, truncated, info = env.last()
        if agent != ADVISOR:
            told.append((agent, seen, reward, terminated, truncated, info))
        if terminated or truncated:
            env.step(None)
        elif agent == ADVISOR:
            assert policy is not None
            env.step(policy(env))
        else:
            env.step(choose(seen["action_mask"], rng))
    return told


def test_a_question_is_the_turn_of_the_agent_in_the_seat() -> None:
    env = seated(protocol=on_demand(3, cost=0.125))
    env.reset(seed=0)
    assert env.agent_selection == "player_0"
    env.step(ASK_VALUE)
    assert env.agent_selection == ADVISOR
    assert env.rewards == {"player_0": -0.125, "player_1": 0.0, ADVISOR: 0.0}
    seen = env.observe(ADVISOR)
    assert env.observation_space(ADVISOR).contains(seen)
    assert seen["action_mask"].shape == (MOVES,)
    assert (seen["asker"].tolist(), seen["asked_for"].tolist()) == ([1, 0], [0, 1])
    assert not env.observe("player_0")["action_mask"].any()
    env.step({"move": 0, "value": np.array([0.5], dtype=np.float32)})  # the move, which nobody asked for, may be any
    seen, reward, *_ = env.last()
    assert (env.agent_selection, reward) == ("player_0", -0.125)
    assert (seen["advice_value"].tolist(), seen["advice_available"].tolist()) == ([0.5], [0, 1])
    assert seen["queries_left"].tolist() == [2]
    env.step(ASK_MOVE)
    assert env.observe(ADVISOR)["asked_for"].tolist() == [1, 0]
    move = env.sample_action(4)["move"]
    env.step({"move": move, "value": np.array([0.0], dtype=np.float32)})
    assert int(env.observe("player_0")["advice_move"]) == move


def test_where_nobody_asks_the_agent_has_no_turn() -> None:
    env = seated(protocol=on_demand(0))
    env.reset(seed=0)
    for _ in range(6):
        assert env.agent_selection != ADVISOR
        env.step(env.sample_action(1))


def test_advice_that_is_not_legal_is_refused_or_ends_the_game() -> None:
    raw = sandwich_chess_v0.raw_env(**options(advisor="agent"))
    for env in (raw, seated()):
        env.reset(seed=0)
        env.step(ASK_MOVE)
    illegal = {"move": 0, "value": np.zeros(1, dtype=np.float32)}
    with pytest.raises(IllegalActionError, match="the move 0 was advised, which is not legal"):
        raw.step(illegal)
    assert raw.agent_selection == ADVISOR
    env.step(illegal)
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0, ADVISOR: -1.0}
    assert not env.observe("player_0")["action_mask"].any()


def test_an_illegal_question_leaves_the_agent_out_of_it() -> None:
    env = seated(protocol=on_demand(1))
    env.reset(seed=0)
    env.step(ASK_MOVE)
    env.step(env.sample_action(0))
    env.step(ASK_VALUE)
    assert env.rewards == {"player_0": -1.0, "player_1": 0.0, ADVISOR: 0.0}
    assert all(env.terminations.values())
    with pytest.raises(GameOverError, match="whose game is over"):
        env.step(ASK_MOVE)


def test_the_agent_is_paid_for_plies_and_not_for_questions() -> None:
    paid: list[AdvisedPly] = []

    def pay(ply: AdvisedPly) -> Any:
        paid.append(ply)
        return np.ones(1)

    env = seated(advisor_reward=pay)
    env.reset(seed=0)
    env.step(ASK_MOVE)
    env.step(env.sample_action(0))
    assert paid == []
    advised = int(env.observe("player_0")["advice_move"])
    env.step(advised)
    (ply,) = paid
    assert (ply.action.tolist(), ply.advice.move.tolist(), ply.seat.tolist()) == ([advised], [advised], [0])
    assert env.rewards[ADVISOR] == 1.0


@pytest.mark.parametrize("packed", [False, True])
def test_games_are_the_same_with_an_advisor_inside_and_in_the_seat(packed: bool) -> None:
    if packed:
        check_aec(lambda: seated(observation_format="packed"), games=6)
        return
    budget = {"kind": "random_move", "epsilon": 0.5, "when": {"kind": "budget", "lies": 1}, "inner": LYING}
    more = {"protocol": on_demand(8, cost=0.125), "rating": 1500, "watch": "every_turn"}
    inside = play(sandwich_chess_v0.env(**options(advisor=budget, **more)))
    with_agent = play(seated(**more), AdvisorPolicy(budget))
    assert_same(inside, with_agent, "the players")
    answered = [seen for _, seen, *_ in inside if seen["advice_available"].any()]
    assert len(answered) > 10


def test_seeds_and_the_contract_hold_with_an_agent_in_the_seat() -> None:
    check_seeds(seated, seeds=1, steps=25)
    check_aec(seated, games=8)
