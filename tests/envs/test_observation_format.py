"""Packed observations hold the same bits as planes, in every environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import SpecError
from sandwich_env.testing.equality import assert_same

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
STARTS = ["rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "4k3/8/8/8/8/8/4P3/4K3 b - - 0 1"]
OPTIONS: dict[str, Any] = {"advisor": HONEST, "starts": STARTS, "max_plies": 14}


def unpacked(seen: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A packed observation (or a batch of them) as the plain one that it stands for."""
    planes = np.unpackbits(seen["observation"], axis=-1, bitorder="little")
    planes = planes.reshape(*seen["observation"].shape, 8)
    mask = np.unpackbits(seen["action_mask"], axis=-1, bitorder="little").astype(np.int8)
    plain = np.ascontiguousarray(np.moveaxis(planes, -3, -1)).astype(np.bool_)
    return seen | {"observation": plain, "action_mask": mask}


def test_the_single_environment() -> None:
    plain, packed = (
        gymnasium.make(
            "sandwich_env:sandwich/Chess-v0", opponent="random", observation_format=layout, **OPTIONS
        ).unwrapped
        for layout in ("planes", "packed")
    )
    assert isinstance(packed, ChessEnv)
    assert isinstance(plain, ChessEnv)
    assert isinstance(packed.observation_space, gymnasium.spaces.Dict)
    assert packed.observation_space["observation"] == gymnasium.spaces.Box(0, 255, (111, 8), np.uint8)
    assert packed.observation_space["action_mask"] == gymnasium.spaces.Box(0, 255, (584,), np.uint8)
    expected, seen = (env.reset(seed=3)[0] for env in (plain, packed))
    ends = 0
    for t in range(60):
        assert packed.observation_space.contains(seen)
        assert_same(unpacked(seen), expected, f"step {t}")
        np.testing.assert_array_equal(packed.action_masks(), expected["action_mask"].astype(np.bool_))
        action = packed.sample_action(t)
        assert action == plain.sample_action(t)
        (expected, *here), (seen, *there) = (env.step(action) for env in (plain, packed))
        assert_same(there, here, f"step {t}")
        if here[1] or here[2]:
            ends += 1
            assert_same(unpacked(seen), expected, f"the end at step {t}")
            expected, seen = (env.reset()[0] for env in (plain, packed))
    assert ends >= 5


def test_the_turn_based_environments() -> None:
    for make in (sandwich_chess_v0.env, sandwich_chess_v0.raw_env):
        plain, packed = (make(observation_format=layout, **OPTIONS) for layout in ("planes", "packed"))
        for seed in range(4):
            for env in (plain, packed):
                env.reset(seed=seed)
            while plain.agents:
                for agent in plain.possible_agents:
                    seen = packed.observe(agent)
                    assert packed.observation_space(agent).contains(seen)
                    assert_same(unpacked(seen), plain.observe(agent), f"{agent} in {plain.board().fen()!r}")
                assert plain.last()[1:] == packed.last()[1:]
                over = plain.terminations[plain.agent_selection] or plain.truncations[plain.agent_selection]
                action = None if over else packed.sample_action(seed)
                for env in (plain, packed):
                    env.step(action)


def test_an_illegal_action_loses_with_packed_masks_too() -> None:
    env = sandwich_chess_v0.env(observation_format="packed")
    env.reset(seed=0)
    env.step(0)
    assert env.rewards == {"player_0": -1.0, "player_1": 0.0}
    assert not env.last()[0]["action_mask"].any()


def test_the_parallel_environment() -> None:
    plain, packed = (sandwich_chess_v0.parallel_env(observation_format=layout) for layout in ("planes", "packed"))
    expected, seen = (env.reset(seed=0)[0] for env in (plain, packed))
    for t in range(6):
        for agent in plain.agents:
            assert packed.observation_space(agent).contains(seen[agent])
            assert_same(unpacked(seen[agent]), expected[agent], f"{agent}, ply {t}")
        action = plain.unwrapped.sample_action(1)
        expected, seen = (env.step(dict.fromkeys(env.agents, action))[0] for env in (plain, packed))


@pytest.mark.parametrize("opponent", ["self", "random"])
def test_the_vector_environment(opponent: str) -> None:
    options = OPTIONS | {"opponent": opponent}
    for copy in (True, False):
        vectors = [
            ChessVectorEnv(4, autoreset_mode="SameStep", copy=copy, observation_format=layout, **options)
            for layout in ("planes", "packed")
        ]
        (expected, infos), (seen, packed_infos) = (vector.reset(seed=5) for vector in vectors)
        finals = 0
        for t in range(50):
            assert_same(unpacked(seen), expected, f"step {t}")
            np.testing.assert_array_equal(vectors[1].action_masks(), expected["action_mask"].astype(np.bool_))
            for final, one in zip(infos.get("final_obs", []), packed_infos.get("final_obs", []), strict=True):
                assert (final is None) == (one is None)
                if final is not None:
                    assert_same(unpacked(one), final, f"an end at step {t}")
                    finals += 1
            actions = vectors[0].sample_actions(np.arange(4))
            (expected, *_, infos), (seen, *_, packed_infos) = (vector.step(actions) for vector in vectors)
        assert finals >= 8


def test_gymnasium_check_env_passes_on_packed_observations() -> None:
    env = ChessEnv(observation_format="packed", illegal_action="lose", opponent="random")
    env._warned = True  # the checker sends illegal actions
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("make", [sandwich_chess_v0.env, ChessEnv, ChessVectorEnv])
def test_an_unknown_format_is_answered_with_a_known_one(make: Any) -> None:
    with pytest.raises(SpecError, match="unknown observation_format 'pakced': did you mean 'packed'"):
        make(observation_format="pakced")
