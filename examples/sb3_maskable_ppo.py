"""H learns endgames with stable-baselines3 and sb3-contrib's MaskablePPO, told by an advisor that may mislead it.

    pip install 'sandwich_env[train,sb3]'
    python examples/sb3_maskable_ppo.py                               # starts as the shipped H
    python examples/sb3_maskable_ppo.py --weights none --learning-rate 1e-3         # starts from scratch
    python examples/sb3_maskable_ppo.py --protocol on_demand:budget=10,cost=0.01    # H decides when to ask
    python examples/sb3_maskable_ppo.py --resume --steps 400000       # goes on with the latest checkpoint
To watch: tensorboard --logdir runs/sb3
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium as gym

from sandwich_env import cli, layouts
from sandwich_env.errors import needs_extra
from sandwich_env.experiments.naming import make_advisor, make_expert, parse_spec
from sandwich_env.rules import NUM_ACTIONS

with needs_extra("train,sb3"):
    import torch
    import tyro
    from sb3_contrib import MaskablePPO
    from sb3_contrib.common.maskable.callbacks import MaskableEvalCallback
    from sb3_contrib.common.maskable.evaluation import evaluate_policy
    from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
    from stable_baselines3.common.callbacks import CheckpointCallback
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from torch import Tensor, nn

    from sandwich_env.layouts.sb3 import SandwichVecEnv
    from sandwich_env.nets.advised import AdvisedNetwork
    from sandwich_env.nets.shape import NetworkShape
    from sandwich_env.nets.weights import save_network


@dataclass(frozen=True)
class Args:
    out: Path = Path("runs/sb3")  # TensorBoard logs, checkpoints, and h.safetensors for `sandwich match`
    weights: str = "novice"  # what H starts from: "novice", the path of weights, or "none" for a small new network
    advisor: str = "random_move:epsilon=0.5"  # whom H may ask, "none" for nobody; behind it is the shipped E
    protocol: str = "every_turn"  # when it asks; by "on_demand:budget=10,cost=0.01" asking is an action, and costs
    material: str = "KQQvK"  # at the start: E mates a random mover in nine of ten, the shipped H in one of fifty
    trust: float = 4.0  # added to an advised move's logit at the start: H begins by believing, mostly
    asking: float = 3.0  # the logit of a question at the start
    steps: int = 200_000  # moves and questions of H, those before --resume included
    num_envs: int = 64
    learning_rate: float = 3e-4  # a new network bears 1e-3
    eval_games: int = 200  # at the beginning and at the end; those on the way have a quarter of them
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


class HNetwork(BaseFeaturesExtractor):
    """H's network as a features extractor; its features are the logits of all actions, and behind them the value."""

    def __init__(self, space: gym.Space, weights: str, asks: int, **begins: float) -> None:
        super().__init__(space, features_dim=NUM_ACTIONS + asks + 1)
        scratch, new, known = NetworkShape(blocks=2, channels=32), AdvisedNetwork, AdvisedNetwork.from_weights
        self.h = new(scratch, asks, **begins) if weights == "none" else known(weights, asks, **begins)

    def forward(self, planes: Tensor) -> Tensor:
        logits, value = self.h(planes)
        return torch.cat([logits, value[:, None]], dim=1)


class Split(nn.Module):
    """Stands where stable-baselines3 has layers of its own: nothing is left to learn behind `HNetwork`."""

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: Tensor) -> Tensor:
        return features[:, :-1]

    def forward_critic(self, features: Tensor) -> Tensor:
        return features[:, -1:]


class HPolicy(MaskableActorCriticPolicy):
    """MaskablePPO's policy with H's own network, and so with H's own weights at the start."""

    def _build(self, lr_schedule) -> None:
        self.mlp_extractor, self.action_net, self.value_net = Split(), nn.Identity(), nn.Identity()
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)


def make_games(args: Args, seed: int) -> SandwichVecEnv:
    """Endgames against a random mover; H has the winning side and the move."""
    envs = gym.make_vec(
        "sandwich_env:sandwich/Endgame-v0",
        num_envs=args.num_envs,
        autoreset_mode="SameStep",
        starts={"kind": "endgame", "material": args.material},
        advisor=None if args.advisor == "none" else make_advisor(args.advisor, make_expert("expert")),
        protocol=parse_spec(args.protocol),
        max_plies=60,
    )
    views = layouts.ChannelsFirst(history=1), layouts.AdvicePlanes(), layouts.MaskInInfo()
    games = SandwichVecEnv(layouts.wrap(envs, *views))
    games.seed(seed)
    return games


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=256, num_envs=8, eval_games=8)
    own = {"weights": args.weights, "trust": args.trust, "asking": args.asking}
    if args.resume:
        saved = max((args.out / "checkpoints").glob("h_*.zip"), key=lambda path: int(path.stem.split("_")[1]))
        model = MaskablePPO.load(saved, env=make_games(args, args.seed + int(saved.stem.split("_")[1])))
    else:
        games = make_games(args, args.seed)
        own |= {"asks": int(games.action_space.n) - NUM_ACTIONS}
        model = MaskablePPO(
            HPolicy,
            games,
            policy_kwargs={"features_extractor_class": HNetwork, "features_extractor_kwargs": own},
            n_steps=args.steps // args.num_envs if args.small else 32,
            batch_size=256,
            n_epochs=3,
            learning_rate=args.learning_rate,
            ent_coef=0.01,
            target_kl=0.03,  # an update ends where H has become another player than the one whose games it learns from
            tensorboard_log=str(args.out),
            seed=args.seed,
        )
    evaluation, done = make_games(args, 10**6), model.num_timesteps
    before, began = evaluate_policy(model, evaluation, args.eval_games), time.perf_counter()
    every = max(args.steps // 10 // args.num_envs, 1)
    callbacks = [
        CheckpointCallback(every, str(args.out / "checkpoints"), name_prefix="h"),
        MaskableEvalCallback(evaluation, n_eval_episodes=args.eval_games // 4, eval_freq=every, verbose=0),
    ]
    model.learn(args.steps - done, callbacks, reset_num_timesteps=not args.resume, tb_log_name="ppo", progress_bar=True)
    seconds = time.perf_counter() - began
    after = evaluate_policy(model, evaluation, args.eval_games)
    print(f"{(model.num_timesteps - done) / seconds:.0f} steps/s, evaluations on the way included")
    print(f"reward in {args.eval_games} games of {args.material}: {before[0]:+.3f} before, {after[0]:+.3f} after")
    save_network(model.policy.features_extractor.h.plain(), args.out / "h.safetensors")
    cli.run(["match", f"--first={args.out}/h.safetensors", "--second=novice", f"--pairs={1 if args.small else 50}"])


if __name__ == "__main__":
    main(tyro.cli(Args))
