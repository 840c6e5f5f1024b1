"""One game at a time: the AEC, Gymnasium and parallel environments beside PettingZoo's chess_v6.

    python benchmarks/single.py --json single.json

One core, random legal play. A ply of an AEC environment is `last()` and `step()`, and a new game when one is over; a
step against a random opponent holds two plies, its own and the reply.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import machine
import numpy as np
import peers
from harness import Contestant, Goal, arguments, compare, report
from numpy.typing import NDArray

from sandwich_env import Honest, RandomMove, sandwich_chess_v0
from sandwich_env.experts.uniform import UniformExpert

CHESS_V6 = peers.PEERS["chess_v6"]
AEC, ADVISED, RAW = "env()", "env(), with an advisor", "raw_env()"
LEARNER, LEARNER_ADVISED = "gym.make, random opponent", "gym.make, random opponent, with an advisor"
PARALLEL = "parallel_env()"


def draw(rng: random.Random, mask: NDArray[np.int8]) -> int:
    """A legal action; NumPy's own draw from an array takes longer than a ply."""
    legal = np.flatnonzero(mask.view(np.bool_))  # a seventh of the time that it takes on int8
    return int(legal[int(rng.random() * len(legal))])


def aec(make: Callable[[], Any]) -> Contestant:
    """Plays an AEC environment the way its makers show: agent by agent, masked."""
    env, rng, seeds = make(), random.Random(0), iter(range(10**9))
    env.reset(seed=next(seeds))

    def play(seconds: float) -> int:
        until, plies = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                env.reset(seed=next(seeds))
                continue
            env.step(draw(rng, seen["action_mask"]))
            plies += 1
        return plies

    return play


def parallel(make: Callable[[], Any]) -> Contestant:
    """Plays the parallel environment: both agents see every ply, and the one to move acts."""
    env, rng, seeds = make(), random.Random(0), iter(range(10**9))
    seen, _ = env.reset(seed=next(seeds))

    def play(seconds: float) -> int:
        nonlocal seen
        until, plies = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            if not env.agents:
                seen, _ = env.reset(seed=next(seeds))
            mover = env.unwrapped.agent_selection
            seen, *_ = env.step({mover: draw(rng, seen[mover]["action_mask"])})
            plies += 1
        return plies

    return play


def learner(**options: Any) -> Contestant:
    """Plays the learner's side of the Gymnasium environment."""
    env, rng = gym.make("sandwich_env:sandwich/Chess-v0", opponent="random", **options), random.Random(0)
    seen, _ = env.reset(seed=0)

    def play(seconds: float) -> int:
        nonlocal seen
        until, steps = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            seen, _, terminated, truncated, _ = env.step(draw(rng, seen["action_mask"]))
            steps += 1
            if terminated or truncated:
                seen, _ = env.reset()
        return steps

    return play


def advisor() -> RandomMove:
    """An advisor that costs nearly nothing, so that what is measured is the way to it."""
    return RandomMove(Honest(UniformExpert()), epsilon=0.5)


def main() -> None:
    args: argparse.Namespace = arguments(__doc__)
    machine.keep_to(1, args.cores)  # and so the peer that is started now
    goals = [
        Goal(AEC, 25, over=CHESS_V6),
        Goal(LEARNER, 40, over=CHESS_V6, note="steps by its plies"),
        *(Goal(name, over=CHESS_V6) for name in (RAW, ADVISED, PARALLEL, LEARNER_ADVISED)),
    ]
    with peers.playing(["chess_v6"]) as others:
        contestants = others | {
            AEC: aec(sandwich_chess_v0.env),
            RAW: aec(sandwich_chess_v0.raw_env),
            ADVISED: aec(lambda: sandwich_chess_v0.env(advisor=advisor())),
            PARALLEL: parallel(sandwich_chess_v0.parallel_env),
            LEARNER: learner(),
            LEARNER_ADVISED: learner(advisor=advisor()),
        }
        table = compare(
            "one game at a time, one core", contestants, args, unit="plies or steps", goals=goals, processor=True
        )
        table.notes |= peers.about(others)
    report([table], args)


if __name__ == "__main__":
    main()
