"""The TorchRL script, small: what H is told reaches its policy, H learns, goes on, and leaves weights that play."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from sandwich_env import layouts

pytest.importorskip("torchrl", reason="needs pip install 'sandwich_env[train,torchrl]'")
torch = pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def script() -> Any:
    sys.path.insert(0, str(EXAMPLES))
    import torchrl_ppo

    yield torchrl_ppo
    sys.path.remove(str(EXAMPLES))


def test_the_advice_reaches_the_network(script: Any) -> None:
    games = script.make_games(script.Args(advisor="honest"), 3, seed=0)
    network = script.HNetwork(asks=0)
    torch.manual_seed(0)
    for parameters in (network.h.advice_stem, network.h.trust_out):  # as if it had learnt to listen
        torch.nn.init.normal_(parameters.weight, std=0.5)
    seen = games.reset()
    planes = seen["observation"]
    assert (planes[:, 25:27] != 0).flatten(2).any(dim=2).all()  # a move and a value are given
    untold = planes.clone()
    untold[:, 20:] = 0
    told, without = (network(one)[0].masked_fill(~seen["action_mask"], 0) for one in (planes, untold))
    assert (told - without).abs().amax(dim=1).min() > 1e-3
    games.close()


@pytest.mark.slow
def test_it_learns_and_goes_on(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, str(EXAMPLES / "torchrl_ppo.py"), "--small", "--out", str(tmp_path), *arguments]
        environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    said = run()
    assert re.search(r"mean reward in 4 games from KQQvK: [+-]\d\.\d+ after", said)
    assert re.search(r"\d+ steps/s", said)
    assert "h.safetensors against novice: " in said
    assert list(tmp_path.glob("events.out.tfevents.*"))
    saved = (tmp_path / "checkpoint.safetensors").read_bytes()
    run("--resume", "--steps", "128", "--protocol", "every_turn")
    assert (tmp_path / "checkpoint.safetensors").read_bytes() != saved
    assert run("--protocol", "on_demand:budget=2,cost=0.01")  # two more actions


PLANES = (layouts.ChannelsFirst(history=1), layouts.AdvicePlanes())


@pytest.mark.parametrize(
    "views", [(), PLANES, (layouts.Flat(),), (layouts.NestedMask(),), (*PLANES, layouts.MaskInInfo())]
)
def test_layouts_that_torchrl_takes(views: Any) -> None:
    from torchrl.envs import GymWrapper

    advisor = {"kind": "honest", "expert": "uniform"}
    envs = gym.make_vec("sandwich_env:sandwich/Endgame-v0", num_envs=3, autoreset_mode="Disabled", advisor=advisor)
    games = GymWrapper(layouts.wrap(envs, *views) if views else envs, categorical_action_encoding=True)
    games.set_seed(0)
    seen = games.reset()
    seen["action"] = torch.as_tensor(envs.unwrapped.action_masks()).float().argmax(dim=1)
    after = games.step(seen)["next"]
    assert not after["done"].any()
    assert set(games.observation_spec.keys(True, True)) <= set(after.keys(True, True))
    games.close()
