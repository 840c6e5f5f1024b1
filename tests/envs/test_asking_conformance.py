"""The checkers of others, and this package's, pass where asking is an action."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from asking_support import LYING, MOVES, PANEL, on_demand, options, single, vector
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test

from sandwich_env import sandwich_chess_v0
from sandwich_env.advisors.base import Advisor
from sandwich_env.specs import from_spec
from sandwich_env.testing.aec import check_aec
from sandwich_env.testing.chess_games import check_chess_games
from sandwich_env.testing.chess_planes import check_chess_observation
from sandwich_env.testing.leak import check_no_leak
from sandwich_env.testing.replay import check_replay
from sandwich_env.testing.seeds import check_seeds
from sandwich_env.testing.vector import check_vector_env

AEC = "sandwich_env.sandwich_chess_v0:env"


def make(**more: Any) -> Any:
    return sandwich_chess_v0.env(**options(**more))


@pytest.mark.filterwarnings("ignore")
def test_pettingzoo_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    api_test(make(), num_cycles=60)
    seed_test(make, num_cycles=30)
    parallel_api_test(sandwich_chess_v0.parallel_env(**options()), num_cycles=60)
    parallel_seed_test(lambda: sandwich_chess_v0.parallel_env(**options()), num_cycles=30)
    assert "Passed" in capsys.readouterr().out


@pytest.mark.parametrize("more", [{}, {"advisor": PANEL}, {"observation_format": "packed"}])
def test_gymnasium_agrees(more: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is not legal in.*")  # actions are drawn without the mask
        warnings.filterwarnings("ignore", message=".*not within the observation space.*infinity.*")
        check_env(single(opponent="random", **more).unwrapped, skip_render_check=True)


@pytest.mark.slow
def test_stable_baselines_agrees_and_learns() -> None:
    pytest.importorskip("sb3_contrib", reason="needs sb3-contrib")
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.env_checker import check_env as check_sb3_env

    env = single(opponent="random", protocol=on_demand(3, cost=0.01))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on image sizes and on illegal actions
        check_sb3_env(env, warn=False)
    small = {"net_arch": [8], "features_extractor_kwargs": {"cnn_output_dim": 8}}
    model = MaskablePPO("MultiInputPolicy", env, n_steps=24, batch_size=24, n_epochs=1, policy_kwargs=small, seed=0)
    model.learn(48)
    assert model.num_timesteps == 48
    seen, _ = env.reset(seed=0)
    action, _ = model.predict(seen, action_masks=env.unwrapped.action_masks())
    assert seen["action_mask"][int(action)] == 1


@pytest.mark.parametrize(
    "more", [{}, {"advisor": PANEL}, {"observation_format": "packed", "protocol": on_demand(None)}]
)
def test_the_contract_of_turns_holds(more: dict[str, Any]) -> None:
    found = check_aec(lambda: make(**more), games=8)
    assert found.not_reached() == ["zero-sum"]


def test_chess_stays_chess() -> None:
    whole = {"protocol": on_demand(None), "max_plies": 60}
    check_chess_games(lambda: make(**whole), games=2, max_plies=60)
    check_chess_observation(lambda: make(**whole), games=1, max_plies=50)


def test_seeds_decide() -> None:
    check_seeds(make, seeds=2, steps=25, stochastic=True)
    check_seeds(lambda: vector(autoreset_mode="SameStep"), seeds=1, steps=10)
    check_seeds(lambda: sandwich_chess_v0.parallel_env(**options()), seeds=1, steps=25)


def test_a_game_can_be_replayed_by_its_actions() -> None:
    check_replay(AEC, options(advisor=PANEL), steps=60)


@pytest.mark.parametrize("more", [{}, {"advisor": PANEL, "opponent": "random"}, {"observation_format": "packed"}])
def test_the_contract_of_vectors_holds(more: dict[str, Any]) -> None:
    def make_vec(*, autoreset_mode: Any) -> Any:
        return vector(autoreset_mode=autoreset_mode, **(more | {"max_plies": 6}))

    check_vector_env(make_vec, lambda: single(**(more | {"max_plies": 6})), steps=20)


@pytest.mark.parametrize("advisor", [LYING, PANEL])
def test_nothing_of_the_truth_gets_through(advisor: dict[str, Any]) -> None:
    told = {"protocol": on_demand(None, cost=0.01), "render_mode": "ansi"}
    check_no_leak(lambda inner: make(**(told | {"advisor": inner})), from_spec(advisor, Advisor), steps=40)
    check_no_leak(lambda inner: vector(**(told | {"advisor": inner})), from_spec(advisor, Advisor), steps=20)


def test_a_budget_of_lies_leaks_nothing() -> None:
    advisor = {"kind": "panel", "members": [LYING | {"when": {"kind": "budget", "lies": 2}}, LYING]}
    settings = {"protocol": on_demand(None)}
    check_no_leak(lambda inner: make(**(settings | {"advisor": inner})), from_spec(advisor, Advisor), steps=80)


def test_masks_go_as_far_as_actions_do() -> None:
    env = make(advisor=PANEL)
    env.reset(seed=0)
    assert len(env.observe("player_0")["action_mask"]) == env.action_space("player_0").n == MOVES + 6
    assert env.action_space("player_0").sample(env.observe("player_0")["action_mask"]) < MOVES + 6
    assert np.count_nonzero(env.observe("player_0")["action_mask"]) == 26
