"""Asking as an action in the turn-based environments: AEC, its referee, and parallel."""

from __future__ import annotations

from typing import Any

import chess
import numpy as np
import pytest
from asking_support import (
    ASK_MOVE,
    ASK_VALUE,
    HONEST,
    LYING,
    MOVES,
    PANEL,
    choose,
    on_demand,
    options,
)
from gymnasium import spaces

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import IllegalActionError, SpecError
from sandwich_env.oversight.on_demand import OnDemand
from sandwich_env.testing.equality import assert_same


def make(**more: Any) -> Any:
    env = sandwich_chess_v0.env(**options(**more))
    env.reset(seed=0)
    return env


def test_the_spaces_hold_the_questions() -> None:
    env = make()
    space = env.observation_space("player_0")
    assert env.action_space("player_0") == spaces.Discrete(MOVES + 2)
    assert space["action_mask"].shape == (MOVES + 2,)
    assert space["queries_left"] == spaces.Box(0, 3, (1,), np.float32)
    assert make(asks="value").action_space("player_1") == spaces.Discrete(MOVES + 1)
    assert make(observation_format="packed").observation_space("player_0")["action_mask"].shape == (585,)
    no_limit = make(protocol=on_demand(None)).observation_space("player_0")["queries_left"]
    assert (no_limit.low[0], no_limit.high[0]) == (-1, np.inf)


def test_another_protocol_leaves_the_spaces_alone() -> None:
    env = make(protocol="every_turn")
    assert env.action_space("player_0") == spaces.Discrete(MOVES)
    assert "queries_left" not in env.observation_space("player_0").spaces
    assert env.ask_actions == ()
    assert env.sample_ask(0) == -1
    with pytest.raises(IllegalActionError, match="4672 is no action: an action is a whole number from 0 to 4671"):
        env.step(ASK_MOVE)


def test_who_asks_acts_again_in_the_same_position_and_sees_the_answer() -> None:
    env = make()
    before = env.observe("player_0")
    assert before["action_mask"][MOVES:].tolist() == [1, 1]
    assert (int(before["advice_move"]), before["queries_left"].tolist()) == (NO_MOVE, [3])
    env.step(ASK_MOVE)
    seen, reward, terminated, truncated, info = env.last()
    assert (env.agent_selection, reward, terminated, truncated, info) == ("player_0", 0.0, False, False, {})
    assert env.board() == chess.Board()
    assert np.array_equal(seen["observation"], before["observation"])
    assert np.array_equal(seen["action_mask"][:MOVES], before["action_mask"][:MOVES])
    assert seen["action_mask"][MOVES:].tolist() == [0, 1]
    assert seen["advice_available"].tolist() == [1, 0]
    assert seen["action_mask"][int(seen["advice_move"])] == 1
    assert seen["queries_left"].tolist() == [2]
    env.step(ASK_VALUE)
    again = env.observe("player_0")
    assert again["advice_available"].tolist() == [1, 1]
    assert int(again["advice_move"]) == int(seen["advice_move"])
    assert not again["action_mask"][MOVES:].any()


def test_the_other_player_sees_its_own_budget_and_nothing_of_the_answer() -> None:
    env = make()
    env.step(ASK_MOVE)
    other = env.observe("player_1")
    assert not other["action_mask"].any()
    assert not other["advice_available"].any()
    assert other["queries_left"].tolist() == [3]
    env.step(int(env.observe("player_0")["advice_move"]))
    assert env.observe("player_0")["queries_left"].tolist() == [2]
    assert env.observe("player_1")["action_mask"][MOVES:].tolist() == [1, 1]
    assert not env.observe("player_1")["advice_available"].any()


def test_each_question_costs_who_asks_it() -> None:
    env = make(protocol=on_demand(3, cost=0.125))
    env.step(ASK_MOVE)
    assert env.rewards == {"player_0": -0.125, "player_1": 0.0}
    assert env.last()[1] == -0.125
    env.step(ASK_VALUE)
    assert env.last()[1] == -0.125
    env.step(env.sample_action(1))
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}


def test_questions_are_no_plies() -> None:
    env = make(max_plies=2, protocol=on_demand(None))
    for _ in range(2):
        env.step(ASK_MOVE)
        env.step(ASK_VALUE)
        env.step(env.sample_action(1))
    assert env.infos["player_0"]["termination"] == "ply_cap"
    assert env.scorer.queries.tolist() == [[2, 2]]


@pytest.mark.parametrize(
    ("more", "asked", "why"),
    [
        ({"protocol": on_demand(1)}, [ASK_MOVE, ASK_VALUE], "nothing is left of the budget of 1 questions"),
        ({}, [ASK_VALUE, ASK_VALUE], "it has been answered in this position"),
        ({"advised": "black"}, [ASK_MOVE], "White is not advised"),
        ({"advisor": None}, [ASK_MOVE], "there is no advisor"),
    ],
)
def test_a_question_that_cannot_be_asked_is_an_illegal_action(more: dict[str, Any], asked: list[int], why: str) -> None:
    raw = sandwich_chess_v0.raw_env(**options(**more))
    raw.reset(seed=0)
    env = make(**more)
    for action in asked[:-1]:
        raw.step(action)
        env.step(action)
    before, last = raw.observe("player_0"), asked[-1]
    assert before["action_mask"][last] == 0
    part = "move" if last == ASK_MOVE else "value"
    with pytest.raises(IllegalActionError, match=rf"action {last} \(ask for a {part}\) is not legal in 'rnb.*: {why}"):
        raw.step(last)
    assert_same(before, raw.observe("player_0"), "after a question that was refused")
    env.step(last)
    assert env.rewards == {"player_0": -1.0, "player_1": 0.0}
    assert env.infos["player_0"]["termination"] == "illegal_action"
    assert all(env.terminations.values())
    assert all(env.truncations.values())
    assert not env.observe("player_0")["action_mask"].any()
    env.reset(seed=0)
    assert env.agents == ["player_0", "player_1"]


def test_the_referee_says_why_a_question_has_lost(caplog: pytest.LogCaptureFixture) -> None:
    env = make(protocol=on_demand(0))
    env.step(ASK_MOVE)
    assert "nothing is left of the budget of 0 questions for this game" in caplog.text
    caplog.clear()
    env.reset()
    env.step(0)
    assert "questions" not in caplog.text


@pytest.mark.parametrize("action", [4674, -1, 4672.0, None])
def test_what_is_no_action_is_refused(action: Any) -> None:
    env = make()
    with pytest.raises(IllegalActionError, match=f"{action!r} is no action: .* from 0 to 4673"):
        env.step(action)


def test_a_panel_is_asked_member_by_member() -> None:
    env = make(advisor=PANEL, protocol=on_demand(None))
    assert [str(ask) for ask in env.ask_actions][:3] == [
        "ask member 0 for a move",
        "ask member 0 for a value",
        "ask member 1 for a move",
    ]
    env.step(MOVES + 2)
    env.step(MOVES + 5)
    seen = env.observe("player_0")
    assert env.observation_space("player_0").contains(seen)
    assert seen["panel_available"].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert seen["panel_move"].tolist() == [NO_MOVE, int(seen["advice_move"]), NO_MOVE]
    assert seen["panel_value"][2] == seen["advice_value"][0] != 0
    assert seen["action_mask"][MOVES:].tolist() == [1, 1, 0, 1, 1, 0]
    assert env.scorer.last.member == 2
    hidden = env.observe("player_1")
    assert hidden["panel_move"].tolist() == [NO_MOVE] * 3
    assert not hidden["panel_available"].any()
    assert not hidden["panel_value"].any()


def test_a_wrapper_around_a_panel_is_one_voice() -> None:
    env = make(advisor={"kind": "value_noise", "scale": 0.1, "inner": PANEL})
    assert len(env.ask_actions) == 2


def test_packed_observations_are_the_plain_ones() -> None:
    plain, packed = make(advisor=PANEL), make(advisor=PANEL, observation_format="packed")
    rng = np.random.default_rng(0)
    asked = 0
    while plain.agents and not plain.last()[2]:
        if plain.last()[3]:
            break
        for agent in plain.agents:
            one, bits = plain.observe(agent), packed.observe(agent)
            unpacked = np.unpackbits(bits.pop("action_mask"), count=MOVES + 6, bitorder="little")
            assert unpacked.tolist() == one.pop("action_mask").tolist()
            planes = np.unpackbits(bits.pop("observation"), axis=-1, bitorder="little").reshape(111, 8, 8)
            assert np.array_equal(planes.transpose(1, 2, 0), one.pop("observation"))
            assert_same(one, bits, agent)
        action = choose(plain.observe(plain.agent_selection)["action_mask"], rng)
        asked += action >= MOVES
        plain.step(action)
        packed.step(action)
    assert asked == 6


def test_moves_are_sampled_apart_from_questions() -> None:
    env = make(protocol=on_demand(2))
    assert {env.sample_ask(seed) for seed in range(20)} == {ASK_MOVE, ASK_VALUE}
    assert all(env.sample_action(seed) < MOVES for seed in range(50))
    env.step(env.sample_ask(3))
    env.step(env.sample_ask(3))
    assert env.sample_ask(3) == -1


def test_the_picture_shows_what_was_answered() -> None:
    env = make(render_mode="ansi", advisor=HONEST)
    assert env.render().endswith("advice: none")
    env.step(ASK_MOVE)
    board, seen = env.board(), env.observe("player_0")
    said = env.render().rpartition("advice: ")[2]
    assert said.split()[0] in {board.san(move) for move in board.legal_moves}
    assert int(seen["advice_move"]) < NO_MOVE
    env.step(ASK_VALUE)
    assert env.render().endswith(", value +0.00 for the player to move")


def test_the_parallel_environment_asks_as_the_turn_based_one() -> None:
    aec, parallel = (
        make(protocol=on_demand(4, cost=0.25)),
        sandwich_chess_v0.parallel_env(**options(protocol=on_demand(4, cost=0.25))),
    )
    seen, infos = parallel.reset(seed=0)
    rng = np.random.default_rng(1)
    for _ in range(20):
        mover = aec.agent_selection
        assert infos["player_0"]["active_agent"] == mover
        for agent in aec.agents:
            assert_same(aec.observe(agent), seen[agent], agent)
        action = choose(seen[mover]["action_mask"], rng)
        aec.step(action)
        seen, rewards, *_, infos = parallel.step({mover: action, "player_0": action, "player_1": action})
        assert rewards == aec.rewards
        assert rewards[mover] == (-0.25 if action >= MOVES else 0.0)
    assert aec.scorer.queries.sum() > 2


def test_a_seed_decides_the_answers() -> None:
    answers = []
    for _ in range(2):
        env = make(advisor=LYING, protocol=OnDemand(None))
        rng = np.random.default_rng(5)
        for _ in range(30):
            env.step(choose(env.observe(env.agent_selection)["action_mask"], rng))
            seen = env.observe(env.agent_selection)
            answers.append((int(seen["advice_move"]), float(seen["advice_value"][0])))
    assert answers[:30] == answers[30:]
    assert len(set(answers)) > 5


@pytest.mark.parametrize("protocol", [{"kind": "on_demand", "budget": -1}, OnDemand(1, 0.1).to_spec() | {"cost": -1}])
def test_a_protocol_out_of_range_is_refused(protocol: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"(budget|cost) of 'on_demand' is -1: it must be"):
        make(protocol=protocol)
