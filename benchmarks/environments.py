"""Plies a second of random legal play, beside PettingZoo's chess_v6 in the same run.

    python benchmarks/environments.py --json speeds.json

The contestants take turns, a second each, for several rounds, so that a machine whose speed drifts drifts for
all of them; the ratios are medians over the rounds. Planes and mask are made at every ply.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from pettingzoo.classic import chess_v6

from sandwich_env import sandwich_chess_v0
from sandwich_env.rules import Games

PEER = "PettingZoo chess_v6"


def aec(make: Callable[[], Any]) -> Callable[[], int]:
    """A second of an AEC environment: whole games, masked."""
    env, rng, seeds = make(), np.random.default_rng(0), iter(range(10**9))

    def play(until: float) -> int:
        plies = 0
        while time.perf_counter() < until:
            env.reset(seed=next(seeds))
            for _ in env.agent_iter():
                seen, _, terminated, truncated, _ = env.last()
                over = terminated or truncated
                env.step(None if over else int(rng.choice(np.flatnonzero(seen["action_mask"]))))
                plies += not over
                if time.perf_counter() >= until:
                    break
        return plies

    return lambda: play(time.perf_counter() + 1.0)


def games(count: int) -> Callable[[], int]:
    """A second of the rules alone, N games at once, those that are over begun again."""
    batch = Games(count)
    seeds = np.arange(count, dtype=np.uint64)
    planes, mask = batch.observe(), batch.legal_mask()

    def play() -> int:
        until, plies = time.perf_counter() + 1.0, 0
        while time.perf_counter() < until:
            batch.step(batch.sample(seeds))
            batch.reset(batch.finished)
            batch.observe(out=planes)
            batch.legal_mask(out=mask)
            plies += count
        return plies

    return play


def vector(count: int) -> Callable[[], int]:
    """A second of the native vector environment in self-play."""
    envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=count, autoreset_mode="SameStep", copy=False)
    envs.reset(seed=0)
    seeds = np.arange(count, dtype=np.uint64)

    def play() -> int:
        until, plies = time.perf_counter() + 1.0, 0
        while time.perf_counter() < until:
            envs.step(envs.unwrapped.games.sample(seeds))
            plies += count
        return plies

    return play


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args()
    contestants = {
        PEER: aec(chess_v6.env),
        "sandwich_chess_v0.env()": aec(sandwich_chess_v0.env),
        "Games, 1": games(1),
        "Games, 256": games(256),
        "vector environment, 256": vector(256),
    }
    for play in contestants.values():
        play()  # compiles, and warms up
    rounds = [{name: play() for name, play in contestants.items()} for _ in range(args.rounds)]
    speeds = {name: [row[name] for row in rounds] for name in contestants}
    ratios = {name: statistics.median(row[name] / row[PEER] for row in rounds) for name in contestants}
    print(f"{'':28}{'plies/s':>12}{'times chess_v6':>18}")
    for name in contestants:
        print(f"{name:28}{statistics.median(speeds[name]):12,.0f}{ratios[name]:18,.1f}")
    if args.json:
        args.json.write_text(json.dumps({"plies_per_second": speeds, "ratio_to_chess_v6": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
