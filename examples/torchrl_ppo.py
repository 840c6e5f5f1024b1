"""H learns endgames with TorchRL's PPO on the native vector environment, told by an advisor that may mislead it.

pip install 'sandwich_env[train,torchrl]'
python examples/torchrl_ppo.py                                # starts as the shipped H
python examples/torchrl_ppo.py --protocol on_demand:budget=8,cost=0.01      # H decides when to ask
python examples/torchrl_ppo.py --resume --steps 400000        # goes on with the checkpoint in --out
tensorboard --logdir runs/torchrl
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
    material: str = "KQvK"  # on the board at the start
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


def make_games(args: Args, num_envs: int, seed: int) -> TransformedEnv:
    """Games from drawn endgames, in which H has the side to move and the winning side, against the shipped E."""
    envs = gym.make_vec(
        "sandwich_env:sandwich/Endgame-v0",
        num_envs=num_envs,
        autoreset_mode="Disabled",  # TorchRL deals new games itself
        starts={"kind": "endgame", "material": args.material},
        opponent={"kind": "expert", "expert": {"kind": "network", "weights": "expert"}},
        advisor=make_advisor(args.advisor, make_expert("expert")),
        protocol=parse_spec(args.protocol),
        max_plies=60,
    )
    laid_out = layouts.wrap(envs, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes())
    games = GymWrapper(laid_out, categorical_action_encoding=True)
    games = games.append_transform(DTypeCastTransform(torch.int8, torch.bool, in_keys=["action_mask"]))
    games = games.append_transform(RewardSum())
    games.set_seed(seed)
    return games


def evaluate(games: TransformedEnv, policy: ProbabilisticTensorDictSequential) -> float:
    """The mean reward of the first game in each environment, by TorchRL's rollout, always the likeliest move."""
    with set_exploration_type(ExplorationType.DETERMINISTIC), torch.no_grad():
        played = games.rollout(45, policy, break_when_any_done=False)["next"]
    first = played["done"] & (played["done"].cumsum(dim=1) == 1)
    return float((played["episode_reward"] * first).sum() / first.sum())


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=args.steps if args.resume else 64, num_envs=8, rollout=8, eval_games=4)
    games, evaluation = make_games(args, args.num_envs, args.seed), make_games(args, args.eval_games, 10**6)
    network = HNetwork(int(games.action_spec.space.n) - NUM_ACTIONS)
    values = TensorDictModule(network, in_keys=["observation"], out_keys=["logits", "value"])
    choice = ProbabilisticTensorDictModule(
        {"logits": "logits", "mask": "action_mask"},
        ["action"],
        distribution_class=MaskedCategorical,
        return_log_prob=True,
    )
    policy = ProbabilisticTensorDictSequential(values, choice)
    critic = TensorDictModule(torch.nn.Identity(), in_keys=["value"], out_keys=["state_value"])  # the policy's own pass
    loss = ClipPPOLoss(policy, critic, entropy_coeff=0.003, critic_coeff=0.5, normalize_advantage=True)
    gae = GAE(gamma=0.98, lmbda=0.95, value_network=None)
    gae.set_keys(value="value")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    checkpoint, writer = args.out / "checkpoint.safetensors", SummaryWriter(str(args.out))
    done = first = load_training(checkpoint, network, optimizer) if args.resume else 0
    print(f"mean reward in {args.eval_games} games from {args.material}: {evaluate(evaluation, policy):+.3f} before")
    batch = args.num_envs * args.rollout
    frames = {"frames_per_batch": batch, "total_frames": args.steps - done, "auto_register_policy_transforms": True}
    collector = Collector(games, policy, **frames)
    began = time.perf_counter()
    with tqdm(total=args.steps, initial=done, unit="step") as bar:
        for data in collector:
            with torch.no_grad():
                values(data["next"])
                gae(data)
            samples = data.exclude("next", "logits", "value").flatten()
            for _ in range(3):
                for minibatch in samples[torch.randperm(batch)].split(256):
                    losses = loss(minibatch)
                    optimizer.zero_grad()
                    (losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]).backward()
                    torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
                    optimizer.step()
            done += batch
            bar.update(batch)
            ended = data["next", "done"]
            writer.add_scalar("reward", data["next", "episode_reward"][ended].mean(), done)
            for name in ("loss_objective", "loss_critic", "entropy"):
                writer.add_scalar(name, losses[name].item(), done)
            save_training(checkpoint, network, optimizer, done)
    print(f"{(done - first) / (time.perf_counter() - began):.0f} steps/s; the checkpoint is {checkpoint}")
    after = evaluate(evaluation, policy)
    writer.add_scalar("evaluation", after, done)
    print(f"mean reward in {args.eval_games} games from {args.material}: {after:+.3f} after")
    writer.close()
    save_network(network.h.plain(), args.out / "h.safetensors")
    weights, pairs = str(args.out / "h.safetensors"), "1" if args.small else "50"
    cli.run(["match", "--first", weights, "--second", "novice", "--pairs", pairs])


if __name__ == "__main__":
    main(tyro.cli(Args))
