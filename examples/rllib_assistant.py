"""H and its assistant A as two learners in RLlib (new API stack): A is paid to mislead or to help, H learns its worth.

    pip install 'sandwich_env[train,rllib]'
    python examples/rllib_assistant.py                                   # A is paid when the player it advises loses
    python examples/rllib_assistant.py --reward player_result            # A is paid when that player wins
    python examples/rllib_assistant.py --address auto --env-runners 8    # a Ray cluster that is up already
    tensorboard --logdir runs/rllib_assistant

White and Black are one H, which starts as the shipped H; A advises White alone, and starts as the shipped E. H's
module, the settings of PPO and the loop are those of `rllib_self_play.py` beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import ray
import rllib_self_play
import torch
import tyro
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch import torch_distribution as distributions
from ray.rllib.core.rl_module import RLModuleSpec
from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv
from ray.tune.registry import register_env
from rllib_self_play import HModule, learn, ppo
from torch.nn import functional

from sandwich_env import layouts, sandwich_chess_v0
from sandwich_env.experiments.naming import parse_spec
from sandwich_env.nets.advised import ADVICE_PLANES, AdvisedNetwork
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import NUM_ACTIONS


@dataclass(frozen=True)
class Args:
    """H and its assistant as two learners in RLlib."""

    out: Path = Path("runs/rllib_assistant")  # logs, the checkpoint and the weights, h.safetensors and a.safetensors
    address: str | None = None  # of a Ray cluster, "auto" for this machine's; without it, one is started here
    env_runners: int = 0  # processes that play, beside this one, which learns; with 0 this one does both
    reward: str = "player_loss"  # what A is paid; or "player_result", or a spec of "subtlety" as JSON
    material: str = "KQQvK"  # on the board at the start; White has the better side in half of the games
    steps: int = 200_000  # plies, those before --resume included
    num_envs: int = 16  # games at once in each process
    batch: int = 2048  # plies and pieces of advice between two updates
    eval_games: int = 100
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


class AModule(HModule):
    """A tells a move and a value, at first E's own; another network foresees what it is paid."""

    def setup(self) -> None:
        self.net = AdvisedNetwork.from_weights("expert")
        self.critic = AdvisedNetwork(NetworkShape(blocks=2, channels=32))
        self.log_std = torch.nn.Parameter(torch.tensor(-2.0))
        parts = {"move": distributions.TorchCategorical, "value": distributions.TorchDiagGaussian}
        self.action_dist_cls = distributions.TorchMultiDistribution.get_partial_dist_cls(
            space=self.action_space, child_distribution_cls_struct=parts, input_lens=[NUM_ACTIONS, 2]
        )

    def look(self, batch):
        seen = batch[Columns.OBS]
        planes = functional.pad(seen["observation"], (0, 0, 0, 0, 0, ADVICE_PLANES))  # nobody advises A
        logits, value = self.net(planes)
        logits = logits.masked_fill(seen["action_mask"] == 0, -1e9)
        told = torch.cat([logits, value[:, None], self.log_std.expand(len(value), 1)], dim=1)
        return told, self.critic(planes)[1]

    def _forward_inference(self, batch, **kwargs):
        with torch.no_grad():
            told = self.look(batch)[0]
        # What RLlib 2.60 finds itself for the likeliest action of a Dict is [B, B]; nothing is learnt from it.
        return {Columns.ACTION_DIST_INPUTS: told, Columns.ACTION_LOGP: torch.zeros(len(told))}


def make_env(args: Args) -> PettingZooEnv:
    env = sandwich_chess_v0.env(
        advisor="agent",
        advised="white",
        advisor_reward=parse_spec(args.reward),
        starts={"kind": "endgame", "material": args.material},
        max_plies=60,
    )
    env = layouts.wrap(env, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes())
    return PettingZooEnv(layouts.wrap(env, layouts.ChannelsFirst(history=1), agents="advisor_0"))


def who_acts(agent_id, episode, **kwargs) -> str:
    return "a" if agent_id == "advisor_0" else "h"


def against_start(agent_id, episode, **kwargs) -> str:
    """In evaluations, White is H and told by A; Black is the H of the start."""
    return {"player_0": "h", "player_1": "start", "advisor_0": "a"}[agent_id]


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=args.steps if args.resume else 128, num_envs=4, batch=128, eval_games=4)
    ray.cloudpickle.register_pickle_by_value(rllib_self_play)  # a cluster's machines need not have that file
    ray.init(args.address, num_cpus=None if args.address else args.env_runners + 1, include_dashboard=False)
    register_env("sandwich_chess", lambda _: make_env(args))
    env = make_env(args)
    who = {"h": (HModule, "player_0"), "start": (HModule, "player_1"), "a": (AModule, "advisor_0")}
    modules = {
        name: RLModuleSpec(module, observation_space=env.observation_space[agent], action_space=env.action_space[agent])
        for name, (module, agent) in who.items()
    }
    learn(args, ppo(args, modules, who_acts, against_start, ["h", "a"]))


if __name__ == "__main__":
    main(tyro.cli(Args))
