"""Layouts around each kind of environment, checked by the libraries' own tests and by this package's."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import api_test, parallel_api_test

from sandwich_env import layouts, sandwich_chess_v0
from sandwich_env.advisors.base import Advisor
from sandwich_env.errors import SpecError
from sandwich_env.layouts import AdvicePlanes, ChannelsFirst, Flat, MaskInInfo, NestedMask
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_no_leak, check_seeds, check_vector_env

ID = "sandwich_env:sandwich/Chess-v0"
ADVISOR = {"kind": "random_move", "epsilon": 0.5, "inner": {"kind": "honest", "expert": {"kind": "uniform"}}}
STACKS = {
    "planes": ["advice_planes"],
    "vector": [ChannelsFirst(1), AdvicePlanes(), Flat(), MaskInInfo()],
    "nested": [AdvicePlanes(), ChannelsFirst(1), NestedMask("observations")],
}


def single(stack, **options):
    return layouts.wrap(gymnasium.make(ID, advisor=ADVISOR, **options), *STACKS[stack])


def vector(stack, num_envs=3, **options):
    return layouts.wrap(gymnasium.make_vec(ID, num_envs=num_envs, advisor=ADVISOR, **options), *STACKS[stack])


def aec(stack, **options):
    return layouts.wrap(sandwich_chess_v0.env(advisor=ADVISOR, **options), *STACKS[stack])


@pytest.mark.parametrize("stack", STACKS)
def test_gymnasiums_checker(stack):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        check_env(single(stack, max_plies=30), skip_render_check=True)
    # It sends illegal actions, and would rather be given the environment without a wrapper; else it has no complaint.
    known = ("is not legal in", "is different from the unwrapped version")
    said = [str(one.message) for one in warned if one.category is not ResourceWarning]  # what other tests left behind
    assert not [message for message in said if not any(words in message for words in known)]


def test_a_gymnasium_environment_tells_what_it_told():
    plain, env = gymnasium.make(ID, advisor=ADVISOR, max_plies=8), single("vector", max_plies=8)
    stack = layouts.Stack(STACKS["vector"])
    (seen, info), (shown, told) = plain.reset(seed=3), env.reset(seed=3)
    ended = False
    while not ended:
        batch = {key: np.asarray(part)[None] for key, part in seen.items()}
        np.testing.assert_array_equal(shown, stack(batch)[0])
        np.testing.assert_equal(told, info | {"action_mask": seen["action_mask"]})
        action = int(np.flatnonzero(seen["action_mask"])[-1])
        seen, *rest, info = plain.step(action)
        shown, *same, told = env.step(action)
        assert rest == same
        ended = rest[1] or rest[2]
    np.testing.assert_array_equal(env.get_wrapper_attr("action_masks")(), env.unwrapped.action_masks())


def test_a_wrapped_environment_is_made_again_from_its_spec():
    env = single("nested", max_plies=9)
    again = gymnasium.make(env.spec)
    assert again.observation_space == env.observation_space
    np.testing.assert_equal(again.reset(seed=1)[0], env.reset(seed=1)[0])


@pytest.mark.parametrize("stack", STACKS)
def test_a_vector_is_its_single_environments_in_all_modes(stack):
    check_vector_env(
        lambda *, autoreset_mode: vector(stack, autoreset_mode=autoreset_mode, max_plies=7, opponent="random"),
        lambda: single(stack, max_plies=7, opponent="random"),
        steps=12,
    )


def test_the_ends_of_same_step():
    envs = vector("vector", autoreset_mode=AutoresetMode.SAME_STEP, max_plies=3)
    envs.reset(seed=0)
    for _ in range(3):
        seen, _, _, truncated, infos = envs.step(envs.unwrapped.sample_actions(np.arange(3)))
    assert truncated.all()
    assert seen.shape == (3, 1920)
    assert all(end.shape == (1920,) for end in infos["final_obs"])
    assert infos["action_mask"].any(axis=1).all()
    assert not infos["final_info"]["action_mask"].any()
    assert infos["_action_mask"].all()
    assert infos["final_info"]["_action_mask"].all()


@pytest.mark.parametrize("stack", STACKS)
def test_pettingzoos_tests(stack):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on observations that are Dicts
        if stack != "vector":  # it looks for a mask in what it sees, and takes illegal actions without
            api_test(aec(stack, max_plies=40), num_cycles=50)
        parallel = layouts.wrap(sandwich_chess_v0.parallel_env(advisor=ADVISOR, max_plies=20), *STACKS[stack])
        parallel_api_test(parallel, num_cycles=30)


@pytest.mark.parametrize("stack", STACKS)
def test_a_turn_based_environment_tells_what_it_told(stack):
    plain, env = sandwich_chess_v0.env(advisor=ADVISOR, max_plies=6), aec(stack, max_plies=6)
    plain.reset(seed=5)
    env.reset(seed=5)
    laid_out = layouts.Stack(STACKS[stack])
    for agent in plain.agent_iter():
        seen, *rest, info = plain.last()
        shown, *same, told = env.last()
        batch = {key: np.asarray(part)[None] for key, part in seen.items()}
        np.testing.assert_equal(shown, layouts.base.tree_row(laid_out(batch), 0))
        assert env.observation_space(agent).contains(shown)
        assert rest == same
        mask = {"action_mask": seen["action_mask"]} if stack == "vector" else {}
        np.testing.assert_equal(told, info | mask)
        action = None if rest[1] or rest[2] else int(np.flatnonzero(seen["action_mask"])[0])
        plain.step(action)
        env.step(action)
    assert not env.agents
    assert env.max_num_agents == 2


def test_the_parallel_form_tells_what_the_turn_based_one_does():
    one, both = (
        aec("vector", max_plies=6),
        layouts.wrap(sandwich_chess_v0.parallel_env(advisor=ADVISOR, max_plies=6), *STACKS["vector"]),
    )
    one.reset(seed=2)
    seen, infos = both.reset(seed=2)
    while both.agents:
        mover = one.agent_selection
        np.testing.assert_equal(seen, {agent: one.observe(agent) for agent in one.agents})
        masks = {agent: info["action_mask"] for agent, info in one.infos.items()}
        np.testing.assert_equal({agent: info["action_mask"] for agent, info in infos.items()}, masks)
        action = int(np.flatnonzero(masks[mover])[0])
        one.step(action)
        seen, _, _, _, infos = both.step({mover: action})


def test_the_advisors_seat_keeps_its_own_layout_unless_named():
    options = {"advisor": "agent", "max_plies": 6}
    players = layouts.wrap(sandwich_chess_v0.env(**options), ChannelsFirst(1), AdvicePlanes())
    plain = sandwich_chess_v0.env(**options)
    assert players.observation_space("advisor_0") == plain.observation_space("advisor_0")
    assert players.observation_space("player_0")["observation"].shape == (30, 8, 8)
    advisor = layouts.wrap(players, ChannelsFirst(1), Flat(), agents="advisor_0")
    advisor.reset(seed=0)
    assert advisor.agent_selection == "advisor_0"
    seen = advisor.observe("advisor_0")
    assert advisor.observation_space("advisor_0").contains(seen)
    assert seen["observation"].ndim == 1
    assert advisor.observe("player_0")["observation"].shape == (30, 8, 8)


def test_nothing_leaks_and_seeds_hold():
    advisor = from_spec(ADVISOR, Advisor)
    stack = [ChannelsFirst(1), AdvicePlanes(), NestedMask()]
    check_no_leak(
        lambda made: layouts.wrap(sandwich_chess_v0.env(advisor=made, max_plies=20), *stack), advisor, steps=30
    )
    check_no_leak(lambda made: layouts.wrap(gymnasium.make(ID, advisor=made), *stack), advisor, steps=30)
    check_seeds(lambda: aec("nested", max_plies=12), steps=40)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layouts.wrap(object(), Flat()), "no Gymnasium environment.*SandwichVecEnv"),
        (lambda: layouts.wrap(gymnasium.make(ID)), "name at least one"),
        (lambda: layouts.wrap(gymnasium.make(ID), Flat(), agents="player_0"), "agents is 'player_0'"),
        (lambda: layouts.wrap(sandwich_chess_v0.env(), Flat(), agents="player_9"), "unknown agent 'player_9'.*player_"),
        (lambda: layouts.wrap(gymnasium.make(ID), "flatten"), "did you mean 'flat'"),
        (
            lambda: layouts.wrap(layouts.wrap(gymnasium.make(ID), Flat(), MaskInInfo()), Flat()),
            "Flat wants a Dict, and the environment gives Box.*give all layouts to one wrap",
        ),
        (
            lambda: layouts.wrap(layouts.wrap(sandwich_chess_v0.env(), AdvicePlanes()), Flat()),
            "sees an advisor channel.*name the agents",
        ),
    ],
)
def test_refusals(make, words):
    with pytest.raises(SpecError, match=words):
        make()
