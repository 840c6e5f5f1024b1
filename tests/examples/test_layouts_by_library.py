"""Which library takes which layout: the rows of the table in docs/learning_libraries.md that are tried here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from sandwich_env import layouts, sandwich_chess_v0
from sandwich_env.errors import SpecError

EXAMPLES = Path(__file__).parents[2] / "examples"
NUM_PLANES = 30
PLANES = (layouts.ChannelsFirst(history=1), layouts.AdvicePlanes())
ADVISOR = {"kind": "honest", "expert": {"kind": "uniform"}}


def vector(*views: Any, **options: Any) -> Any:
    envs = gym.make_vec(
        "sandwich_env:sandwich/Chess-v0", num_envs=2, autoreset_mode="SameStep", advisor=ADVISOR, **options
    )
    return layouts.wrap(envs, *views) if views else envs


@pytest.mark.parametrize(
    ("policy", "views", "options"),
    [
        ("MultiInputPolicy", (), {}),
        ("MultiInputPolicy", (), {"observation_format": "packed"}),
        ("MultiInputPolicy", (), {"protocol": {"kind": "on_demand", "budget": 3, "cost": 0.01}}),
        ("MlpPolicy", (*PLANES, layouts.MaskInInfo()), {}),
        ("MlpPolicy", (layouts.Flat(), layouts.MaskInInfo()), {}),
    ],
    ids=["as it is", "packed", "on demand", "planes", "flat"],
)
def test_maskable_ppo_learns_from(policy: str, views: Any, options: Any) -> None:
    sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs pip install 'sandwich_env[train,sb3]'")
    from sandwich_env.layouts.sb3 import SandwichVecEnv

    games = SandwichVecEnv(vector(*views, **options))
    model = sb3_contrib.MaskablePPO(policy, games, n_steps=4, batch_size=8, n_epochs=1, seed=0)
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(8)
    assert any(not np.array_equal(a, b.detach()) for a, b in zip(before, model.policy.parameters(), strict=True))


def test_maskable_ppo_refuses_a_dict_in_a_dict() -> None:
    pytest.importorskip("sb3_contrib", reason="needs pip install 'sandwich_env[train,sb3]'")
    from sandwich_env.layouts.sb3 import SandwichVecEnv

    with pytest.raises(SpecError, match="leave NestedMask away"):
        SandwichVecEnv(vector(layouts.NestedMask()))


@pytest.mark.parametrize(
    ("policy", "views"),
    [
        ("MlpPolicy", PLANES),
        ("MlpPolicy", (layouts.Flat(),)),
        ("MultiInputPolicy", (layouts.NestedMask(),)),
    ],
    ids=["planes", "flat", "nested"],
)
def test_the_wrapper_of_pettingzoos_tutorial_takes(policy: str, views: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs pip install 'sandwich_env[train,sb3]'")
    for library in ("tyro", "tqdm"):
        pytest.importorskip(library, reason="needs pip install 'sandwich_env[train,sb3]'")
    monkeypatch.syspath_prepend(EXAMPLES)
    import pettingzoo_tutorial

    env = pettingzoo_tutorial.OneLearner(layouts.wrap(sandwich_chess_v0.env(advisor=ADVISOR, max_plies=6), *views))
    model = sb3_contrib.MaskablePPO(policy, env, gamma=-0.98, n_steps=8, batch_size=8, n_epochs=1, seed=0)
    model.learn(8)
    assert model.num_timesteps == 8


def adapted(*views: Any) -> tuple[Any, dict[str, Any]]:
    """What Tianshou's adapter shows of the first position."""
    tianshou = pytest.importorskip("tianshou.env", reason="needs pip install 'sandwich_env[train,tianshou]'")
    env = sandwich_chess_v0.env(advisor=ADVISOR)
    env = tianshou.PettingZooEnv(layouts.wrap(env, *views) if views else env)
    seen, _ = env.reset(seed=0)
    return env, seen


def test_tianshou_drops_the_advice_of_the_plain_layout() -> None:
    _, seen = adapted()
    assert sorted(seen) == ["agent_id", "mask", "obs"]
    assert seen["obs"].shape == (8, 8, 111)


def test_tianshou_keeps_advice_among_the_planes() -> None:
    env, seen = adapted(*PLANES)
    assert seen["obs"].shape == (NUM_PLANES, 8, 8)
    assert np.count_nonzero(seen["mask"]) == 20
    move = int(layouts.moves_of(seen["obs"][None, 20:])[0])
    assert seen["mask"][move]
    assert env.env.unwrapped.scorer.last.advice.move[0] == move


def test_tianshou_keeps_advice_in_a_flat_vector() -> None:
    _, seen = adapted(layouts.Flat())
    assert seen["obs"].shape == (8 * 8 * 111 + 2 + 4673 + 1,)


def test_tianshou_keeps_advice_in_an_inner_dict() -> None:
    _, seen = adapted(layouts.NestedMask())
    assert sorted(seen["obs"]) == ["advice_available", "advice_move", "advice_value", "observation"]


def test_tianshou_sees_no_mask_in_infos() -> None:
    _, seen = adapted(*PLANES, layouts.MaskInInfo())
    assert all(seen["mask"])  # it lets every action through
