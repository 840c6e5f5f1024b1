"""Asking as an action in Gymnasium's environments: one game, and many at once."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from asking_support import (
    ASK_MOVE,
    ASK_VALUE,
    HONEST,
    LYING,
    MATE_IN_ONE,
    MOVES,
    PANEL,
    choose,
    on_demand,
    single,
    vector,
)
from noting_support import Noting
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.envs.rewards import Reward, Rewards
from sandwich_env.errors import IllegalActionError, SpecError
from sandwich_env.players.base import Player
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, move_to_action
from sandwich_env.testing.equality import assert_same


class Watching(Player):
    """Plays at random, and keeps what it is shown of advice."""

    def __init__(self) -> None:
        self.shown: list[VisibleAdvice | None] = []
        self.inner = RandomPlayer()

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        self.shown.append(advice)
        return self.inner.act(games, advice, rng)


class Counting(Reward):
    """Pays White 1 for each ply, and nothing else."""

    def __call__(self, games: Games, played: NDArray[np.bool_], outcome: NDArray[np.float32]) -> Rewards:
        return np.stack([np.ones(len(games)), np.zeros(len(games))], axis=1)


# --- One game ---


def test_asking_costs_is_no_ply_and_brings_no_reply() -> None:
    env = single(opponent="random", learner_color="white", protocol=on_demand(3, cost=0.5))
    seen, _ = env.reset(seed=0)
    after, reward, terminated, truncated, info = env.step(ASK_MOVE)
    assert (reward, terminated, truncated, info) == (-0.5, False, False, {"ply": 0, "seat": 0})
    assert np.array_equal(after["observation"], seen["observation"])
    assert after["advice_available"].tolist() == [1, 0]
    assert env.unwrapped.action_masks()[MOVES:].tolist() == [False, True]
    assert np.array_equal(env.unwrapped.action_masks(), after["action_mask"].view(np.bool_))
    after, reward, *_, info = env.step(int(after["advice_move"]))
    assert (reward, info["ply"]) == (0.0, 2)
    assert after["queries_left"].tolist() == [2]


def test_the_side_that_asks_pays_where_the_learner_plays_both() -> None:
    env = single(protocol=on_demand(1, cost=0.25))
    seen, _ = env.reset(seed=0)
    left = []
    for _ in range(2):
        seen, reward, *_ = env.step(ASK_VALUE)
        assert reward == -0.25
        left.append(seen["queries_left"].tolist())
        seen, reward, *_ = env.step(env.unwrapped.sample_action(0))
        assert reward == 0.0
        left.append(seen["queries_left"].tolist())
    assert left == [[0], [1], [0], [0]]  # White's, Black's, Black's, White's


def test_other_rewards_are_not_paid_for_questions() -> None:
    env = single(protocol=on_demand(3, cost=0.25), reward=Counting())
    env.reset(seed=0)
    assert env.step(ASK_MOVE)[1] == -0.25
    assert env.step(env.unwrapped.sample_action(0))[1] == 1.0


@pytest.mark.parametrize("opponent", ["self", "random"])
def test_an_end_shows_what_is_left_and_no_question(opponent: str) -> None:
    env = single(starts=MATE_IN_ONE, opponent=opponent, learner_color="white", advisor=PANEL)
    env.reset(seed=0)
    env.step(ASK_MOVE)
    board = env.unwrapped.board()
    seen, reward, terminated, *_ = env.step(move_to_action(board.parse_san("Qg7#"), board))
    assert (reward, terminated) == (1.0, True)
    assert not seen["action_mask"].any()
    assert not seen["panel_available"].any()
    # At the end the side to move is the mated one; against an opponent it is the learner who looks.
    assert seen["queries_left"].tolist() == ([3] if opponent == "self" else [2])


def test_an_illegal_question_loses_and_says_why() -> None:
    env = single(protocol=on_demand(1))
    env.reset(seed=0)
    env.step(ASK_MOVE)
    with pytest.warns(UserWarning, match=r"action 4673 \(ask for a value\) is not legal in .*: nothing is left of the"):
        seen, reward, terminated, truncated, info = env.step(ASK_VALUE)
    assert (reward, terminated, truncated, info["termination"]) == (-1.0, True, False, "illegal_action")
    assert not seen["action_mask"].any()


def test_an_illegal_question_raises_where_illegal_moves_do() -> None:
    env = single(protocol=on_demand(1), illegal_action="raise")
    env.reset(seed=0)
    seen, *_ = env.step(ASK_MOVE)
    with pytest.raises(IllegalActionError, match="nothing is left of the budget of 1 questions for this game"):
        env.step(ASK_VALUE)
    assert env.unwrapped.scorer.queries.tolist() == [[1, 0]]
    assert not env.step(int(seen["advice_move"]))[2]


def test_another_protocol_knows_no_questions() -> None:
    env = single(protocol="never")
    env.reset(seed=0)
    assert "queries_left" not in env.observation_space.spaces
    with pytest.raises(IllegalActionError, match="from 0 to 4671"):
        env.step(ASK_MOVE)


# --- Opponents ---


@pytest.mark.parametrize(
    ("advised", "color", "says"),
    [
        ("both", "white", "'both'"),
        ("opponent", "white", "'opponent'"),
        ("white", "alternate", "'white'"),
        (("learner", "black"), "random", r"\('learner', 'black'\)"),
    ],
)
def test_an_opponent_inside_the_environment_cannot_ask(advised: Any, color: str, says: str) -> None:
    for make in (single, vector):
        with pytest.raises(SpecError, match=f"advised is {says}, which lets the opponent ask: .* is a Player"):
            make(opponent="random", advised=advised, learner_color=color).close()


@pytest.mark.parametrize(("advised", "color"), [("white", "white"), ("player_1", "black"), ("none", "alternate")])
def test_who_is_the_learner_may_be_named_by_its_side(advised: str, color: str) -> None:
    env = single(opponent="random", advised=advised, learner_color=color)
    seen, _ = env.reset(seed=0)
    assert seen["action_mask"][MOVES:].tolist() == ([0, 0] if advised == "none" else [1, 1])
    assert seen["queries_left"].tolist() == ([0] if advised == "none" else [3])


def test_an_opponent_does_not_see_what_the_learner_was_told() -> None:
    opponent = Watching()
    env = single(opponent=opponent, learner_color="white", protocol=on_demand(None))
    env.reset(seed=0)
    for _ in range(4):
        env.step(ASK_MOVE)
        env.step(env.unwrapped.sample_action(0))
    assert len(opponent.shown) == 4
    for shown in opponent.shown:
        assert shown is not None
        assert shown.move.tolist() == [NO_MOVE]
        assert not shown.available.any()


# --- Many games ---


def test_what_all_games_ask_is_one_batch_for_each_part() -> None:
    advisor = Noting()
    env = vector(6, advisor=advisor, opponent="random")
    env.reset(seed=0)
    moves = env.unwrapped.sample_actions(np.arange(6))
    seen, *_ = env.step(np.array([ASK_MOVE, ASK_VALUE, moves[2], ASK_MOVE, moves[4], ASK_VALUE]))
    assert [(query.asks, len(query)) for query in advisor.queries] == [("move", 2), ("value", 2)]
    assert seen["advice_available"].tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 0], [0, 1]]
    assert seen["queries_left"][:, 0].tolist() == [2, 2, 3, 2, 3, 2]


@pytest.mark.parametrize("more", [{}, {"observation_format": "packed"}, {"threads": 2}, {"copy": False}])
def test_a_game_in_a_vector_is_the_game_alone(more: dict[str, Any]) -> None:
    settings = {"advisor": PANEL, "opponent": "random", "protocol": on_demand(4, cost=0.125), "max_plies": 12}
    wanted = {key: value for key, value in more.items() if key == "observation_format"}
    many = vector(4, **settings, **more)
    alone = [single(**settings, **wanted) for _ in range(4)]
    seen, _ = many.reset(seed=7)
    for i, env in enumerate(alone):
        env.reset(seed=7 + i)
    rng = np.random.default_rng(0)
    ended = np.zeros(4, dtype=np.bool_)
    asked = 0
    for _ in range(40):
        actions = np.array([0 if over else choose(m, rng) for m, over in zip(masks_of(many), ended, strict=True)])
        asked += int(((actions >= MOVES) & ~ended).sum())
        seen, rewards, terminated, truncated, _ = many.step(actions)
        for i, env in enumerate(alone):
            told = (env.reset()[0], 0.0, False, False) if ended[i] else env.step(actions[i])[:4]
            mine = ({key: array[i] for key, array in seen.items()}, float(rewards[i]))
            mine += (bool(terminated[i]), bool(truncated[i]))
            assert_same(mine, tuple(told), f"game {i}")
        ended = terminated | truncated
    assert asked > 20
    assert many.unwrapped.scorer.queries.sum() > 0


def masks_of(env: Any) -> Any:
    return env.unwrapped.action_masks()


def test_games_that_are_dealt_again_have_their_budget_again() -> None:
    env = vector(2, autoreset_mode="SameStep", starts=MATE_IN_ONE, opponent="random", learner_color="white")
    env.reset(seed=0)
    env.step(np.array([ASK_MOVE, ASK_MOVE]))
    board = env.unwrapped.board(0)
    mate = move_to_action(board.parse_san("Qg7#"), board)
    seen, _, terminated, _, infos = env.step(np.array([mate, ASK_VALUE]))
    assert terminated.tolist() == [True, False]
    assert infos["final_obs"][0]["queries_left"].tolist() == [2]
    assert not infos["final_obs"][0]["action_mask"].any()
    assert env.unwrapped.single_observation_space.contains(infos["final_obs"][0])
    assert seen["queries_left"].tolist() == [[3], [1]]
    assert seen["action_mask"][:, MOVES:].tolist() == [[1, 1], [0, 0]]
    assert seen["advice_available"].tolist() == [[0, 0], [1, 1]]


def test_a_vector_samples_moves_and_questions_apart() -> None:
    env = vector(3, protocol=on_demand(1))
    env.reset(seed=0)
    env.step(np.array([ASK_MOVE, env.unwrapped.sample_actions([0, 1, 2])[1], ASK_VALUE]))
    drawn = np.array([env.unwrapped.sample_asks(np.arange(3) + 10 * k) for k in range(20)])
    assert (drawn[:, [0, 2]] == -1).all()
    assert set(drawn[:, 1].tolist()) == {ASK_MOVE, ASK_VALUE}
    assert (env.unwrapped.sample_actions([3, 4, 5]) < MOVES).all()
    assert gymnasium.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=2).unwrapped.sample_asks([0, 1]).tolist() == [
        -1,
        -1,
    ]


def test_one_bad_question_changes_no_game() -> None:
    env = vector(3, protocol=on_demand(1), illegal_action="raise")
    env.reset(seed=0)
    env.step(np.array([ASK_MOVE] * 3))
    fens = env.unwrapped.games.fens()
    legal = env.unwrapped.sample_actions([0, 1, 2])
    with pytest.raises(IllegalActionError, match=r"game 1: action 4673 \(ask for a value\) is not legal"):
        env.step(np.array([legal[0], ASK_VALUE, legal[2]]))
    illegal = np.array([legal[0], 0, legal[2]])
    with pytest.raises(IllegalActionError, match="game 1: action 0 "):
        env.step(illegal)
    with pytest.raises(IllegalActionError, match="game 2: 4674 is no action: they go from 0 to 4673"):
        env.step(np.array([legal[0], legal[1], 4674]))
    assert env.unwrapped.games.fens() == fens


def test_one_bad_move_leaves_questions_unasked() -> None:
    env = vector(2, illegal_action="raise")
    seen, _ = env.reset(seed=0)
    before = {key: array.copy() for key, array in seen.items()}
    with pytest.raises(IllegalActionError, match="game 1: action 0 "):
        env.step(np.array([ASK_MOVE, 0]))
    assert env.unwrapped.scorer.queries.tolist() == [[0, 0], [0, 0]]
    after, *_ = env.reset(options={"reset_mask": np.array([False, True])})
    assert after["advice_available"][0].tolist() == before["advice_available"][0].tolist() == [0, 0]
    assert after["queries_left"].tolist() == [[3], [3]]


def test_a_reward_that_gives_the_same_array_again_is_not_changed_by_a_cost() -> None:
    always = np.zeros((1, 2))
    env = single(protocol=on_demand(3, cost=0.5), reward=lambda games, played, outcome: always)
    env.reset(seed=0)
    assert env.step(ASK_MOVE)[1] == -0.5
    assert env.step(ASK_VALUE)[1] == -0.5
    assert not always.any()


def test_one_bad_question_loses_its_own_game_alone() -> None:
    env = vector(3, protocol=on_demand(1, cost=0.25))
    env.reset(seed=0)
    env.step(np.array([ASK_MOVE] * 3))
    legal = env.unwrapped.sample_actions([0, 1, 2])
    with pytest.warns(UserWarning, match=r"action 4673 \(ask for a value\) is not legal .* nothing is left"):
        seen, rewards, terminated, _, infos = env.step(np.array([legal[0], ASK_VALUE, legal[2]]))
    assert (rewards.tolist(), terminated.tolist()) == ([0.0, -1.0, 0.0], [False, True, False])
    assert infos["termination"][1] == "illegal_action"
    assert seen["queries_left"][:, 0].tolist() == [1, 0, 1]


def test_the_audit_hears_every_question() -> None:
    heard: list[Any] = []
    env = vector(3, advisor=LYING, audit=heard.append)
    env.reset(seed=0)
    for actions in ([ASK_MOVE] * 3, [ASK_VALUE] * 3):
        env.step(np.array(actions))
    assert [(audit.query.asks, audit.rows.tolist(), audit.query.count.tolist()) for audit in heard] == [
        ("move", [0, 1, 2], [0, 0, 0]),
        ("value", [0, 1, 2], [1, 1, 1]),
    ]
    assert heard[1].advice.provenance.by.tolist() == ["value_noise"] * 3
    assert env.unwrapped.scorer.last is heard[1]


def test_what_is_disclosed_is_told_with_every_question() -> None:
    advisor = Noting()
    env = single(advisor=advisor, rating=1400, watch="every_turn", proposer={"kind": "uniform"})
    env.reset(seed=0)
    env.step(ASK_MOVE)
    env.step(ASK_VALUE)
    assert len(advisor.queries) == 2
    for query in advisor.queries:
        assert (query.rating.tolist(), query.watched.tolist()) == ([1400.0], [True])
        assert query.proposal is not None


def test_nobody_to_ask_leaves_the_spaces_as_they_are_with_an_advisor() -> None:
    alone, honest = single(advisor=None), single(advisor=HONEST)
    assert alone.observation_space == honest.observation_space
    assert alone.action_space == honest.action_space
    seen, _ = alone.reset(seed=0)
    assert not seen["action_mask"][MOVES:].any()
    assert seen["queries_left"].tolist() == [0]
