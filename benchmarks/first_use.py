"""What the first use costs: compiling the kernels, and what is left of it afterwards.

    python benchmarks/first_use.py --json first_use.json

Each figure is a process of its own, from its start to the end of its first step in an environment, on a copy of the
package whose kernels were never compiled (or were, by the run before it). Checked at the same time: one line says that
it compiles, several processes may start cold at once, neither the package nor the home need be writable, and a fork
after steps on two threads goes on stepping.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
from harness import number, print_rows

import sandwich_env

PACKAGE = Path(sandwich_env.__file__).parent

IMPORT = """
import time; began = time.perf_counter()
import sandwich_env
print(time.perf_counter() - began)
import sys; heavy = {"numba", "llvmlite", "torch"} & set(sys.modules); assert not heavy, heavy
"""
GYMNASIUM = """
import gymnasium as gym
env = gym.make("sandwich_env:sandwich/Chess-v0", opponent="random")
seen, _ = env.reset(seed=0)
env.step(int(seen["action_mask"].argmax()))
"""
AEC = """
from sandwich_env import sandwich_chess_v0
env = sandwich_chess_v0.env()
env.reset(seed=0)
env.step(int(env.last()[0]["action_mask"].argmax()))
"""
VECTOR = """
import gymnasium as gym
envs = gym.make_vec("sandwich_env:sandwich/Chess-v0", num_envs=64)
seen, _ = envs.reset(seed=0)
envs.step(seen["action_mask"].argmax(axis=1))
"""
FORK = """
import os
from sandwich_env.rules import Games
def play(games):
    for _ in range(20): games.step(games.sample(range(256)))
    return games.fens()
alone, shared = Games(256), Games(256, threads=2)
assert play(alone) == play(shared)
child = os.fork()
same = play(alone) == play(shared)
if child == 0: os._exit(0 if same else 1)
assert same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@dataclass(frozen=True)
class Place:
    """Where a copy of the package lies, and what it may write to.

    Attributes:
        path: The folder that holds the copy.
        home: The user's home.
    """

    path: Path
    home: Path

    @classmethod
    def fresh(cls, folder: Path, *, writable: bool = True) -> Place:
        """A copy that was never compiled.

        Where it may not be written, files lie where the folders for compiled code would be made: the system's own
        permissions do not bind an administrator.
        """
        path, home = folder / "site", folder / "home"
        shutil.copytree(PACKAGE, path / "sandwich_env", ignore=shutil.ignore_patterns("__pycache__"))
        if writable:
            home.mkdir()
        else:
            home.touch()
            for room in [path / "sandwich_env", *(p for p in (path / "sandwich_env").rglob("*") if p.is_dir())]:
                (room / "__pycache__").touch()
        return cls(path, home)

    def start(self, code: str) -> subprocess.Popen[str]:
        variables = {k: v for k, v in os.environ.items() if k not in {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}}
        variables |= {"PYTHONPATH": str(self.path), "HOME": str(self.home), "TMPDIR": str(self.path.parent)}
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str, processes: int = 1, lines: int | None = None) -> tuple[float, str]:
        """Seconds until the last of some processes is done, and what the first printed.

        Raises:
            RuntimeError: One failed, or did not write so many lines to stderr.
        """
        began = time.perf_counter()
        started = [self.start(code) for _ in range(processes)]
        ended = [process.communicate() for process in started]
        took = time.perf_counter() - began
        for process, (_, told) in zip(started, ended, strict=True):
            if process.returncode != 0:
                raise RuntimeError(f"a process ended with {process.returncode}: {told}")
            if lines is not None and len(told.splitlines()) != lines:
                raise RuntimeError(f"{lines} lines were expected on stderr: {told!r}")
        return took, ended[0][0]


def cold(code: str, processes: int = 1, *, writable: bool = True) -> Callable[[], float]:
    """A first use by some processes at once, on a new copy; a single one has to say so in one line."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            place = Place.fresh(Path(folder), writable=writable)
            return place.run(code, processes, lines=1 if processes == 1 else None)[0]

    return measure


def warm(code: str) -> Callable[[], float]:
    """A later use, of which nothing is said."""

    def measure() -> float:
        with tempfile.TemporaryDirectory() as folder:
            place = Place.fresh(Path(folder))
            place.run(code)
            return place.run(code, lines=0)[0]

    return measure


def importing() -> float:
    """`import sandwich_env` alone, in a process that has its bytecode."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place.fresh(Path(folder))
        place.run(IMPORT)
        return float(place.run(IMPORT, lines=0)[1])


FIGURES: dict[str, tuple[Callable[[], float], float | None]] = {
    "import sandwich_env": (importing, 0.3),
    "first use, gym.make": (cold(GYMNASIUM), 8.0),
    "first use, AEC": (cold(AEC), 8.0),
    "first use, gym.make_vec": (cold(VECTOR), 8.0),
    "first use, nothing writable": (cold(GYMNASIUM, writable=False), None),
    "first use, 4 processes at once": (cold(GYMNASIUM, 4), None),
    "later, gym.make": (warm(GYMNASIUM), 1.0),
    "later, AEC": (warm(AEC), 1.0),
    "later, gym.make_vec": (warm(VECTOR), 1.0),
    "later, 2 threads and a fork": (warm(FORK), None),
}
"""What is measured, and how many seconds it should take at the most."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES), metavar="NAME")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args(arguments)
    if args.rounds < 1:
        parser.error(f"--rounds {args.rounds!r}: it must be more than 0")
    rounds = [{name: FIGURES[name][0]() for name in args.only} for _ in range(args.rounds)]
    rows, figures = [], dict[str, Any]()
    for name in args.only:
        seconds, limit = [row[name] for row in rounds], FIGURES[name][1]
        median = statistics.median(seconds)
        reached = None if limit is None else median <= limit
        figures[name] = {"seconds": seconds, "median": median, "limit": limit, "reached": reached}
        verdict = "" if limit is None else "reached" if reached else f"missed by {number(median - limit)} s"
        spread = f"{number(min(seconds))} to {number(max(seconds))}"
        rows.append([name, number(median), spread, "" if limit is None else number(limit), verdict])
    about = machine.describe()
    print(f"{about['cpu']}, {about['cores']} cores; Python {about['python']}; {about['date']}")
    print_rows(["", "seconds", "least to greatest", "limit", ""], rows)
    if args.json is not None:
        args.json.write_text(json.dumps({"machine": about, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
