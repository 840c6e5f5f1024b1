"""The native vector environment, beside what `check_vector_env` holds it to."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from sandwich_env.advisors.base import Advice, Honest, Query
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import GameOverError, IllegalActionError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.testing import check_vector_env
from sandwich_env.testing.equality import assert_same

ID = "sandwich_env:sandwich/Chess-v0"
HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
NOISY = {"kind": "random_move", "inner": HONEST, "epsilon": 0.5}
STARTS = [
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "4k3/8/8/8/8/8/4P3/4K3 b - - 0 1",
    "7k/8/5KQ1/8/8/8/8/8 w - - 0 1",
]
RICH: dict[str, Any] = {
    "opponent": "random",
    "learner_color": "random",
    "advisor": NOISY,
    "protocol": {"kind": "every_n_turns", "n": 2},
    "starts": STARTS,
    "max_plies": 15,
}


def legal(seen: Any, rng: np.random.Generator) -> Any:
    return np.array([rng.choice(np.flatnonzero(mask)) if mask.any() else 0 for mask in seen["action_mask"]])


@pytest.mark.parametrize("options", [RICH, {"advisor": NOISY, "max_plies": 9}], ids=["opponent", "self"])
def test_it_is_n_single_environments_in_every_mode(options: dict[str, Any]) -> None:
    check_vector_env(
        lambda *, autoreset_mode: gymnasium.make_vec(ID, num_envs=4, autoreset_mode=autoreset_mode, **options),
        lambda: gymnasium.make(ID, disable_env_checker=True, **options),
        steps=40,
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [RICH | {"max_plies": 60}, {"advisor": NOISY, "max_plies": 40}])
def test_it_is_n_single_environments_through_long_games(options: dict[str, Any]) -> None:
    check_vector_env(
        lambda *, autoreset_mode: gymnasium.make_vec(ID, num_envs=6, autoreset_mode=autoreset_mode, **options),
        lambda: gymnasium.make(ID, disable_env_checker=True, **options),
        steps=200,
        seed=3,
    )


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_it_is_gymnasiums_own_vector_environment_even_when_actions_are_illegal(mode: AutoresetMode) -> None:
    vectors = (
        gymnasium.make_vec(ID, num_envs=4, autoreset_mode=mode, **RICH),
        gymnasium.make_vec(ID, 4, "sync", vector_kwargs={"autoreset_mode": mode}, **RICH),
    )
    assert isinstance(vectors[0], ChessVectorEnv)
    assert isinstance(vectors[1], SyncVectorEnv)
    rng = np.random.default_rng(0)
    first, second = (vector.reset(seed=11) for vector in vectors)
    assert_same(first, second, "reset")
    forfeits = 0
    for t in range(40):
        actions = legal(first[0], rng)
        actions[0] = rng.integers(4672)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is not legal in.* and loses the game")
            first, second = (vector.step(actions.copy()) for vector in vectors)
        assert_same(first, second, f"step {t}")
        forfeits += int((first[1] == -1).sum())
        done = first[2] | first[3]
        if mode is AutoresetMode.DISABLED and done.any():
            first, second = (vector.reset(options={"reset_mask": done.copy()}) for vector in vectors)
            assert_same(first, second, f"reset after step {t}")
    assert forfeits >= 10


def test_a_list_of_seeds_seeds_each_game() -> None:
    seeds = [5, 9, 2**70]
    vector = ChessVectorEnv(3, **RICH)
    seen, _ = vector.reset(seed=seeds)
    for i, seed in enumerate(seeds):
        single, _ = gymnasium.make(ID, **RICH).reset(seed=seed)
        assert np.array_equal(seen["observation"][i], single["observation"])
    again, _ = vector.reset(seed=[5, None, None])
    assert np.array_equal(again["observation"][0], seen["observation"][0])


def test_without_a_seed_the_games_differ_and_go_on_from_one_another() -> None:
    vector = ChessVectorEnv(30, starts=STARTS)
    seen, _ = vector.reset()
    assert len({one.tobytes() for one in seen["observation"]}) == len(STARTS)
    assert any(not np.array_equal(vector.reset()[0]["observation"], seen["observation"]) for _ in range(3))


def test_a_first_reset_of_some_games_leaves_the_others_undealt() -> None:
    vector = ChessVectorEnv(2)
    vector.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(GameOverError, match=r"before the first game: call reset\(\)"):
        vector.step([0, 0])


def test_arrays_are_new_unless_reuse_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    for copy in (True, False):
        vector = ChessVectorEnv(3, copy=copy, advisor=HONEST)
        first, _ = vector.reset(seed=0)
        second = vector.step(legal(first, rng))[0]
        assert np.shares_memory(first["observation"], second["observation"]) is not copy
        assert np.shares_memory(first["action_mask"], second["action_mask"]) is not copy
        assert not np.shares_memory(first["advice_move"], second["advice_move"])


def test_reused_arrays_hold_the_same_as_new_ones() -> None:
    vectors = [ChessVectorEnv(3, copy=copy, **RICH, autoreset_mode="SameStep") for copy in (True, False)]
    rng = np.random.default_rng(0)
    first, second = (vector.reset(seed=1) for vector in vectors)
    for t in range(40):
        actions = legal(first[0], rng)
        first, second = (vector.step(actions) for vector in vectors)
        assert_same(first, second, f"step {t}")


def test_action_masks_are_those_of_the_observation() -> None:
    vector = ChessVectorEnv(3, opponent="random")
    seen, _ = vector.reset(seed=0)
    assert np.array_equal(vector.action_masks(), seen["action_mask"].astype(np.bool_))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_sampled_actions_are_those_of_the_games_and_may_be_sent_after_an_end(mode: AutoresetMode) -> None:
    vector = ChessVectorEnv(4, max_plies=7, illegal_action="raise", autoreset_mode=mode)
    seen, _ = vector.reset(seed=0)
    sampled = 0
    for t in range(30):
        actions = vector.sample_actions(np.arange(4) + t)
        legal = seen["action_mask"].any(axis=1)
        assert np.array_equal(actions, np.where(legal, vector.games.sample(np.arange(4) + t), 0))
        assert (seen["action_mask"][np.arange(4), actions] == legal).all()
        seen, _, terminated, truncated, _ = vector.step(actions)
        sampled += int(legal.sum())
        if mode is AutoresetMode.DISABLED and (terminated | truncated).any():
            seen, _ = vector.reset(options={"reset_mask": terminated | truncated})
    assert sampled >= 100


def test_a_sampled_action_of_a_single_environment_is_that_of_the_vector() -> None:
    single, vector = gymnasium.make(ID).unwrapped, ChessVectorEnv(3)
    single.reset(seed=1)
    vector.reset(seed=0)
    assert single.sample_action(5) == vector.sample_actions([0, 5, 0])[1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [RICH, {"observation_format": "packed"}, {"copy": False}], ids=["a", "b", "c"])
def test_the_games_are_the_same_on_two_threads(options: dict[str, Any]) -> None:
    count = 200
    vectors = [ChessVectorEnv(count, threads=k, **{"max_plies": 40, **options}) for k in (1, 2)]
    (first, _), (second, _) = (vector.reset(seed=3) for vector in vectors)
    ends = 0
    for t in range(60):
        assert_same(second, first, f"step {t}")
        actions = vectors[0].sample_actions(np.arange(count) * (t + 1))
        assert np.array_equal(actions, vectors[1].sample_actions(np.arange(count) * (t + 1)))
        (first, *told), (second, *also) = (vector.step(actions) for vector in vectors)
        assert_same(also, told, f"step {t}")
        ends += int((told[1] | told[2]).sum())
    assert ends > 100


class Counting(Honest):
    """Notes how many games each question is about."""

    def __init__(self) -> None:
        super().__init__(UniformExpert())
        self.asked: list[int] = []

    def advise(self, query: Query) -> Advice:
        self.asked.append(len(query))
        return super().advise(query)


@pytest.mark.parametrize("opponent", ["self", "random"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_the_learners_ask_in_one_batch_a_step_however_many_games_end(mode: AutoresetMode, opponent: str) -> None:
    advisor, count = Counting(), 6
    vector = ChessVectorEnv(
        count, advisor=advisor, opponent=opponent, autoreset_mode=mode, starts=STARTS, max_plies=9, copy=False
    )
    vector.reset(seed=0)
    ended, ends = np.zeros(count, dtype=np.bool_), 0
    assert advisor.asked == [count]
    for t in range(40):
        advisor.asked.clear()
        _, _, terminated, truncated, _ = vector.step(vector.sample_actions(np.arange(count) + t))
        ended = terminated | truncated
        ends += int(ended.sum())
        waiting = int(ended.sum()) if mode is AutoresetMode.NEXT_STEP else 0
        assert advisor.asked == ([count - waiting] if waiting < count else [])
    assert ends > 20


def test_an_advised_opponent_asks_in_one_batch_of_its_own() -> None:
    advisor = Counting()
    vector = ChessVectorEnv(5, advisor=advisor, advised="both", opponent="random", learner_color="white")
    vector.reset(seed=0)
    for t in range(5):
        advisor.asked.clear()
        vector.step(vector.sample_actions(np.arange(5) + t))
        assert advisor.asked == [5, 5]


def test_the_scorer_hears_of_each_game() -> None:
    heard: list[Any] = []
    vector = ChessVectorEnv(3, advisor=NOISY, audit=heard.append)
    seen, _ = vector.reset(seed=0)
    for _ in range(20):
        seen = vector.step(legal(seen, np.random.default_rng(0)))[0]
    rows = np.concatenate([audit.rows for audit in heard])
    assert np.bincount(rows).tolist() == [21, 21, 21]
    tampered = np.concatenate([audit.advice.provenance.tampered for audit in heard])
    assert 15 < tampered.sum() < 50
    assert heard[-1] is vector.scorer.last


def test_a_player_of_this_package_can_play_in_it() -> None:
    vector = ChessVectorEnv(3, opponent="random", illegal_action="raise", max_plies=30, autoreset_mode="SameStep")
    player = RandomPlayer()
    vector.reset(seed=0)
    for t in range(30):
        games, before = vector.games, vector.games.fens()
        games.step(player.act(games, None, Streams(mix(np.arange(3), t))))
        assert vector.games.fens() == before  # a copy was stepped: the environment does not move
        vector.step(player.act(vector.games, None, Streams(mix(np.arange(3), t))))


def test_pictures_of_all_games() -> None:
    vector = ChessVectorEnv(2, opponent="random", render_mode="ansi")
    vector.reset(seed=0)
    frames = vector.render()
    assert frames is not None
    assert frames[0].splitlines()[0].startswith("8")  # seed 0: White
    assert frames[1].splitlines()[0].startswith("1")  # seed 1: Black
    with pytest.raises(SpecError, match="unknown render_mode 'human': known: ansi, rgb_array"):
        ChessVectorEnv(2, render_mode="human")


# --- Bad input ---


def test_a_step_of_a_game_that_has_ended_is_refused_where_resets_are_the_users() -> None:
    vector = ChessVectorEnv(2, max_plies=1, autoreset_mode=AutoresetMode.DISABLED)
    seen, _ = vector.reset(seed=0)
    _, _, _, truncated, _ = vector.step(legal(seen, np.random.default_rng(0)))
    assert truncated.all()
    vector.reset(options={"reset_mask": np.array([True, False])})
    with pytest.raises(
        GameOverError, match=r"game 1 has ended \(ply_cap\): with autoreset_mode=DISABLED, call reset\("
    ):
        vector.step(legal(seen, np.random.default_rng(0)))


def test_an_illegal_action_that_raises_changes_no_game() -> None:
    vector = ChessVectorEnv(3, illegal_action="raise", advisor=HONEST)
    seen, _ = vector.reset(seed=0)
    actions = legal(seen, np.random.default_rng(0))
    wrong = actions.copy()
    wrong[1] = 0
    with pytest.raises(IllegalActionError, match=r"game 1: action 0 .* is not legal in 'rnbqkbnr/"):
        vector.step(wrong)
    _, _, _, _, infos = vector.step(actions)
    assert infos["ply"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ([0, 1], r"actions are 3 whole numbers, not an array of int64 with shape \(2,\)"),
        ([0.5, 1.0, 2.0], "actions are 3 whole numbers, not an array of float64"),
        ([0, 4672, 1], "game 1: 4672 is no action: they go from 0 to 4671"),
        ([0, 1, -1], "game 2: -1 is no action"),
    ],
)
def test_what_are_no_actions_is_refused(actions: Any, says: str) -> None:
    vector = ChessVectorEnv(3)
    vector.reset(seed=0)
    with pytest.raises(IllegalActionError, match=says):
        vector.step(actions)


@pytest.mark.parametrize(
    ("seed", "says"),
    [([1, 2], "seed holds 2 seeds for 3 games"), (-4, "seed is -4"), ([1, 2, -3], "seed is -3"), (1.5, "seed is 1.5")],
)
def test_bad_seeds_are_refused(seed: Any, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        ChessVectorEnv(3).reset(seed=seed)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"num_envs": 0}, "num_envs is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"autoreset_mode": "SameStp"}, "unknown autoreset_mode 'SameStp': did you mean 'SameStep'"),
        ({"autoreset": "SameStep"}, "unknown argument 'autoreset': did you mean 'autoreset_mode'"),
    ],
)
def test_bad_arguments_are_answered_with_what_would_be_right(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        ChessVectorEnv(**options)
