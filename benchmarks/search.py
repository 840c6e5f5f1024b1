"""A search beside the bare network on batches made beforehand, where its time goes, and what kept trees save.

    python benchmarks/search.py --json search.json

Counted are positions that were run through the network: one that was met before is not, so that what is remembered
makes no contestant faster. Beside the ratio stands the share of its time that the search spends in the network. The
ratio is less where batches are not full, since leaves are finished games or were met before, and a chunk costs the same
full or not. `search_strength.py` tells what the simulations are worth.

`--check` fails where a goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from harness import Contestant, Goal, Played, Table, arguments, compare, report
from midgames import positions

from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.nets.running import NetworkRunner
from sandwich_env.nets.weights import load_network
from sandwich_env.rules import Games

STARTS = 4096
SHARE = 0.8
"""Of its time that a search of many games should spend in the network."""

PLIES = 4
"""Plies that are played with the kept trees, and without, before new games begin."""


def in_turn(size: int, seed: int) -> Callable[[], Games]:
    """Batches of so many games, other ones at every call."""
    games, turn = positions(STARTS, seed), iter(range(10**9))
    return lambda: games.select((next(turn) * size + np.arange(size)) % len(games))


def bare(runner: NetworkRunner, size: int) -> Contestant:
    """The network on ready planes and legal actions."""
    batches = [positions(2 * size + 64, seed).select(np.arange(size)) for seed in range(4)]
    prepared = [(games.observe(history=1), *games.legal_actions()) for games in batches]
    turn = iter(range(10**9))

    def run(seconds: float) -> Played:
        units, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            runner.run_legal(*prepared[next(turn) % len(prepared)])
            units += size
        return Played(units, took)

    return run


class Clock:
    """Counts the seconds that pass in a method, whoever calls it."""

    def __init__(self, owner: type, method: str) -> None:
        self.seconds = 0.0
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        setattr(owner, method, timed)


Shares = dict[str, list[float]]
"""Of a search's time, by whose it was, for each turn."""


def searching(
    search: SearchExpert, expert: NetworkExpert, size: int, clocks: dict[str, Clock], spent: Shares
) -> Contestant:
    """Searches from new positions; counted is what the network was asked. Shares of the time go to `spent`."""
    games = in_turn(size, seed=7)

    def run(seconds: float) -> Played:
        evaluations, clocked = expert.evaluations, {name: clock.seconds for name, clock in clocks.items()}
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            search.evaluate(games())
        for name, clock in clocks.items():
            spent.setdefault(name, []).append((clock.seconds - clocked[name]) / took)
        return Played(expert.evaluations - evaluations, took)

    return run


def playing(expert: NetworkExpert, size: int, simulations: int, *, reuse: int) -> Contestant:
    """The search plays itself for some plies; counted are the visits of the roots."""
    search, starts = SearchExpert(expert, simulations, reuse=reuse), in_turn(size, seed=11)

    def run(seconds: float) -> Played:
        visits, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            games = starts()
            for _ in range(PLIES):
                visits += simulations * int((~games.finished).sum())
                games.step(search.evaluate(games).best())
        return Played(visits, took)

    return run


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--games", type=int, default=64, help="games at once")
    parser.add_argument("--simulations", type=int, default=100, help="of each search")
    parser.add_argument("--batch", type=int, default=4, help="leaves of a game that are evaluated together")
    parser.add_argument("--weights", default="expert", help="of the network")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--parts", nargs="+", choices=("share", "reuse"), default=["share", "reuse"])
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")


def shares(args: argparse.Namespace) -> list[Table]:
    """The share of time in the network, for many games and for one."""
    expert = NetworkExpert(args.weights, args.device)
    runner = NetworkRunner(load_network(args.weights), args.device)
    clocks = {"network": Clock(NetworkRunner, "run_legal"), "expert": Clock(NetworkExpert, "evaluate")}
    found = []
    for games, batch in ((args.games, args.batch), (args.games, 1), (1, args.batch)):
        spent: Shares = {}
        search = SearchExpert(expert, args.simulations, batch)
        contestants = {
            "bare network": bare(runner, games * batch),
            "search": searching(search, expert, games, clocks, spent),
        }
        name = f"games: {games}, simulations: {args.simulations}, leaves of a game together: {batch}"
        table = compare(name, contestants, args, unit="positions", goals=[Goal("search", over="bare network")])
        network, asked = (statistics.median(spent[name][1:]) for name in clocks)  # the first turn warms up
        least = min(spent["network"][1:])
        table.notes |= {
            "share of the time in the network": f"{network:.1%}, at least {least:.1%} in each round",
            "in the expert around it (rules, planes, what is remembered)": f"{asked - network:.1%}",
            "in the tree (selecting, playing to the leaves, backing up)": f"{1 - asked:.1%}",
        }
        if games == args.games:
            table.notes["goal of 80 % in the network"] = "reached" if network >= SHARE else "missed"
        found.append(table)
    return found


def savings(args: argparse.Namespace) -> Table:
    """What kept trees save."""
    expert = NetworkExpert(args.weights, args.device)
    contestants = {
        "trees made anew": playing(expert, args.games, args.simulations, reuse=0),
        "trees kept": playing(expert, args.games, args.simulations, reuse=args.games),
    }
    name = f"games: {args.games}, simulations: {args.simulations}, {PLIES} plies against itself"
    goals = [Goal("trees kept", over="trees made anew")]
    return compare(name, contestants, args, unit="simulations", goals=goals)


def main() -> None:
    args = arguments(__doc__, options)
    torch.set_num_threads(1)
    found = shares(args) if "share" in args.parts else []
    if "reuse" in args.parts:
        found.append(savings(args))
    report(found, args)
    if args.check and any("missed" in table.notes.values() for table in found):
        raise SystemExit("a goal was missed")


if __name__ == "__main__":
    main()
