"""H against itself in RLlib (new API stack): both players are one RLModule, which sees the board and the advice.

    pip install 'sandwich_env[train,rllib]'
    python examples/rllib_self_play.py                                 # this machine, one process
    python examples/rllib_self_play.py --address auto --env-runners 8  # a Ray cluster that is up already
    python examples/rllib_self_play.py --protocol on_demand:budget=4,cost=0.01     # H decides when to ask
    python examples/rllib_self_play.py --resume --steps 400000         # goes on with the checkpoint in --out
    tensorboard --logdir runs/rllib

H starts as the shipped H, which stays what it is measured against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import ray
import torch
import tyro
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module import MultiRLModuleSpec, RLModuleSpec
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.env.wrappers.pettingzoo_env import PettingZooEnv
from ray.tune.registry import register_env
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from sandwich_env import cli, layouts, sandwich_chess_v0
from sandwich_env.experiments.naming import make_advisor, make_expert, parse_spec
from sandwich_env.nets.advised import AdvisedNetwork
from sandwich_env.nets.weights import save_network
from sandwich_env.rules import NUM_ACTIONS


@dataclass(frozen=True)
class Args:
    """H against itself in RLlib."""

    out: Path = Path("runs/rllib")  # logs, the checkpoint and the weights
    address: str | None = None  # of a Ray cluster, "auto" for this machine's; without it, one is started here
    env_runners: int = 0  # processes that play, beside this one, which learns; with 0 this one does both
    advisor: str = "random_move:epsilon=0.5"  # whom both players are told by; behind it is the shipped E
    protocol: str = "every_turn"  # when
    material: str = "KQQvK"  # on the board at the start
    steps: int = 200_000  # actions of both players, those before --resume included
    num_envs: int = 16  # games at once in each process
    batch: int = 2048  # actions between two updates
    eval_games: int = 100
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


class HModule(TorchRLModule, ValueFunctionAPI):
    """H's own network: logits of all actions, with the illegal ones out of reach, and a value."""

    def setup(self) -> None:
        self.net = AdvisedNetwork.from_weights("novice", asks=int(self.action_space.n) - NUM_ACTIONS)

    def look(self, batch):
        seen = batch[Columns.OBS]
        logits, value = self.net(seen["observation"])
        return logits.masked_fill(seen["action_mask"] == 0, -1e9), value

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.look(batch)[0]}

    def _forward_train(self, batch, **kwargs):
        return dict(zip((Columns.ACTION_DIST_INPUTS, Columns.EMBEDDINGS), self.look(batch), strict=True))

    def compute_values(self, batch, embeddings=None):
        with torch.no_grad():  # for the advantages; in an update the forward pass has found the values already
            return self.look(batch)[1] if embeddings is None else embeddings


def make_env(args: Args) -> PettingZooEnv:
    options = {"starts": {"kind": "endgame", "material": args.material}, "max_plies": 60}
    options |= {"advisor": make_advisor(args.advisor, make_expert("expert")), "protocol": parse_spec(args.protocol)}
    env = sandwich_chess_v0.env(**options)
    return PettingZooEnv(layouts.wrap(env, layouts.ChannelsFirst(history=1), layouts.AdvicePlanes()))


def against_start(agent_id, episode, **kwargs) -> str:
    """In evaluations H plays the H that it was at the start, half of the games as White and half as Black."""
    return "h" if (agent_id == "player_0") == (hash(episode.id_) % 2 == 0) else "start"


def ppo(args: Args, modules: dict[str, RLModuleSpec], in_training, in_evaluation, learners: list[str]) -> PPOConfig:
    """RLlib's PPO on the environment "sandwich_chess", with who acts for which agent in training and in evaluations."""
    evaluation = PPOConfig.overrides(policy_mapping_fn=in_evaluation, explore=False)
    config = PPOConfig().environment("sandwich_chess", disable_env_checking=True)  # the checker plays illegal moves
    config.env_runners(num_env_runners=args.env_runners, num_envs_per_env_runner=args.num_envs)
    config.multi_agent(policies=set(modules), policy_mapping_fn=in_training, policies_to_train=learners)
    config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=modules))
    config.training(lr=1e-4, gamma=0.98, lambda_=0.95, use_kl_loss=False, entropy_coeff=0.003, vf_loss_coeff=0.5)
    config.training(train_batch_size_per_learner=args.batch, minibatch_size=min(args.batch, 256), num_epochs=3)
    config.evaluation(evaluation_interval=10**9, evaluation_duration=args.eval_games, evaluation_config=evaluation)
    return config.debugging(seed=args.seed, log_level="ERROR")


def evaluate(algorithm, writer: SummaryWriter, done: int) -> str:
    """The learners' mean rewards against the H of the start."""
    returns = algorithm.evaluate()["env_runners"]["module_episode_returns_mean"]
    returns = {name: returns[name] for name in algorithm.config.policies_to_train}
    writer.add_scalars("evaluation", returns, done)
    return ", ".join(f"{name} {mean:+.3f}" for name, mean in returns.items())


def learn(args: Args, config: PPOConfig) -> None:
    algorithm, writer, names = config.build_algo(), SummaryWriter(str(args.out)), config.policies_to_train
    checkpoint, seconds = (args.out / "checkpoint").absolute(), 0.0
    if args.resume:
        algorithm.restore_from_path(checkpoint)
    steps = ("env_runners", "num_env_steps_sampled_lifetime")
    first = done = int(algorithm.metrics.peek(steps, default=0))
    print(f"mean rewards against the H of the start: {evaluate(algorithm, writer, done)}")
    with tqdm(total=args.steps, initial=done, unit="step") as bar:
        while done < args.steps:
            result = algorithm.train()
            seconds += result["time_this_iter_s"]
            done = int(algorithm.metrics.peek(steps))
            bar.update(done - bar.n)
            for name in names:
                writer.add_scalar(f"{name}/entropy", result["learners"][name]["entropy"], done)
            if result["training_iteration"] % 10 == 0 or done >= args.steps:
                bar.set_postfix_str(evaluate(algorithm, writer, done))
                algorithm.save_to_path(checkpoint)
    print(f"{(done - first) / max(seconds, 1e-9):.0f} steps/s; the checkpoint is in {checkpoint}")
    for name in names:
        save_network(algorithm.get_module(name).net.plain(), args.out / f"{name}.safetensors")
    algorithm.stop()
    weights, pairs = str(args.out / "h.safetensors"), "1" if args.small else "50"
    cli.run(["match", "--first", weights, "--second", "novice", "--pairs", pairs])


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=args.steps if args.resume else 128, num_envs=4, batch=128, eval_games=4)
    ray.init(args.address, num_cpus=None if args.address else args.env_runners + 1, include_dashboard=False)
    register_env("sandwich_chess", lambda _: make_env(args))
    modules = {name: RLModuleSpec(HModule) for name in ("h", "start")}
    learn(args, ppo(args, modules, lambda *who, **how: "h", against_start, ["h"]))


if __name__ == "__main__":
    main(tyro.cli(Args))
