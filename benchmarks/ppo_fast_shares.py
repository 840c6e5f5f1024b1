"""What `examples/ppo_fast.py` waits for: its environment, its advisor, its network playing, or learning.

    python benchmarks/ppo_fast_shares.py
    python benchmarks/ppo_fast_shares.py --expert stockfish:nodes=200 --advisor random_move:epsilon=0.5

Shares of one run are measured, by the clock; the first update, in which kernels are compiled and libraries imported, is
left out. Shares hold where the machine does nothing else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import ppo_fast
import torch

PARTS = ("environment", "advisor", "network playing", "learning", "all else")


@dataclass
class Args:
    updates: int = 6  # that are measured
    advisor: str = "honest"  # as in ppo_fast.py
    expert: str = "expert"
    weights: str | None = None


class Clock:
    """Adds up the seconds of some functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def of(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[part] += time.perf_counter() - began

        return timed


def measure(args: Args) -> tuple[dict[str, float], int]:
    """Seconds of each part, and how many steps were taken in them."""
    clock = Clock()
    make_envs, make_advisor = ppo_fast.make_envs, ppo_fast.make_advisor

    def timed_envs(*given: Any, **options: Any) -> Any:
        envs = make_envs(*given, **options)
        envs.step = clock.of("environment and advisor", envs.step)
        return envs

    def timed_advisor(*given: Any) -> Any:
        advisor: Any = make_advisor(*given)
        advisor.advise = clock.of("advisor", advisor.advise)
        return advisor

    ppo_fast.make_envs, ppo_fast.make_advisor = timed_envs, timed_advisor
    ppo_fast.learn = clock.of("learning", ppo_fast.learn)
    ppo_fast.AdvisedNetwork.policy = _outside_learning(clock, ppo_fast.AdvisedNetwork.policy)
    with tempfile.TemporaryDirectory() as folder:
        given = ppo_fast.Args(out=Path(folder), advisor=args.advisor, expert=args.expert, weights=args.weights)
        batch = given.num_envs * given.rollout
        given = replace(given, steps=(args.updates + 1) * batch)
        began = 0.0
        for update, _ in enumerate(ppo_fast.train(given)):
            if update == 0:
                clock.seconds.clear()
                began = time.perf_counter()
        whole = time.perf_counter() - began
    seconds = dict(clock.seconds)
    advisor = seconds.get("advisor", 0.0)
    parts = {
        "environment": seconds["environment and advisor"] - advisor,
        "advisor": advisor,
        "network playing": seconds["network playing"],
        "learning": seconds["learning"],
    }
    return parts | {"all else": whole - sum(parts.values())}, args.updates * batch


def _outside_learning(clock: Clock, policy: Callable[..., Any]) -> Callable[..., Any]:
    """The policy, timed where no gradient is wanted, which is where it plays."""
    playing = clock.of("network playing", policy)

    def timed(*args: Any) -> Any:
        return policy(*args) if torch.is_grad_enabled() else playing(*args)

    return timed


def main(args: Args) -> None:
    torch.set_num_threads(1)
    parts, steps = measure(args)
    whole = sum(parts.values())
    print(f"{steps} steps in {whole:.1f} s, {steps / whole:.0f} a second, advisor {args.advisor}, expert {args.expert}")
    for part in PARTS:
        print(f"  {part:16} {parts[part] / whole:6.1%}")


if __name__ == "__main__":
    main(tyro.cli(Args))
