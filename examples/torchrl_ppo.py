"""H learns endgames with TorchRL's PPO on the native vector environment, told by an advisor that may mislead it.

    pip install 'sandwich_env[train,torchrl]'
    python examples/torchrl_ppo.py
    python examples/torchrl_ppo.py --protocol on_demand:budget=8,cost=0.01      # H decides when to ask
    python examples/torchrl_ppo.py --resume --steps 400000        # goes on with the checkpoint in --out
    tensorboard --logdir runs/torchrl

H starts as the shipped H, and has the winning side of endgames against a random mover.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium as gym
import torch
import tyro
from tensordict.nn import ProbabilisticTensorDictModule, ProbabilisticTensorDictSequential, TensorDictModule
from torch.utils.tensorboard import SummaryWriter
from torchrl.collectors import Collector
from torchrl.envs import DTypeCastTransform, GymWrapper, RewardSum, TransformedEnv
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import MaskedCategorical
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE
from tqdm import tqdm

from sandwich_env import cli, layouts
from sandwich_env.experiments.naming import make_advisor, make_expert, parse_spec
from sandwich_env.nets.advised import AdvisedNetwork
from sandwich_env.nets.checkpoints import load_training, save_training
from sandwich_env.nets.weights import save_network
from sandwich_env.rules import NUM_ACTIONS


@dataclass(frozen=True)
class Args:
    """H learns endgames with TorchRL's PPO."""

    out: Path = Path("runs/torchrl")  # logs, the checkpoint and the weights
    advisor: str = "random_move:epsilon=0.5"  # whom H may ask; the expert behind it is the shipped E
    protocol: str = "every_turn"  # when
    material: str = "KQQvK"  # on the board at the start
    steps: int = 200_000  # plies of H (and questions), those before --resume included
    num_envs: int = 64  # games at once
    rollout: int = 32  # steps of each game between two updates
    eval_games: int = 200
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


class HNetwork(torch.nn.Module):
    """H's network on any number of leading dimensions, with a last dimension of 1 for the value, as TorchRL has it."""

    def __init__(self, asks: int) -> None:
        super().__init__()
        self.h = AdvisedNetwork.from_weights("novice", asks)

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, value = self.h(planes.flatten(0, -4))
        return logits.unflatten(0, planes.shape[:-3]), value.reshape(*planes.shape[:-3], 1)


class Learner:
    """TorchRL's PPO around the network; the critic reads the value that the policy's own pass has found."""

    def __init__(self, asks: int) -> None:
        self.network = HNetwork(asks)
        self.values = TensorDictModule(self.network, in_keys=["observation"], out_keys=["logits", "state_value"])
        choice = {"in_keys": {"logits": "logits", "mask": "action_mask"}, "out_keys": ["action"]}
        choice |= {"distribution_class": MaskedCategorical, "return_log_prob": True}
        self.policy = ProbabilisticTensorDictSequential(self.values, ProbabilisticTensorDictModule(**choice))
        critic = TensorDictModule(torch.nn.Identity(), in_keys=["state_value"], out_keys=["state_value"])
        self.loss = ClipPPOLoss(self.policy, critic, entropy_coeff=0.003, critic_coeff=0.5, normalize_advantage=True)
        self.gae = GAE(gamma=0.98, lmbda=0.95, value_network=None)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4)

    def learn(self, data):
        with torch.no_grad():
            self.values(data["next"])
            self.gae(data)
        samples = data.exclude("next", "logits", "state_value").flatten()
        for _ in range(3):
            for minibatch in samples[torch.randperm(len(samples))].split(256):
                losses = self.loss(minibatch)
                self.optimizer.zero_grad()
                (losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]).backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
                self.optimizer.step()
        return losses


def prepared(envs: gym.vector.VectorEnv, seed: int) -> TransformedEnv:
    """A vector environment as TorchRL's, with a mask of bools, and the reward of each game added up."""
    games = GymWrapper(envs, categorical_action_encoding=True)
    games = games.append_transform(DTypeCastTransform(torch.int8, torch.bool, in_keys=["action_mask"]))
    games = games.append_transform(RewardSum())
    games.set_seed(seed)
    return games


def make_games(args: Args, num_envs: int, seed: int) -> TransformedEnv:
    options = {"starts": {"kind": "endgame", "material": args.material}, "opponent": "random", "max_plies": 60}
    options |= {"advisor": make_advisor(args.advisor, make_expert("expert")), "protocol": parse_spec(args.protocol)}
    envs = gym.make_vec("sandwich_env:sandwich/Endgame-v0", num_envs, autoreset_mode="Disabled", **options)
    return prepared(layouts.wrap(envs, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()), seed)


def evaluate(games: TransformedEnv, policy: ProbabilisticTensorDictSequential) -> float:
    """The mean reward of the first game in each environment, by TorchRL's rollout, with the likeliest moves."""
    with set_exploration_type(ExplorationType.DETERMINISTIC), torch.no_grad():
        played = games.rollout(45, policy, break_when_any_done=False)["next"]
    first = played["done"] & (played["done"].cumsum(dim=1) == 1)
    return float((played["episode_reward"] * first).sum() / first.sum())


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=args.steps if args.resume else 64, num_envs=8, rollout=8, eval_games=4)
    games, evaluation = make_games(args, args.num_envs, args.seed), make_games(args, args.eval_games, 10**6)
    learner = Learner(int(games.action_spec.space.n) - NUM_ACTIONS)
    state, checkpoint = (learner.network, learner.optimizer), args.out / "checkpoint.safetensors"
    first = load_training(checkpoint, *state) if args.resume else 0
    print(f"mean reward in {args.eval_games} games from {args.material}: {evaluate(evaluation, learner.policy):+.3f}")
    batch, writer, began = args.num_envs * args.rollout, SummaryWriter(str(args.out)), time.perf_counter()
    frames = {"frames_per_batch": batch, "total_frames": args.steps - first, "auto_register_policy_transforms": True}
    with tqdm(total=args.steps, initial=first, unit="step") as bar:
        for data in Collector(games, learner.policy, **frames):
            losses = learner.learn(data)
            bar.update(batch)
            writer.add_scalar("reward", data["next", "episode_reward"][data["next", "done"]].mean(), bar.n)
            writer.add_scalar("entropy", losses["entropy"].item(), bar.n)
            save_training(checkpoint, *state, bar.n)
    print(f"{(bar.n - first) / (time.perf_counter() - began):.0f} steps/s; the checkpoint is {checkpoint}")
    after = evaluate(evaluation, learner.policy)
    writer.add_scalar("evaluation", after, bar.n)
    writer.close()
    print(f"mean reward in {args.eval_games} games from {args.material}: {after:+.3f} after")
    weights, pairs = args.out / "h.safetensors", "1" if args.small else "50"
    save_network(learner.network.h.plain(), weights)
    cli.run(["match", "--first", str(weights), "--second", "novice", "--pairs", pairs])


if __name__ == "__main__":
    main(tyro.cli(Args))
