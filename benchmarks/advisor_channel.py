"""A network advisor behind the environment's channel, beside the bare network on batches that were made beforehand.

    python benchmarks/advisor_channel.py --json advisor_channel.json

The environment deals, plays, shows planes and mask, asks the advisor and checks its advice; its learner moves both
sides. Counted are positions that were run through the network: one that was met before is not, so that what is
remembered makes no contestant faster. Games begin after random moves, so that few positions are met twice.

`--check` fails where a goal is missed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from harness import Contestant, Goal, Played, arguments, compare, report
from midgames import positions
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.nets.running import NetworkRunner
from sandwich_env.nets.sharing import SharedEvaluator
from sandwich_env.nets.weights import load_network
from sandwich_env.rules import Games

STARTS = 2048
BATCHES = 16
"""Prepared batches, which are gone through in turn, so that none stays in the processor's caches."""

HONEST, NOISY, OBEYED = "honest advisor", "random_move(policy_noise(honest))", "the same, its moves played"


def batches(size: int) -> list[Games]:
    """Prepared batches of positions."""
    games = positions(size * BATCHES + 1024, seed=1)
    return [games.select(np.arange(i * size, (i + 1) * size)) for i in range(BATCHES)]


def timed(play: Callable[[], int]) -> Contestant:
    """A contestant that plays whole batches, and takes the time itself."""

    def run(seconds: float) -> Played:
        units, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            units += play()
        return Played(units, took)

    return run


def bare(runner: NetworkRunner, prepared: list[Games]) -> Contestant:
    """The network on ready planes and legal actions."""
    asked = [(games.observe(history=1), *games.legal_actions()) for games in prepared]
    turn = iter(range(10**9))

    def play() -> int:
        batch = asked[next(turn) % len(asked)]
        runner.run_legal(*batch)
        return len(batch[0])

    return timed(play)


def channel(advisor: Advisor, expert: NetworkExpert, size: int, *, seed: int, obey: bool) -> Contestant:
    """The vector environment with an advisor."""
    env = ChessVectorEnv(
        size,
        autoreset_mode="SameStep",
        copy=False,
        opponent="self",
        advisor=advisor,
        advised="both",
        starts=positions(STARTS, seed).fens(),
    )
    seen, _ = env.reset(seed=seed)
    draws = np.arange(size, dtype=np.uint64)

    def choose() -> NDArray[np.int64]:
        return np.asarray(seen["advice_move"]) if obey else env.games.sample(draws)

    def play() -> int:
        nonlocal seen
        before = expert.evaluations
        seen, *_ = env.step(choose())
        return expert.evaluations - before

    return timed(play)


def remembering(runner: NetworkRunner, prepared: list[Games], *, known: bool) -> Contestant:
    """The shared evaluator on ready planes, none of which it knows, or all."""
    evaluator = SharedEvaluator(runner)
    asked = [(games.observe(history=1), *games.legal_actions()) for games in prepared]
    turn = iter(range(10**9))

    def play() -> int:
        batch = asked[0 if known else next(turn) % len(asked)]
        if not known:
            evaluator.forget()
        evaluator.evaluate(*batch)
        return len(batch[0])

    return timed(play)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--games", type=int, default=256, help="games at once, and positions in a prepared batch")
    parser.add_argument("--weights", default="expert", help="of the advisor's network")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")


def main() -> None:
    args = arguments(__doc__, options)
    torch.set_num_threads(1)
    expert = NetworkExpert(args.weights, args.device)
    runner = NetworkRunner(load_network(args.weights), args.device)
    honest = Honest(expert)
    noisy = RandomMove(PolicyNoise(honest, scale=0.5), epsilon=0.25)
    prepared, size = batches(args.games), args.games
    contestants = {
        "bare network": bare(runner, prepared),
        HONEST: channel(honest, expert, size, seed=2, obey=False),
        NOISY: channel(noisy, expert, size, seed=3, obey=False),
        OBEYED: channel(noisy, expert, size, seed=4, obey=True),
    }
    goals = [Goal(name, 0.9, over="bare network") for name in (HONEST, NOISY, OBEYED)]
    through = compare(f"{size} games", contestants, args, unit="positions", goals=goals)
    through.notes["device"] = str(runner.device)
    memory = compare(
        "remembering",
        {
            "bare network": bare(runner, prepared),
            "shared, all new": remembering(runner, prepared, known=False),
            "shared, all known": remembering(runner, prepared, known=True),
        },
        args,
        unit="positions",
        goals=[Goal("shared, all new", 0.97, over="bare network")],
    )
    report([through, memory], args)
    if args.check and not all(goal["reached"] for table in (through, memory) for goal in table.to_json()["goals"]):
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
