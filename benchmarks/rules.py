"""Plies a second of random legal play, games that are over begun again, beside other chess environments.

    python benchmarks/peers.py make                  # once: the other environments
    python benchmarks/rules.py --json rules.json

One core, and two where the table says so; everything plays in turns in one run. Planes (8x8x111) and mask (4672) are
written in every ply, except where the name says otherwise.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import gymnasium as gym
import machine
import numpy as np
import peers
from harness import Contestant, Goal, Played, Table, arguments, compare, report

from sandwich_env.rules import Games

SIZES = (1, 64, 256, 1024, 8192, 65536)
USUAL = 256
STAGES = (0, 200, 450)
STAGE_PLIES = 50
LONG_GAMES = 256
CHESS_V6, OPEN_SPIEL = peers.PEERS["chess_v6"], peers.PEERS["open_spiel_chess"]


def games(count: int, sees: str = "planes", **options: Any) -> Contestant:
    """Plays N games at once through `Games`; `sees` is "planes", "packed" or "nothing"."""
    batch = Games(count, **options)
    seeds = np.arange(count, dtype=np.uint64)
    planes, mask = (None, None) if sees == "nothing" else batch.look(packed=sees == "packed")

    def play(seconds: float) -> int:
        until, plies = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            batch.step(batch.sample(seeds))
            if batch.over_count:
                batch.reset(batch.finished)
            if planes is not None:
                batch.show(planes, mask)
            plies += count
        return plies

    return play


def vector(count: int, **options: Any) -> Contestant:
    """Plays N games of self-play through the native vector environment; what is timed is `step`, the actions given."""
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=count, autoreset_mode="SameStep", **options)
    envs.reset(seed=0)
    native: Any = envs.unwrapped
    dealt: Games = native._core.games  # `games` is a copy, which takes longer than a step and empties the caches
    seeds = np.arange(count, dtype=np.uint64)

    def play(seconds: float) -> Played:
        until, plies, spent = time.perf_counter() + seconds, 0, 0.0
        while time.perf_counter() < until:
            actions = dealt.sample(seeds)
            started = time.perf_counter()
            envs.step(actions)
            spent += time.perf_counter() - started
            plies += count
        return Played(plies, spent)

    return play


def against_others(args: argparse.Namespace) -> Table:
    """Everything on one core, the other environments included."""
    machine.keep_to(1, args.cores)  # and so the peers that are started now
    ours = {
        "Games, 256": games(USUAL),
        "Games, 256, rules only": games(USUAL, "nothing"),
        "Games, 256, packed": games(USUAL, "packed"),
        "VectorEnv, 256": vector(USUAL),
        "VectorEnv, 256, copy=False": vector(USUAL, copy=False),
        "VectorEnv, 256, copy=False, packed": vector(USUAL, observation_format="packed", copy=False),
    }
    goals = [
        Goal("Games, 256", 900_000),
        Goal("VectorEnv, 256, copy=False", 700_000),
        Goal("Games, 256, packed", 2_000_000),
        Goal("Games, 256", 600, over=CHESS_V6),
        Goal("Games, 256", 5, over=OPEN_SPIEL),
        *(
            Goal("Games, 256", over=name)
            for key, name in peers.PEERS.items()
            if key.startswith(("env", "pgx", "torch"))
        ),
        Goal("Games, 256, rules only", over=peers.PEERS["python_chess_rules"]),
        Goal("VectorEnv, 256, copy=False", over=CHESS_V6),
        Goal("VectorEnv, 256, copy=False, packed", over="VectorEnv, 256, copy=False"),
    ]
    with peers.playing() as others:
        table = compare("random play, one core", {**ours, **others}, args, goals=goals, processor=True)
        table.notes |= peers.about(others)
    return table


def by_size(args: argparse.Namespace) -> Table:
    """Cost by the number of games."""
    contestants = {f"Games, {count}": games(count) for count in SIZES if count <= args.most}
    largest = [f"Games, {count}" for count in SIZES if USUAL < count <= args.most]
    goals = [Goal(name, 0.8, over="Games, 256", note="flat in N") for name in largest]
    table = compare("random play, by number of games", contestants, args, goals=goals, processor=True)
    table.notes["bytes per game, planes and mask not counted"] = Games(1).bytes_per_game
    return table


def two_threads(args: argparse.Namespace) -> Table:
    """One thread and two, both with two cores to themselves."""
    machine.keep_to(2, args.cores)  # as many threads are started as there are cores to run on
    contestants: dict[str, Contestant] = {}
    goals = []
    for count in (USUAL, 8192):
        one, two = f"Games, {count}, 1 thread", f"Games, {count}, 2 threads"
        contestants |= {one: games(count), two: games(count, threads=2)}
        goals.append(Goal(two, 1.7, over=one))
    one, two = "VectorEnv, 256, 1 thread", "VectorEnv, 256, 2 threads"
    contestants |= {one: vector(USUAL, copy=False), two: vector(USUAL, copy=False, threads=2)}
    goals.append(Goal(two, 1.7, over=one))
    return compare("random play, two cores", contestants, args, goals=goals, processor=True, cores=2)


def by_length(args: argparse.Namespace) -> Table:
    """Cost early and late in the same long games."""
    stages, seeds = long_games()

    def stage(start: Games) -> Contestant:
        planes, mask = start.look()

        def play(seconds: float) -> Played:
            plies, spent = 0, 0.0
            while spent < seconds:
                batch = start.copy()
                started = time.perf_counter()
                for _ in range(STAGE_PLIES):
                    batch.step(batch.sample(seeds))
                    batch.show(planes, mask)
                spent += time.perf_counter() - started
                plies += STAGE_PLIES * len(batch)
            return Played(plies, spent)

        return play

    name = {ply: f"plies {ply} to {ply + STAGE_PLIES}" for ply in STAGES}
    contestants = {name[ply]: stage(start) for ply, start in stages.items()}
    goals = [Goal(name[ply], 0.8, over=name[0], note="flat in length") for ply in STAGES[1:]]
    return compare(f"the same {LONG_GAMES} long games, by ply", contestants, args, goals=goals, processor=True)


def long_games() -> tuple[dict[int, Games], np.ndarray[Any, np.dtype[np.uint64]]]:
    """Games of random play that last long enough, at the plies of `STAGES`, and their seeds."""
    last = STAGES[-1] + STAGE_PLIES
    seeds = np.arange(16 * LONG_GAMES, dtype=np.uint64)
    batch = Games(len(seeds), claim_draws=False)
    stages = {}
    for ply in range(last):
        if ply in STAGES:
            stages[ply] = batch.copy()
        batch.step(batch.sample(seeds))
    lasting = np.flatnonzero(batch.ply == last)[:LONG_GAMES]
    if len(lasting) < LONG_GAMES:
        raise AssertionError(f"only {len(lasting)} of {len(seeds)} games last {last} plies")
    return {ply: start.select(lasting) for ply, start in stages.items()}, seeds[lasting]


def main() -> None:
    def extra(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--only", choices=list(PARTS), help="one of the tables")
        parser.add_argument("--most", type=int, default=SIZES[-1], help="the largest number of games")

    args = arguments(__doc__, extra)
    tables = []
    for name, part in PARTS.items():
        if args.only in (None, name):
            try:
                tables.append(part(args))
            except machine.TooFewCoresError as error:
                print(f"without the table {name!r}: {error}")
    report(tables, args)


PARTS = {"others": against_others, "size": by_size, "length": by_length, "threads": two_threads}

if __name__ == "__main__":
    main()
