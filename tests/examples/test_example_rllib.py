"""The RLlib scripts, small: what H is told reaches its module, H learns and goes on, alone and beside a learning A."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandwich_env import layouts, sandwich_chess_v0

ray = pytest.importorskip("ray", reason="needs pip install 'sandwich_env[train,rllib]'")
pytest.importorskip("ray.rllib", reason="needs pip install 'sandwich_env[train,rllib]'")
torch = pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1", "RAY_raylet_start_wait_time_s": "300"}


@pytest.fixture(scope="module")
def scripts() -> Any:
    """The two scripts, as modules."""
    sys.path.insert(0, str(EXAMPLES))
    import rllib_assistant
    import rllib_self_play

    yield rllib_self_play, rllib_assistant
    sys.path.remove(str(EXAMPLES))


def batched(seen: dict[str, Any]) -> dict[str, Any]:
    from ray.rllib.core.columns import Columns

    return {Columns.OBS: {key: torch.as_tensor(np.asarray(part))[None] for key, part in seen.items()}}


def test_the_advice_reaches_the_module_and_the_mask_holds(scripts: Any) -> None:
    from ray.rllib.core.columns import Columns

    self_play, _ = scripts
    env = self_play.make_env(self_play.Args(advisor="honest"))
    seen, _ = env.reset(seed=3)
    ((agent, view),) = seen.items()
    module = self_play.HModule(
        observation_space=env.observation_space[agent], action_space=env.action_space[agent], model_config={}
    )
    torch.manual_seed(0)
    for parameters in (module.net.advice_stem, module.net.trust_out):  # as if it had learnt to listen
        torch.nn.init.normal_(parameters.weight, std=0.5)

    told = module.forward_inference(batched(view))[Columns.ACTION_DIST_INPUTS]
    assert view["observation"][25:27].any(axis=(1, 2)).all()  # a move and a value are given
    untold = view | {"observation": view["observation"].copy()}
    untold["observation"][20:] = 0
    without = module.forward_inference(batched(untold))[Columns.ACTION_DIST_INPUTS]
    legal = view["action_mask"] == 1
    assert (told[0][legal] - without[0][legal]).abs().max() > 1e-3
    assert (told[0][~legal] == -1e9).all()
    assert (told[0][legal] > -1e6).all()
    env.close()


def test_the_assistant_says_legal_moves_and_its_values_are_kept_in_range(scripts: Any) -> None:
    from ray.rllib.core.columns import Columns

    _, assistant = scripts
    env = assistant.make_env(assistant.Args())
    seed = next(seed for seed in range(20) if "advisor_0" in env.reset(seed=seed)[0])  # it is White's turn
    seen, _ = env.reset(seed=seed)
    space = env.action_space["advisor_0"]
    torch.manual_seed(0)
    module = assistant.AModule(
        observation_space=env.observation_space["advisor_0"], action_space=space, model_config={}
    )
    out = module.forward_inference(batched(seen["advisor_0"]))[Columns.ACTION_DIST_INPUTS]
    assert out.shape == (1, 4672 + 2)
    action = module.get_inference_action_dist_cls().from_logits(out).sample()
    move, value = int(action["move"][0]), np.clip(action["value"][0].numpy(), -1, 1)
    assert seen["advisor_0"]["action_mask"][move] == 1
    after, *_ = env.step({"advisor_0": {"move": move, "value": value}})
    assert after["player_0"]["observation"][25:27].any(axis=(1, 2)).all()  # White was told both
    env.close()


def run(script: str, *arguments: str, **environment: str) -> str:
    command = [sys.executable, str(EXAMPLES / script), "--small", *arguments]
    everything = ENVIRONMENT | environment
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=900, env=everything)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Illegal move" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_self_play_learns_and_goes_on(tmp_path: Path) -> None:
    said = run("rllib_self_play.py", "--out", str(tmp_path))
    assert re.search(r"\d+ steps/s; the checkpoint is in ", said)
    assert "h.safetensors against novice: " in said
    assert (tmp_path / "checkpoint").is_dir()
    assert list(tmp_path.glob("events.out.tfevents.*"))
    started = (tmp_path / "h.safetensors").read_bytes()

    said = run("rllib_self_play.py", "--resume", "--steps", "200", "--out", str(tmp_path))
    assert "h.safetensors against novice: " in said
    assert (tmp_path / "h.safetensors").read_bytes() != started


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_h_and_its_assistant_learn_on_a_cluster(tmp_path: Path) -> None:
    ray.init(num_cpus=2, include_dashboard=False)
    address = ray.get_runtime_context().gcs_address
    try:
        cluster = ("--address", address, "--env-runners", "1")
        said = run("rllib_assistant.py", *cluster, "--out", str(tmp_path), RAY_AUTH_MODE="token")  # made by ray.init
    finally:
        ray.shutdown()
    assert re.search(r"mean rewards against the H of the start: h [+-]\d\.\d+, a [+-]\d\.\d+", said)
    assert "h.safetensors against novice: " in said
    assert (tmp_path / "a.safetensors").is_file()


def masked_by_rllib(*views: layouts.Layout) -> int:
    """How many actions RLlib's own masking module puts out of reach in the starting position."""
    from ray.rllib.core.columns import Columns
    from ray.rllib.core.rl_module import RLModuleSpec
    from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv
    from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule

    env = PettingZooEnv(layouts.wrap(sandwich_chess_v0.env(), *views))
    spaces = {"observation_space": env.observation_space["player_0"], "action_space": env.action_space["player_0"]}
    module = RLModuleSpec(ActionMaskingTorchRLModule, model_config={"fcnet_hiddens": [16]}, **spaces).build()
    batch = batched(env.reset(seed=0)[0]["player_0"])
    batch[Columns.OBS] = {key: part.float() for key, part in batch[Columns.OBS].items()}
    return int((module.forward_inference(batch)[Columns.ACTION_DIST_INPUTS] < -1e30).sum())


def test_layouts_that_rllibs_own_masking_takes() -> None:
    assert masked_by_rllib(layouts.Flat(), layouts.NestedMask("observations")) == 4672 - 20
    with pytest.raises(ValueError, match="No default encoder config"):
        masked_by_rllib(layouts.NestedMask("observations"))
