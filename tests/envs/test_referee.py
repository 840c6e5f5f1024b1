"""`sandwich_chess_v0.env()` does what PettingZoo's wrappers do to `raw_env()`."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from pettingzoo.utils import wrappers

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.referee import RefereedChessAEC
from sandwich_env.errors import GameOverError, IllegalActionError
from sandwich_env.testing.equality import assert_same

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}


def wrapped(**options: Any) -> Any:
    """What chess_v6 does with its raw environment."""
    raw = wrappers.TerminateIllegalWrapper(sandwich_chess_v0.raw_env(**options), illegal_reward=-1)
    return wrappers.OrderEnforcingWrapper(wrappers.AssertOutOfBoundsWrapper(raw))


def told(env: Any) -> dict[str, Any]:
    return {
        "agents": list(env.agents),
        "observations": {agent: env.observe(agent)["observation"] for agent in env.agents},
        "masks": {agent: env.observe(agent)["action_mask"] for agent in env.agents},
        "rewards": {agent: float(env.rewards[agent]) for agent in env.agents},
        "cumulative": {agent: float(env._cumulative_rewards[agent]) for agent in env.agents},
        "terminations": dict(env.terminations),
        "truncations": dict(env.truncations),
    }


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_it_tells_the_agents_what_the_wrappers_tell_them(share: float, caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = sandwich_chess_v0.env(max_plies=30), wrapped(max_plies=30)
    rng, illegal = np.random.default_rng(0), 0
    for seed in range(12):
        for env in (ours, theirs):
            env.reset(seed=seed)
        while ours.agents:
            assert_same(told(ours), told(theirs), f"seed {seed}")
            agent = ours.agent_selection
            if ours.terminations[agent] or ours.truncations[agent]:
                ours.step(None)
                theirs.step(None)
                continue
            assert agent == theirs.agent_selection
            mask = ours.observe(agent)["action_mask"]
            wanted = 1 - mask if rng.random() < share else mask
            illegal += wanted is not mask
            action = int(rng.choice(np.flatnonzero(wanted)))
            ours.step(action)
            theirs.step(action)
        assert not theirs.agents
    assert (illegal > 3) == (share > 0)
    assert caplog.text.count("Illegal move made, game terminating with current player losing") == 2 * illegal


def test_an_illegal_action_is_named_as_the_end_and_leaves_the_board_as_it_was() -> None:
    env = sandwich_chess_v0.env(advisor=HONEST)
    env.reset(seed=0)
    env.step(int(env.last()[0]["advice_move"]))
    before = env.board().fen()
    env.step(0)
    assert env.board().fen() == before
    assert env.rewards == {"player_0": 0.0, "player_1": -1.0}
    assert env.infos["player_0"] == {"outcome": 1.0, "termination": "illegal_action"}
    paid = {}
    while env.agents:
        seen, paid[env.agent_selection], terminated, truncated, _ = env.last()
        assert terminated
        assert truncated
        assert not seen["advice_available"].any()
        env.step(None)
    assert paid == {"player_0": 0.0, "player_1": -1.0}
    env.reset()
    assert env.last()[0]["action_mask"].any()
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}


@pytest.mark.parametrize(
    "name", ["agents", "num_agents", "agent_selection", "rewards", "terminations", "truncations", "infos"]
)
def test_nothing_is_told_before_reset(name: str) -> None:
    for env in (sandwich_chess_v0.env(), wrapped()):
        with pytest.raises(AttributeError, match="cannot be accessed before reset"):
            getattr(env, name)


def test_calls_before_reset_are_refused() -> None:
    calls: dict[str, tuple[Any, ...]] = {"step": (0,), "observe": ("player_0",), "render": (), "agent_iter": ()}
    for env in (sandwich_chess_v0.env(render_mode="ansi"), wrapped(render_mode="ansi")):
        for name, given in calls.items():
            with pytest.raises(AssertionError, match=r"reset\(\) needs to be called before"):
                getattr(env, name)(*given)


def test_a_loop_that_does_not_step_is_refused() -> None:
    for env in (sandwich_chess_v0.env(), wrapped()):
        env.reset(seed=0)
        with pytest.raises(AssertionError, match=r"need to call step\(\) or reset\(\) in a loop over `agent_iter`"):
            list(env.agent_iter())


def test_agent_iter_counts() -> None:
    env = sandwich_chess_v0.env()
    env.reset(seed=0)
    turns = []
    for agent in env.agent_iter(5):
        turns.append(agent)
        env.step(env.sample_action(0))
    assert turns == ["player_0", "player_1", "player_0", "player_1", "player_0"]


def test_a_step_after_the_end_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    env = sandwich_chess_v0.env(max_plies=1)
    env.reset(seed=0)
    env.step(env.sample_action(0))
    with pytest.raises(GameOverError, match="action 3 for 'player_1', whose game is over"):
        env.step(3)
    env.step(None)
    env.step(None)
    env.step(None)
    assert "step() called after all agents are terminated or truncated" in caplog.text


@pytest.mark.parametrize("action", [4672, -1, 1.0, None, np.array([1, 2])])
def test_what_is_no_action_raises(action: Any) -> None:
    env = sandwich_chess_v0.env()
    env.reset(seed=0)
    with pytest.raises(IllegalActionError, match="is no action: an action is a whole number from 0 to 4671"):
        env.step(action)


def test_it_can_be_copied_before_and_in_a_game() -> None:
    for env in (sandwich_chess_v0.env(), sandwich_chess_v0.env(advisor=HONEST)):
        for step in range(3):
            for clone in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
                assert isinstance(clone, RefereedChessAEC)
                if step:
                    assert_same(told(clone), told(env), f"step {step}")
                    clone.step(clone.sample_action(1))
                    assert clone.board().fen() != env.board().fen()
            if step:
                env.step(env.sample_action(2))
            else:
                env.reset(seed=0)


def test_an_attribute_that_it_does_not_have_is_named() -> None:
    with pytest.raises(AttributeError, match="'RefereedChessAEC' has no attribute 'bord'"):
        sandwich_chess_v0.env().bord  # noqa: B018
