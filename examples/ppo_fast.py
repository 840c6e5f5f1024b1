"""PPO with action masks in one file, on the native vector environment: H learns to play, to ask, and whom to trust."""
# python examples/ppo_fast.py --out runs/ppo --advisor random_move:epsilon=0.5; tensorboard --logdir runs

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from sandwich_env import cli, layouts
from sandwich_env.errors import needs_extra
from sandwich_env.rules import NUM_ACTIONS

with needs_extra("fast"):
    import torch
    import tyro
    from rich.progress import track
    from torch.utils.tensorboard import SummaryWriter

    from sandwich_env.experiments.naming import make_advisor, make_expert, parse_spec
    from sandwich_env.nets.advised import AdvisedNetwork
    from sandwich_env.nets.checkpoints import load_training, save_training
    from sandwich_env.nets.shape import NetworkShape
    from sandwich_env.nets.weights import save_network

GAMMA, LAMBDA, CLIP, ENTROPY, EPOCHS, BATCH, MOST_KL = 0.99, 0.95, 0.2, 0.01, 4, 256, 0.03


@dataclass
class Args:
    out: Path = Path("runs/ppo_fast")  # logs, checkpoint.safetensors, and h.safetensors for `sandwich match`
    env: str = "sandwich/Endgame-v0"
    starts: str = "endgame:material=KQQvK"  # or another spec: "puzzles", JSON
    advisor: str = "honest"  # "none" for nobody
    expert: str = "expert"  # E, behind the advisor; "syzygy:folder=tables" is the exact truth in endgames
    budget: int = 10  # questions a game
    cost: float = 0.01  # of a question
    weights: str | None = None  # "novice" starts as the shipped H; else a small network from scratch
    trust: float = 4.0  # added to an advised move's logit at the start: H begins by believing, mostly
    asking: float = 3.0  # the logit of a question at the start
    steps: int = 200_000
    num_envs: int = 64
    rollout: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    resume: bool = False
    small: bool = False  # seconds instead of minutes, for a first look


def make_envs(args: Args, num_envs: int, **options: Any) -> Any:
    """N games whose player may ask, its observations as planes."""
    if args.advisor != "none":
        options["advisor"] = make_advisor(args.advisor, lambda: make_expert(args.expert))
    options |= {"starts": parse_spec(args.starts), "asks": "move", "autoreset_mode": "SameStep"}
    options["protocol"] = {"kind": "on_demand", "budget": args.budget, "cost": args.cost}
    envs = gym.make_vec(f"sandwich_env:{args.env}", num_envs, **options)
    return layouts.wrap(envs, layouts.AdvicePlanes(), layouts.ChannelsFirst(history=1))


def look(seen: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """What H sees: planes, and the moves and questions that it may choose from."""
    return torch.from_numpy(seen["observation"]), torch.from_numpy(layouts.legal_lists(seen["action_mask"]))


@torch.no_grad()
def evaluate(network: AdvisedNetwork, args: Args, games: int) -> str:
    """One game from each of some new starts: how many are won, and how often H asks."""
    envs = make_envs(args, games)
    seen = envs.reset(seed=1_000_000)[0]
    playing, won, asked = np.ones(games, bool), np.zeros(games, bool), 0
    while playing.any():
        actions = network.policy(*look(seen))[0].sample().numpy()
        asked += (playing & (actions >= NUM_ACTIONS)).sum()
        seen, rewards, terminated, truncated, _ = envs.step(actions)
        won |= playing & terminated & (rewards > 0)
        playing &= ~(terminated | truncated)
    envs.close()
    return f"won {won.mean():.1%}, {asked / games:.1f} questions a game"


def train(args: Args) -> Any:
    """PPO as in CleanRL (Huang et al. 2022). Yields, after each update, the steps so far, figures and the network."""
    torch.manual_seed(args.seed)
    envs, batch = make_envs(args, args.num_envs), args.num_envs * args.rollout
    network = AdvisedNetwork(NetworkShape(blocks=2, channels=24), 1, args.seed, args.trust, args.asking)
    if args.weights is not None:
        network = AdvisedNetwork.from_weights(args.weights, 1, args.trust, args.asking)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.learning_rate, eps=1e-5)
    first = load_training(args.out / "checkpoint.safetensors", network, optimizer) if args.resume else 0
    seen, _ = envs.reset(seed=args.seed * 10_000 + first)  # after a restart the games begin anew
    for update in track(range(first, args.steps // batch), "learning"):
        optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - update * batch / args.steps)
        rows = []
        for _ in range(args.rollout):
            planes, legal = look(seen)
            with torch.no_grad():
                policy, value = network.policy(planes, legal)
                actions = policy.sample()
            seen, rewards, terminated, truncated, _ = envs.step(actions.numpy())
            reward, over = (torch.from_numpy(part).float() for part in (rewards, terminated | truncated))
            rows.append((planes, legal, actions, policy.log_prob(actions), value, reward, over))
        figures = learn(network, optimizer, rows, network(look(seen)[0])[1].detach())
        save_training(args.out / "checkpoint.safetensors", network, optimizer, update + 1)
        yield (update + 1) * batch, figures, network
    envs.close()


def learn(network: Any, optimizer: Any, rows: list[Any], value: torch.Tensor) -> dict[str, float]:
    """One update on a rollout: advantages, then epochs of clipped steps."""
    advantages, advantage = [], torch.zeros_like(value)
    for *_, now, reward, over in reversed(rows):
        advantage = reward + GAMMA * (1 - over) * (value + LAMBDA * advantage) - now
        advantages, value = [advantage, *advantages], now
    planes, legal, actions, old, values, rewards, over = (torch.cat(column) for column in zip(*rows, strict=True))
    gained = torch.cat(advantages)
    returns, gained = gained + values, (gained - gained.mean()) / (gained.std() + 1e-8)
    for part in (part for _ in range(EPOCHS) for part in torch.randperm(len(actions)).split(BATCH)):
        policy, now = network.policy(planes[part], legal[part])
        ratio = (policy.log_prob(actions[part]) - old[part]).exp()
        if (ratio - 1 - ratio.log()).mean() > MOST_KL:  # who played these games has become another player
            break
        gain = torch.min(ratio * gained[part], ratio.clamp(1 - CLIP, 1 + CLIP) * gained[part]).mean()
        value_loss, entropy = (now - returns[part]).square().mean(), policy.entropy().mean()
        optimizer.zero_grad()
        (0.5 * value_loss - gain - ENTROPY * entropy).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
    asked, games = int((actions >= NUM_ACTIONS).sum()), max(1, int(over.sum()))
    return {"won": int((rewards > 0).sum()) / games, "questions": asked / games, "asks": asked / (len(actions) - asked)}


def main(args: Args) -> None:
    if args.small:
        args.steps, args.num_envs, args.rollout = 1024 if args.resume else 512, 16, 16
    with SummaryWriter(str(args.out)) as writer:
        for step, figures, network in train(args):  # noqa: B007
            for name, figure in figures.items():
                writer.add_scalar(name, figure, step)
    print(evaluate(network, args, games=16 if args.small else 256))
    save_network(network.plain(), args.out / "h.safetensors")
    cli.run(f"match --first {args.out}/h.safetensors --second novice --pairs {1 if args.small else 10}".split())


if __name__ == "__main__":
    main(tyro.cli(Args))
