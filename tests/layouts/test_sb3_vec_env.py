"""The native vector environment under stable-baselines3 and sb3-contrib."""

from __future__ import annotations

import sys

import gymnasium
import numpy as np
import pytest

from sandwich_env import layouts
from sandwich_env.errors import MissingExtraError, SpecError
from sandwich_env.layouts import AdvicePlanes, ChannelsFirst, Flat, MaskInInfo, NestedMask

pytest.importorskip("sb3_contrib", reason="the extra 'sb3' is not installed")

from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from sandwich_env.layouts.sb3 import SandwichVecEnv

ID = "sandwich_env:sandwich/Chess-v0"
HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
SMALL = {"net_arch": [8]}
VECTOR = (ChannelsFirst(1), AdvicePlanes(), Flat(), MaskInInfo())
OPTIONS = {"advisor": HONEST, "opponent": "random", "max_plies": 7}


def native(num_envs=3, mode="SameStep", **options):
    return gymnasium.make_vec(ID, num_envs=num_envs, autoreset_mode=mode, **(OPTIONS | options))


def legal(masks, step):
    return np.array([np.flatnonzero(mask)[step % mask.sum()] for mask in masks])


@pytest.mark.parametrize("stack", [(), VECTOR], ids=["dict", "vector"])
def test_it_tells_what_sb3s_own_vector_of_monitored_environments_tells(stack):
    """Step for step, but for the time and for the seeds of later episodes, which the native one goes on with."""

    def one():
        env = gymnasium.make(ID, **OPTIONS)
        return Monitor(layouts.wrap(env, *(stack or (MaskInInfo(),))))

    ours = SandwichVecEnv(layouts.wrap(native(), *stack) if stack else native())
    theirs = DummyVecEnv([one] * 3)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    ours.seed(11)
    theirs.seed(11)
    np.testing.assert_equal(ours.reset(), theirs.reset())
    ends = 0
    for step in range(12):
        masks = get_action_masks(ours)
        np.testing.assert_array_equal(masks, get_action_masks(theirs))
        actions = legal(masks, step)
        seen, rewards, done, infos = ours.step(actions)
        expected, paid, over, told = theirs.step(actions)
        np.testing.assert_equal(seen, expected)
        np.testing.assert_array_equal(rewards, paid)
        np.testing.assert_array_equal(done, over)
        assert rewards.dtype == paid.dtype
        assert done.dtype == over.dtype
        for mine, other in zip(infos, told, strict=True):
            other.pop("action_mask")
            for info in (mine, other):
                info.get("episode", {}).pop("t", None)
            np.testing.assert_equal(mine, other)
        ends += int(done.sum())
    assert ends >= 6


def test_results_and_lengths_of_episodes():
    env = SandwichVecEnv(native(num_envs=2, starts="7k/8/5KQ1/8/8/8/8/8 w - - 0 1", learner_color="white"))
    env.seed(0)
    env.reset()
    board = env.env_method("board")[0]
    mate = next(move for move in board.legal_moves if board.san(move) == "Qg7#")
    from sandwich_env.rules import move_to_action

    _, rewards, done, infos = env.step(np.array([move_to_action(mate, board)] * 2))
    assert rewards.tolist() == [1.0, 1.0]
    assert done.all()
    for info in infos:
        assert (info["episode"]["r"], info["episode"]["l"], info["result"]) == (1.0, 1, 1.0)
        assert info["termination"] == "checkmate"
        assert info["TimeLimit.truncated"] is False


def test_maskable_ppo_learns_saves_and_is_evaluated(tmp_path):
    env = SandwichVecEnv(layouts.wrap(native(), *VECTOR))
    model = MaskablePPO("MlpPolicy", env, n_steps=8, batch_size=12, n_epochs=1, policy_kwargs=SMALL, seed=0)
    model.learn(48)
    assert len(model.ep_info_buffer) > 0
    assert {info["l"] for info in model.ep_info_buffer} <= {3, 4}
    model.save(tmp_path / "h.zip")
    again = MaskablePPO.load(tmp_path / "h.zip", env=env)
    returns, lengths = evaluate_policy(again, env, n_eval_episodes=4, return_episode_rewards=True)
    assert len(returns) == 4
    assert set(lengths) <= {3, 4}


def test_maskable_ppo_takes_the_dict_without_its_mask():
    env = VecMonitor(SandwichVecEnv(layouts.wrap(native(), AdvicePlanes(), ChannelsFirst(1))))
    assert set(env.observation_space) == {"observation"}
    assert is_masking_supported(env)
    model = MaskablePPO("MultiInputPolicy", env, n_steps=4, batch_size=12, n_epochs=1, policy_kwargs=SMALL, seed=0)
    model.learn(24)
    assert model.num_timesteps == 24


def test_maskable_ppo_with_questions_as_actions():
    options = {"protocol": {"kind": "on_demand", "budget": 3, "cost": 0.1}}
    env = SandwichVecEnv(layouts.wrap(native(**options), *VECTOR))
    assert env.action_space.n == 4674
    assert get_action_masks(env).shape == (3, 4674)
    model = MaskablePPO("MlpPolicy", env, n_steps=8, batch_size=12, n_epochs=1, policy_kwargs=SMALL, seed=0)
    model.learn(24)


def test_a_single_environment_goes_into_maskable_ppo_as_it_is():
    env = layouts.wrap(gymnasium.make(ID, **OPTIONS), *VECTOR)
    assert is_masking_supported(env)
    model = MaskablePPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, policy_kwargs=SMALL, seed=0)
    model.learn(16)


def test_what_sb3_asks_of_each_game():
    env = SandwichVecEnv(native(render_mode="rgb_array"))
    env.reset()
    assert env.env_is_wrapped(Monitor) == [True] * 3
    assert env.env_is_wrapped(gymnasium.Wrapper, [0]) == [False]
    assert env.get_attr("num_envs", [0, 2]) == [3, 3]
    assert not env.has_attr("no_such_thing")
    masks = [ask() for ask in env.get_attr("action_masks")]
    np.testing.assert_array_equal(masks, env.action_masks())
    assert len(env.env_method("board", indices=[1])) == 1
    assert env.render().shape[2] == 3
    assert env.env_method("render", indices=0)[0].shape == (480, 496, 3)
    with pytest.raises(AttributeError, match="no method 'fly'"):
        env.env_method("fly")
    with pytest.raises(SpecError, match="'max_plies' cannot be set to 3"):
        env.set_attr("max_plies", 3)
    env.close()
    assert env.envs.unwrapped.closed


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: native(mode="NextStep"), "autoreset_mode is .*NEXT_STEP.*'SameStep'"),
        (lambda: gymnasium.make(ID), "no vector environment.*make_vec"),
        (lambda: layouts.wrap(native(), NestedMask()), "no Dict in a Dict, and 'observation' is one.*NestedMask"),
        (lambda: gymnasium.make_vec("CartPole-v1", num_envs=2), "has no action_masks"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(SpecError, match=words):
        SandwichVecEnv(make())


def test_the_extra_is_named_where_stable_baselines3_is_missing(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "stable_baselines3"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "sandwich_env.layouts.sb3")
    with pytest.raises(MissingExtraError, match=r"sandwich_env\[sb3\]"):
        __import__("sandwich_env.layouts.sb3")
