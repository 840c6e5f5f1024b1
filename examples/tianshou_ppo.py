"""H against itself with Tianshou's PPO, through Tianshou's own adapter for PettingZoo.

    pip install 'sandwich_env[train,tianshou]'
    python examples/tianshou_ppo.py                     # starts as the shipped H
    python examples/tianshou_ppo.py --weights none      # from scratch
    python examples/tianshou_ppo.py --resume --epochs 20
    tensorboard --logdir runs/tianshou

Tianshou's `PettingZooEnv` keeps `observation` and `action_mask` of what a player sees and drops the rest, so the advice
has to be among the planes. Its `MultiAgentOnPolicyAlgorithm` gives each player the rows of its own moves alone, so that
one who is mated never hears of it; here one PPO plays both sides. A step pays the player who made it, and what the
other player may expect afterwards counts negatively, by a discount below 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sandwich_env import cli, layouts, sandwich_chess_v0
from sandwich_env.errors import needs_extra
from sandwich_env.experiments.naming import make_advisor, make_expert

with needs_extra("train,tianshou"):
    import torch
    import tyro
    from tianshou.algorithm import PPO
    from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, CollectStats, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv, PettingZooEnv
    from tianshou.trainer import OnPolicyTrainerParams
    from tianshou.utils import TensorboardLogger
    from torch import Tensor, nn
    from torch.utils.tensorboard import SummaryWriter

    from sandwich_env.nets.advised import AdvisedNetwork
    from sandwich_env.nets.shape import NetworkShape
    from sandwich_env.nets.weights import save_network


@dataclass(frozen=True)
class Args:
    out: Path = Path("runs/tianshou")  # TensorBoard logs, checkpoint.pt, and h.safetensors for `sandwich match`
    weights: str = "novice"  # what H starts from: "novice", the path of weights, or "none" for a small new network
    advisor: str = "random_move:epsilon=0.5"  # who tells both players; behind it is the shipped E
    material: str = "KQQvK"  # at the start
    epochs: int = 10  # those before --resume included
    epoch_steps: int = 8192  # plies
    num_envs: int = 16
    test_games: int = 50
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


class OneLearner(PettingZooEnv):
    """Tianshou's adapter with one learner for both players: a step pays who made it.

    Infos are left away: Tianshou takes a word that only a game's last step has (`termination`) for a missing number.
    """

    def step(self, action):
        mover = self.agent_idx[self.env.agent_selection]
        seen, rewards, terminated, truncated, _ = super().step(int(action))
        return seen, rewards[mover], terminated, truncated, {}


class Actor(nn.Module):
    """H's logits as Tianshou's PPO asks for them: what is not legal can never be drawn."""

    def __init__(self, network: AdvisedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, obs, state=None, info=None) -> tuple[Tensor, None]:
        logits, _ = self.network(torch.as_tensor(obs.obs))
        legal = torch.as_tensor(obs.mask)
        return logits.masked_fill(~(legal | ~legal.any(dim=1, keepdim=True)), -1e9), None


class Critic(nn.Module):
    """The value of the same network."""

    def __init__(self, network: AdvisedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, obs, **kwargs) -> Tensor:
        return self.network(torch.as_tensor(obs.obs))[1]


def make_env(args: Args) -> OneLearner:
    advisor, starts = make_advisor(args.advisor, make_expert("expert")), {"kind": "endgame", "material": args.material}
    env = sandwich_chess_v0.env(advisor=advisor, starts=starts, max_plies=60)
    return OneLearner(layouts.wrap(env, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()))


def make_collector(args: Args, algorithm: PPO, seed: int) -> Collector:
    envs = DummyVectorEnv([lambda: make_env(args) for _ in range(args.num_envs)])
    envs.seed(seed)
    return Collector[CollectStats](algorithm, envs, VectorReplayBuffer(64 * args.num_envs, args.num_envs))


def main(args: Args) -> None:
    if args.small:
        args = replace(args, epochs=2 if args.resume else 1, epoch_steps=64, num_envs=2, test_games=2)
    torch.manual_seed(args.seed)
    small = NetworkShape(blocks=2, channels=32)
    network = AdvisedNetwork(small) if args.weights == "none" else AdvisedNetwork.from_weights(args.weights)
    policy = DiscreteActorPolicy(
        actor=Actor(network), action_space=make_env(args).action_space, deterministic_eval=True
    )
    optim = AdamOptimizerFactory(lr=5e-4)
    algorithm = PPO(policy=policy, critic=Critic(network), optim=optim, gamma=-0.98, ent_coef=0.003, max_grad_norm=0.5)
    path = args.out / "checkpoint.pt"
    if args.resume:
        algorithm.load_state_dict(torch.load(path, weights_only=True))

    def save(epoch: int, env_step: int, gradient_step: int) -> str:
        torch.save(algorithm.state_dict(), path)
        return str(path)

    logger = TensorboardLogger(SummaryWriter(str(args.out)), save_interval=1, training_interval=1, update_interval=1)
    result = algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=make_collector(args, algorithm, args.seed),
            test_collector=make_collector(args, algorithm, 10**6),
            test_step_num_episodes=args.test_games,
            max_epochs=args.epochs,
            epoch_num_steps=args.epoch_steps,
            collection_step_num_env_steps=min(1024, args.epoch_steps),
            update_step_num_repetitions=3,
            batch_size=256,
            save_checkpoint_fn=save,
            resume_from_log=args.resume,
            logger=logger,
        )
    )
    print(f"{result.timing.update_speed:.0f} plies/s")
    print(f"{result.best_reward:.1%} of the test games were won, by either side, after the best epoch")
    save_network(network.plain(), args.out / "h.safetensors")
    pairs = "1" if args.small else "20"
    cli.run(["match", "--first", str(args.out / "h.safetensors"), "--second", "novice", "--pairs", pairs])


if __name__ == "__main__":
    main(tyro.cli(Args))
