"""The advisor as an agent: its turns, what it sees and may say, and that the seat changes nothing for the players."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import chess
import gymnasium
import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, render_test, seed_test
from seat_support import network_policy, players_game

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import NO_MOVE, Advisor
from sandwich_env.envs.advisor_seat import ADVISOR, AdvisorPolicy, RefereedSeatedChessAEC
from sandwich_env.envs.advisor_seat_spaces import AdviceSpace
from sandwich_env.errors import AdviceError, GameOverError, IllegalActionError, SpecError
from sandwich_env.rules import NUM_ACTIONS, move_to_action
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_aec, check_seeds
from sandwich_env.testing.equality import assert_same
from sandwich_env.testing.replay import check_replay

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
RANDOM = {"kind": "random_move", "inner": HONEST, "epsilon": 1.0}
EVERY_THIRD = {"kind": "every_n_turns", "n": 3}
FOOLS_MATE = ("f2f3", "e7e5", "g2g4", "d8h4")

EXPECTED_WARNINGS = {
    # PettingZoo says these of every environment with Dict spaces, or agents of several kinds, that it does not list.
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
    "Action space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
    "Agents have different observation space sizes",
    "Action mask numpy array is all zeros (no legal actions).",  # the end of a game
}


def advice(uci: str, value: float, board: chess.Board) -> dict[str, Any]:
    move = move_to_action(chess.Move.from_uci(uci), board)
    return {"move": move, "value": np.array([value], dtype=np.float32)}


def act(env: Any, uci: str) -> None:
    """The player's move; where it asks first, it is advised to play it, and told that the game is level."""
    if env.agent_selection == ADVISOR:
        env.step(advice(uci, 0.0, env.unwrapped.board()))
    env.step(move_to_action(chess.Move.from_uci(uci), env.unwrapped.board()))


def raw(**options: Any) -> Any:
    env = sandwich_chess_v0.raw_env(advisor="agent", **options)
    env.reset(seed=0)
    return env


# --- The conformance tests of PettingZoo, and ours ---


@pytest.mark.parametrize("options", [{}, {"protocol": EVERY_THIRD, "advised": "black"}])
def test_pettingzoo_api_test_passes_with_no_warning_but_the_known(options: dict[str, Any]) -> None:
    for make in (sandwich_chess_v0.env, sandwich_chess_v0.raw_env):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            api_test(make(advisor="agent", max_plies=30, **options), num_cycles=100)
        assert {str(warning.message) for warning in caught} <= EXPECTED_WARNINGS


def test_pettingzoo_seed_test_passes_with_legal_steps_of_all_three_agents() -> None:
    made: list[Any] = []

    def make() -> Any:
        made.append(Counting(advisor="agent"))
        return made[-1]

    seed_test(make, num_cycles=20)
    assert [env.acted for env in made] == [{ADVISOR: 30, "player_0": 15, "player_1": 15}] * 2


class Counting(RefereedSeatedChessAEC):
    def reset(self, seed: int | None = None, options: Any = None) -> None:
        super().reset(seed, options)
        self.acted = dict.fromkeys((ADVISOR, "player_0", "player_1"), 0)

    def step(self, action: Any) -> None:
        self.acted[self.agent_selection] += 1
        super().step(action)
        assert not any(self.terminations.values())


def test_pettingzoo_render_test_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("cairosvg")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("sandwich_env.envs.rendering.FRAMES_PER_SECOND", 1000)
    render_test(lambda render_mode: sandwich_chess_v0.raw_env(advisor="agent", render_mode=render_mode))


def test_pettingzoo_parallel_api_test_passes_with_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(sandwich_chess_v0.parallel_env(advisor="agent", max_plies=30), num_cycles=100)


@pytest.mark.parametrize("layout", ["planes", "packed"])
def test_our_check_of_the_aec_contract_passes(layout: str) -> None:
    found = check_aec(lambda: sandwich_chess_v0.env(advisor="agent", max_plies=12, observation_format=layout), games=12)
    assert set(found.not_reached()) <= {"zero-sum"}


class Lenient(RefereedSeatedChessAEC):
    """Plays on after illegal advice, as if nothing had been said."""

    def step(self, action: Any) -> None:
        mask = self.observe(ADVISOR)["action_mask"]
        if self.agent_selection == ADVISOR and isinstance(action, dict) and mask.any() and not mask[action["move"]]:
            action = {"move": int(np.flatnonzero(mask)[0]), "value": 0.0}
        super().step(action)


def test_our_check_of_the_aec_contract_sees_illegal_advice_that_is_overlooked() -> None:
    with pytest.raises(AssertionError, match=r"after the illegal action .*'move'.* the game goes on"):
        check_aec(lambda: Lenient(advisor="agent", max_plies=12), games=40)


def test_our_checks_of_seeds_and_replays_pass() -> None:
    options = {"advisor": "agent", "max_plies": 16, "advised": "white", "advisor_reward": "player_loss"}
    starts = ["4k3/8/8/8/8/8/4P3/4K3 w - - 0 1", "4k3/4p3/8/8/8/8/8/4K3 b - - 0 1", chess.STARTING_FEN]
    check_seeds(lambda: sandwich_chess_v0.raw_env(starts=starts, **options), seeds=3, steps=40, stochastic=True)
    check_replay("sandwich_env.sandwich_chess_v0:env", options, steps=30)


# --- Whose turn it is, and what is seen ---


def test_the_advisor_acts_before_each_player_who_asks_and_is_heard_by_that_player_alone() -> None:
    env = raw()
    assert env.possible_agents == ["player_0", "player_1", "advisor_0"]
    for uci, asker, other in (("e2e4", "player_0", "player_1"), ("e7e5", "player_1", "player_0")):
        assert env.agent_selection == ADVISOR
        for player in (asker, other):  # both wait, and nothing is told yet
            assert not env.observe(player)["action_mask"].any()
            assert not env.observe(player)["advice_available"].any()
        told = advice(uci, -0.25, env.board())
        env.step(told)
        assert env.agent_selection == asker
        seen = env.observe(asker)
        assert seen["advice_move"] == told["move"]
        assert seen["advice_value"].tolist() == [-0.25]
        assert seen["advice_available"].tolist() == [1, 1]
        assert seen["action_mask"].sum() == 20
        assert not env.observe(other)["advice_available"].any()
        assert not env.observe(ADVISOR)["action_mask"].any()
        assert not env.observe(ADVISOR)["asked_for"].any()
        env.step(int(told["move"]))


def test_the_advisor_sees_what_the_player_who_asks_sees_and_who_asks_for_what() -> None:
    env = raw(asks="move")
    for uci, asker, seat in (("e2e3", "player_0", [1, 0]), ("e7e5", "player_1", [0, 1])):
        asked = env.observe(ADVISOR)
        told = advice(uci, 0.0, env.board())
        env.step(told)
        shown = env.observe(asker)
        np.testing.assert_array_equal(asked["observation"], shown["observation"])
        np.testing.assert_array_equal(asked["action_mask"], shown["action_mask"])
        assert asked["asker"].tolist() == seat
        assert asked["asked_for"].tolist() == [1, 0]
        assert (int(asked["proposal"]), asked["hope"].tolist(), asked["watched"].tolist()) == (NO_MOVE, [0.0], [0, 0])
        env.step(told["move"])


def test_the_advisor_sees_what_the_player_tells_of_itself() -> None:
    env = raw(proposer="uniform", rating=1200, watch={"kind": "every_n_turns", "n": 2})
    watched = []
    for _ in range(6):
        asked = env.observe(ADVISOR)
        assert asked["proposal"] == int(np.flatnonzero(asked["action_mask"])[0])
        assert asked["rating"].tolist() == [1200.0]
        watched.append(asked["watched"].tolist())
        env.step(env.sample_action(0))
        env.step(env.sample_action(0))
    assert watched == [[0, 1], [0, 1], [1, 0], [1, 0], [0, 1], [0, 1]]


def test_every_n_turns_the_advisor_is_asked() -> None:
    env = raw(protocol={"kind": "every_n_turns", "n": 2})
    turns = []
    for _ in range(9):
        turns.append(env.agent_selection)
        env.step(env.sample_action(1))
    white, black = "player_0", "player_1"
    assert turns == [ADVISOR, white, ADVISOR, black, white, black, ADVISOR, white, ADVISOR]


def test_one_side_is_advised_and_the_other_plays_alone() -> None:
    env = raw(advised="black", max_plies=8)
    turns = []
    while not any(env.truncations.values()):
        turns.append(env.agent_selection)
        assert env.observe("player_0")["advice_available"].tolist() == [0, 0]
        env.step(env.sample_action(1))
    assert turns == ["player_0", ADVISOR, "player_1"] * 4
    assert env.scorer.queries.tolist() == [[0, 4]]


def test_the_advisors_turns_are_no_plies() -> None:
    env = raw(max_plies=6)
    steps = 0
    while not any(env.truncations.values()):
        env.step(env.sample_action(2))
        steps += 1
    assert steps == 12
    assert env.board().ply() == 6
    assert set(env.infos) == {"player_0", "player_1", ADVISOR}
    assert env.infos[ADVISOR] == {"outcome": 0.0, "termination": "ply_cap"}
    left = []
    while env.agents:
        left.append(env.agent_selection)
        assert not env.last()[0]["action_mask"].any()
        env.step(None)
    assert sorted(left) == sorted(env.possible_agents)


@pytest.mark.parametrize("never", [{"protocol": "never"}, {"advised": "none"}])
def test_an_advisor_whom_nobody_asks_has_no_turn_and_leaves_with_the_others(never: dict[str, Any]) -> None:
    env = raw(max_plies=3, **never)
    for _ in range(3):
        assert env.agent_selection != ADVISOR
        env.step(env.sample_action(3))
    left = 0
    while env.agents:
        env.step(None)
        left += 1
    assert left == 3


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_reset_in_the_middle_leaves_nothing_behind(steps: int) -> None:
    env, fresh = raw(), raw()
    for _ in range(steps):
        env.step(env.sample_action(4))
    env.reset(seed=0)
    for agent in env.possible_agents:
        assert_same(env.observe(agent), fresh.observe(agent), agent)
    assert env.agent_selection == ADVISOR
    assert env.scorer.queries.tolist() == [[0, 0]]
    assert env._cumulative_rewards == {"player_0": 0.0, "player_1": 0.0, ADVISOR: 0.0}


def test_it_can_be_pickled_while_a_player_waits() -> None:
    env = sandwich_chess_v0.env(advisor="agent")
    env.reset(seed=0)
    for clone in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert clone.agent_selection == ADVISOR
        clone.step(advice("e2e4", 0.5, clone.board()))
        assert clone.last()[0]["advice_value"].tolist() == [0.5]
        assert env.agent_selection == ADVISOR


def test_the_scorer_hears_what_the_agent_has_said() -> None:
    heard: list[Any] = []
    env = raw(audit=heard.append)
    told = advice("g1f3", 0.125, env.board())
    env.step(told)
    assert [audit.visible.move.tolist() for audit in heard] == [[told["move"]]]
    truth = heard[0].advice
    assert truth.policy.shape == (1, NUM_ACTIONS)
    assert int(np.argmax(truth.policy[0])) == told["move"]
    assert truth.provenance.by.tolist() == ["agent"]
    assert not truth.provenance.tampered.any()
    assert truth.provenance.honest_move.tolist() == [-1]
    assert np.isnan(truth.provenance.honest_value).all()


# --- The seat changes nothing for the players ---


NETWORK = {"kind": "honest", "expert": {"kind": "network", "weights": "novice", "device": "cpu"}}
BUDGET = {
    "kind": "value_noise",
    "scale": 0.5,
    "when": {"kind": "budget", "lies": 3},
    "inner": {"kind": "random_move", "epsilon": 0.3, "inner": HONEST},
}
TRAINED_B = {
    "kind": "other_model",
    "model": {"kind": "network", "weights": "adversary", "device": "cpu"},
    "value": "own",
    "epsilon": 0.6,
    "inner": NETWORK,
}


@pytest.mark.parametrize(
    ("advisor", "options"),
    [
        (RANDOM, {}),
        (RANDOM, {"protocol": EVERY_THIRD, "asks": "move"}),
        (HONEST, {"advised": "white", "asks": "value"}),
        (BUDGET, {"protocol": {"kind": "every_n_turns", "n": 2}}),
        ({"kind": "every_n", "n": 2, "wrapper": RANDOM}, {"advised": "player_1", "proposer": "uniform"}),
        (NETWORK, {}),
        ({"kind": "policy_noise", "scale": 2.0, "inner": NETWORK}, {"observation_format": "planes"}),
        (TRAINED_B, {}),
    ],
)
def test_an_advisor_in_the_seat_gives_the_games_that_it_gives_inside(
    advisor: dict[str, Any], options: dict[str, Any]
) -> None:
    if "network" in str(advisor):
        pytest.importorskip("torch")
    shared = {"max_plies": 24, **options}
    made = from_spec(advisor, Advisor)
    inside = players_game(sandwich_chess_v0.env(advisor=made, **shared), None, episodes=4, steps=40)
    seated = players_game(
        sandwich_chess_v0.env(advisor="agent", **shared), AdvisorPolicy(advisor), episodes=4, steps=80
    )
    advised = sum(bool(one[1]["advice_available"].any()) for one in inside if len(one) == 6)
    assert advised > 20
    assert_same(seated, inside, "in the seat and inside")


def test_a_network_that_sees_the_observation_alone_gives_the_games_of_the_same_network_inside() -> None:
    pytest.importorskip("torch")
    from sandwich_env.nets.weights import load_network

    advisor = {
        "kind": "honest",
        "expert": {"kind": "network", "weights": "novice", "device": "cpu", "precision": "float32"},
    }
    shared = {"max_plies": 30, "protocol": {"kind": "every_n_turns", "n": 2}}
    inside = players_game(sandwich_chess_v0.env(advisor=advisor, **shared), None, episodes=2, steps=60)
    seated = players_game(
        sandwich_chess_v0.env(advisor="agent", **shared), network_policy(load_network("novice")), episodes=2, steps=120
    )
    assert_same(seated, inside, "in the seat and inside")
    assert len({one[1]["advice_value"].item() for one in inside if len(one) == 6}) > 10


def test_a_policy_knows_the_truth_behind_what_it_says_and_refuses_when_nobody_asks() -> None:
    env, policy = raw(advised="white"), AdvisorPolicy(RANDOM)
    assert policy.last is None
    env.step(policy(env))
    assert policy.last is not None
    assert policy.last.provenance.by.tolist() == ["random_move"]
    with pytest.raises(AdviceError, match="nobody asks: it is the turn of 'player_0'"):
        policy(env)


# --- Illegal advice ---

ILLEGAL: list[tuple[dict[str, Any], str]] = [
    ({"move": 0, "value": 0.0}, r"the move 0 was advised, which is not legal in 'rnbqkbnr/"),
    (
        {"move": 3589, "value": np.array([1.5], np.float32)},
        r"the value 1.5 was given for 'rnbqkbnr/.* between -1 and 1",
    ),
    ({"move": 3589, "value": -np.inf}, "the value -inf was given"),
    ({"move": 3589, "value": 1e300}, "the value inf was given"),
]


def legal_move(env: Any) -> int:
    return int(np.flatnonzero(env.observe(ADVISOR)["action_mask"])[0])


@pytest.mark.parametrize(("wrong", "message"), ILLEGAL)
def test_illegal_advice_raises_and_changes_nothing(wrong: dict[str, Any], message: str) -> None:
    env = raw()
    wrong = wrong if wrong["move"] == 0 else wrong | {"move": legal_move(env)}
    before = [env.observe(agent) for agent in env.agents]
    with pytest.raises(IllegalActionError, match=message):
        env.step(wrong)
    assert_same([env.observe(agent) for agent in env.agents], before, "after illegal advice")
    assert env.agent_selection == ADVISOR
    env.step(env.sample_action(0))
    assert env.agent_selection == "player_0"


@pytest.mark.parametrize(("wrong", "_"), ILLEGAL)
def test_illegal_advice_in_the_wrapped_environment_ends_the_game_at_the_advisors_cost(
    wrong: dict[str, Any], _: str, caplog: pytest.LogCaptureFixture
) -> None:
    env = sandwich_chess_v0.env(advisor="agent", advisor_reward="player_loss", advised="white")
    env.reset(seed=0)
    act(env, "e2e4")
    act(env, "e7e5")
    fen = env.board().fen()
    env.step(wrong if wrong["move"] == 0 else wrong | {"move": legal_move(env)})
    assert "Illegal move made" in caplog.text
    assert env.board().fen() == fen
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0, ADVISOR: -1.0}
    assert all(env.terminations.values())
    assert all(env.truncations.values())
    assert env.infos["player_0"] == {"outcome": 0.0, "termination": "illegal_action"}
    paid = {}
    while env.agents:
        seen, paid[env.agent_selection], *_ = env.last()
        assert not seen["action_mask"].any()
        env.step(None)
    assert paid == {"player_0": 0.0, "player_1": 0.0, ADVISOR: -1.0}
    env.reset()
    assert env.agent_selection == ADVISOR
    assert env.last()[0]["action_mask"].sum() == 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (5, "5 is no advice: give a dict with the keys 'move' and 'value'"),
        (None, "None is no advice"),
        ({"move": 5}, "is no advice"),
        ({"move": 5, "value": 0.0, "why": 1}, "is no advice"),
        ({"move": NUM_ACTIONS, "value": 0.0}, "4672 is no action"),
        ({"move": 1.5, "value": 0.0}, "1.5 is no action"),
        ({"move": 5, "value": np.nan}, "nan is no value: a value is a number from -1 to 1"),
        ({"move": 5, "value": "high"}, "'high' is no value"),
        ({"move": 5, "value": np.zeros(2)}, "is no value"),
        ({"move": 5, "value": True}, "True is no value"),
    ],
)
def test_what_is_no_advice_raises(wrong: Any, message: str) -> None:
    for make in (sandwich_chess_v0.env, sandwich_chess_v0.raw_env):
        env = make(advisor="agent")
        env.reset(seed=0)
        with pytest.raises(IllegalActionError, match=message):
            env.step(wrong)
        assert env.agent_selection == ADVISOR


def test_the_part_that_nobody_asks_for_is_not_looked_at() -> None:
    env = raw(asks="move")
    env.step({"move": legal_move(env), "value": 7.0})
    assert env.last()[0]["advice_available"].tolist() == [1, 0]
    assert env.last()[0]["advice_value"].tolist() == [0.0]
    env = raw(asks="value")
    env.step({"move": 0, "value": 0.5})
    assert env.last()[0]["advice_available"].tolist() == [0, 1]
    assert env.last()[0]["advice_move"] == NO_MOVE
    assert env.last()[0]["advice_value"].tolist() == [0.5]


def test_a_players_illegal_action_costs_the_player_alone() -> None:
    env = sandwich_chess_v0.env(advisor="agent", advisor_reward="player_loss", advised="white")
    env.reset(seed=0)
    env.step(env.sample_action(0))
    env.step(0)
    assert env.rewards == {"player_0": -1.0, "player_1": 0.0, ADVISOR: 0.0}
    assert env.infos[ADVISOR] == {"outcome": -1.0, "termination": "illegal_action"}


def test_an_action_after_the_end_raises() -> None:
    env = raw(max_plies=1)
    act(env, "e2e4")
    while env.agent_selection != ADVISOR:
        env.step(None)
    with pytest.raises(GameOverError, match="for 'advisor_0', whose game is over"):
        env.step({"move": 5, "value": 0.0})


# --- Spaces ---


def test_the_space_of_advice_samples_by_the_players_mask_in_either_format() -> None:
    space = AdviceSpace(seed=0)
    mask = np.zeros(NUM_ACTIONS, dtype=np.int8)
    mask[[17, 4000]] = 1
    for given in (mask, np.packbits(mask, bitorder="little"), {"move": mask, "value": None}):
        drawn = [space.sample(given) for _ in range(40)]
        assert {int(one["move"]) for one in drawn} == {17, 4000}
        assert len({float(one["value"][0]) for one in drawn}) == 40
        assert all(one in space for one in drawn)
    assert len({int(space.sample()["move"]) for _ in range(40)}) > 30
    assert isinstance(space, gymnasium.spaces.Dict)
    first, second = pickle.loads(pickle.dumps(space)), copy.deepcopy(space)
    assert_same(first.sample(mask), second.sample(mask), "copies of a space")
    assert first == space


def test_the_players_spaces_are_what_they_are_without_an_agent() -> None:
    plain, seated = sandwich_chess_v0.env(), sandwich_chess_v0.env(advisor="agent")
    for agent in plain.possible_agents:
        assert plain.observation_space(agent) == seated.observation_space(agent)
        assert plain.action_space(agent) == seated.action_space(agent)


# --- The parallel environment ---


def test_in_the_parallel_environment_the_advisor_has_steps_of_its_own() -> None:
    env = sandwich_chess_v0.parallel_env(advisor="agent", advised="white", advisor_reward="player_loss")
    seen, infos = env.reset(seed=0)
    assert set(seen) == {"player_0", "player_1", ADVISOR}
    active = []
    for uci in FOOLS_MATE:
        if infos[ADVISOR]["active_agent"] == ADVISOR:
            active.append(ADVISOR)
            told = advice(uci, 0.5, env.unwrapped.board())
            seen, *_, infos = env.step({"player_0": 0, "player_1": 0, ADVISOR: told})
            assert seen["player_0"]["advice_move"] == told["move"]
        mover = infos["player_0"]["active_agent"]
        active.append(mover)
        action = move_to_action(chess.Move.from_uci(uci), env.unwrapped.board())
        seen, rewards, terminations, _, infos = env.step({mover: action})
    assert active == [ADVISOR, "player_0", "player_1"] * 2
    assert rewards == {"player_0": -1.0, "player_1": 1.0, ADVISOR: 1.0}
    assert all(terminations.values())
    assert env.agents == []


# --- Bad input ---


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: gymnasium.make("sandwich_env:sandwich/Chess-v0", advisor="agent"),
            "the advisor's seat in sandwich_ch",
        ),
        (lambda: gymnasium.make("sandwich_env:sandwich/Chess-v0", advisor={"kind": "agent"}), "an Advisor of your own"),
        (lambda: RefereedSeatedChessAEC(advisor=HONEST), "in the seated environment it is 'agent' or left out"),
        (lambda: sandwich_chess_v0.env(advisor_reward="player_loss"), "'player_loss', but the advisor is no agent"),
        (lambda: sandwich_chess_v0.env(advisor=HONEST, advisor_reward="player_loss"), "give advisor='agent' as well"),
        (
            lambda: sandwich_chess_v0.env(advisor="agnet"),
            "unknown kind 'agnet'",
        ),
        (lambda: sandwich_chess_v0.env(advisor="agent", advisor_reward="player_los"), "did you mean 'player_loss'"),
        (lambda: sandwich_chess_v0.env(advisor="agent", advisor_reward="result"), "which is no AdvisorReward"),
        (lambda: sandwich_chess_v0.env(advisor="agent", advisor_reward=3), "advisor_reward is 3: it must be"),
        (lambda: sandwich_chess_v0.env(advisor="agent", advisor_rewrad="x"), "did you mean 'advisor_reward'"),
        (lambda: sandwich_chess_v0.env(advisor="agent", advised="whit"), "did you mean 'white'"),
    ],
)
def test_bad_input_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()


def test_the_seat_is_asked_for_by_a_name_or_a_spec() -> None:
    for advisor in ("agent", {"kind": "agent"}):
        assert isinstance(sandwich_chess_v0.env(advisor=advisor), RefereedSeatedChessAEC)


def test_actions_may_be_arrays_of_one() -> None:
    env = raw(advisor_reward=lambda ply: ply.action == ply.advice.move)
    env.step({"move": np.array([legal_move(env)]), "value": np.float64(0.5)})
    env.step(np.array([int(env.last()[0]["advice_move"])]))
    assert env.rewards[ADVISOR] == 1.0


def test_an_unknown_agent_is_named() -> None:
    env = raw()
    with pytest.raises(SpecError, match="unknown agent 'advisor': did you mean 'advisor_0'"):
        env.observe("advisor")
