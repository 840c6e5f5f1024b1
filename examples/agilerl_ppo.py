"""A population of Hs learns endgames with AgileRL's PPO, told by an advisor that may mislead them; the best one stays.

    pip install 'sandwich_env[train,agilerl]'        # an environment of its own: AgileRL wants pettingzoo<1.27
    python examples/agilerl_ppo.py
    python examples/agilerl_ppo.py --resume --steps 400000      # goes on with the population in --out
    PYTHONPATH=examples sandwich match --first agilerl_ppo:Learnt:agent=runs/agilerl/h.pt --second random
    tensorboard --logdir runs/agilerl

The networks are AgileRL's own, as its mutations add layers and nodes to them, and begin from scratch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
import tyro
from agilerl.algorithms import PPO
from agilerl.hpo.mutation import Mutations
from agilerl.hpo.tournament import TournamentSelection
from agilerl.training.train_on_policy import train_on_policy

from sandwich_env import cli, layouts
from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.experiments.naming import make_advisor, make_expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games

LAYOUT = layouts.Stack([layouts.ChannelsFirst(history=1), layouts.AdvicePlanes(), layouts.MaskInInfo()])
"""Leaves one array of planes, advice among them; AgileRL looks for the mask in the info."""
NETWORK = {
    "latent_dim": 128,
    "encoder_config": {"channel_size": [32, 32], "kernel_size": [3, 3], "stride_size": [1, 1]},
    "head_config": {"hidden_size": [128]},
}


@dataclass(frozen=True)
class Args:
    """A population of Hs learns endgames with AgileRL's PPO."""

    out: Path = Path("runs/agilerl")  # logs, the population and the best agent
    advisor: str = "random_move:epsilon=0.5"  # whom H is told by; the expert behind it is the shipped E
    material: str = "KQQvK"  # on the board at the start
    population: int = 2
    steps: int = 200_000  # of each, those before --resume included
    num_envs: int = 32  # games at once
    rollout: int = 2048  # steps between two updates
    eval_games: int = 200
    seed: int = 0
    resume: bool = False
    small: bool = False  # one update and a few games: says in seconds whether it works


def make_games(args: Args) -> gym.vector.VectorEnv:
    """Games from drawn endgames, in which H has the side to move and the winning side, against a random mover."""
    options = {"starts": {"kind": "endgame", "material": args.material}, "opponent": "random", "max_plies": 60}
    options |= {"advisor": make_advisor(args.advisor, make_expert("expert")), "autoreset_mode": "SameStep"}
    envs = gym.make_vec("sandwich_env:sandwich/Endgame-v0", num_envs=args.num_envs, **options)
    games = layouts.wrap(envs, LAYOUT)
    games.reset(seed=args.seed)
    return games


class Learnt(Player):
    """What was learnt as a player of this package, for `sandwich match` and everything else that takes one.

    Args:
        agent: the path of an agent that AgileRL saved.
    """

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self._ppo = PPO.load(agent)
        self._ppo.set_training_mode(False)

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> np.ndarray:
        count, mask = len(games), games.legal_mask()
        if advice is None:
            nothing = {"move": np.full(count, NO_MOVE), "value": np.zeros(count, np.float32)}
            advice = VisibleAdvice(**nothing, available=np.zeros((count, 2), np.int8))
        seen = {"observation": games.observe(), "action_mask": mask, "advice_move": advice.move}
        seen |= {"advice_value": advice.value, "advice_available": advice.available}
        going = np.flatnonzero(mask.any(axis=1))
        actions = np.full(count, -1, dtype=np.int64)
        if len(going):
            planes = self._ppo.preprocess_observation(LAYOUT(seen)[going])
            with torch.no_grad():
                latent = self._ppo.actor.extract_features(planes)
                self._ppo.actor.forward_head(latent, action_mask=mask[going], sample=False)
            actions[going] = self._ppo.actor.head_net.dist.logits.argmax(dim=-1).numpy()  # the likeliest
        return actions


def main(args: Args) -> None:
    if args.small:
        args = replace(args, steps=args.steps if args.resume else 128, num_envs=4, rollout=64, eval_games=4)
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)  # noqa: NPY002 (AgileRL shuffles by it)
    games, saved = make_games(args), args.out / "population"
    args.out.mkdir(parents=True, exist_ok=True)
    if args.resume:
        population = [PPO.load(f"{saved}_{i}.pt") for i in range(args.population)]
    else:
        spaces = games.single_observation_space, games.single_action_space
        settings = {"gamma": 0.98, "ent_coef": 0.003, "update_epochs": 3, "batch_size": 256, "lr": 3e-4}
        settings |= {"learn_step": args.rollout, "num_envs": args.num_envs, "net_config": NETWORK}
        population = PPO.population(args.population, *spaces, normalize_images=False, **settings)
    rounds = -(-args.eval_games // args.num_envs)
    before, first, began = population[0].test(games, loop=rounds), population[0].steps, time.perf_counter()
    population, _ = train_on_policy(
        games,
        env_name=args.material,
        algo="PPO",
        pop=population,
        max_steps=args.steps,
        evo_steps=args.rollout if args.small else 4 * args.rollout,
        eval_loop=max(rounds // 4, 1),
        selection_strategy=TournamentSelection(tournament_size=2, elitism=True, population_size=args.population),
        mutation=Mutations(0.4, architecture=0.2, new_layer_prob=0.2, parameters=0.2, activation=0, rl_hp=0.2),
        checkpoint=args.rollout,
        checkpoint_path=str(saved),
        overwrite_checkpoints=True,
        tensorboard=True,
        tensorboard_log_dir=str(args.out),
    )
    done = sum(agent.steps - first for agent in population)
    print(f"{done / (time.perf_counter() - began):.0f} steps/s, evaluations on the way included")
    best = max(population, key=lambda agent: agent.fitness[-1])
    after = best.test(make_games(args), loop=rounds)
    print(
        f"mean reward in {rounds * args.num_envs} games from {args.material}: {before:+.3f} before, {after:+.3f} after"
    )
    best.save_checkpoint(str(args.out / "h.pt"))
    player, pairs = f"agilerl_ppo:Learnt:agent={args.out / 'h.pt'}", "1" if args.small else "20"
    cli.run(["match", "--first", player, "--second", "random", "--pairs", pairs])


if __name__ == "__main__":
    main(tyro.cli(Args))
