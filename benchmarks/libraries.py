"""Learning libraries: steps a second of the same learner on this package's environment and on PettingZoo's chess_v6.

    python benchmarks/libraries.py --seconds 20 --rounds 3 --json libraries.json
    python benchmarks/libraries.py --only sb3

Each library is a file `libraries_NAME.py` beside this one, with

    LIBRARY   its name in the tables
    learners  a function without arguments: for `OURS` and for `THEIRS` a contestant that trains for about so many
              seconds and returns how many actions its learner took; further pairs, such as "sandwich_env, playing"
              and "chess_v6, playing", may be beside them

Both learners have one network and one set of hyperparameters, those of the library's script in `examples/`; they play
the standard game against themselves, in which a step is one ply, and nobody advises, since chess_v6 knows no advisor.
Collecting and learning are in the time, as in the script. A library that is not installed is left out and named, so
that those that need an environment of their own are measured by the Python of that environment.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import machine
from harness import Contestant, ContestantError, Goal, arguments, compare, report

HERE = Path(__file__).parent
PREFIX = "libraries_"
OURS, THEIRS = "sandwich_env", "chess_v6"
VERSIONS = (
    "stable_baselines3", "sb3_contrib", "tianshou", "torchrl", "tensordict", "agilerl", "ray", "torch",
    "gymnasium", "pettingzoo",
)  # fmt: skip


def known() -> list[str]:
    """The names of the libraries that have a file here."""
    return sorted(path.stem.removeprefix(PREFIX) for path in HERE.glob(f"{PREFIX}*.py"))


def learners_of(name: str) -> tuple[str, dict[str, Contestant] | ContestantError]:
    """What a library is called in the tables, and its learners; an error where it is not installed."""
    module: ModuleType
    try:
        module = importlib.import_module(PREFIX + name)
        return module.LIBRARY, module.learners()
    except ImportError as error:
        return name, ContestantError(f"not installed: {error}")


def gather(names: Iterable[str]) -> tuple[dict[str, Contestant | ContestantError], list[Goal]]:
    """All contestants by "library, environment", and which are compared.

    Raises:
        ValueError: a library's file gives no learner for one of the two environments.
    """
    contestants: dict[str, Contestant | ContestantError] = {}
    goals = []
    for name in names:
        library, learners = learners_of(name)
        if isinstance(learners, ContestantError):
            contestants[library] = learners
            continue
        for environment in (OURS, THEIRS):
            if environment not in learners:
                raise ValueError(f"{PREFIX}{name}.learners() gives {sorted(learners)}, and {environment!r} is missing")
        contestants |= {f"{library}, {environment}": learner for environment, learner in learners.items()}
        pairs = [(ours, ours.replace(OURS, THEIRS)) for ours in learners if ours.startswith(OURS)]
        goals += [Goal(f"{library}, {ours}", over=f"{library}, {theirs}") for ours, theirs in pairs]
    return contestants, goals


def _only(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=known(), default=known(), help="these libraries alone")


def main() -> None:
    args = arguments(__doc__, _only)
    machine.keep_to(1, args.cores)  # and so the processes that a library starts
    contestants, goals = gather(args.only)
    table = compare("libraries, one core", contestants, args, unit="steps", goals=goals, processor=True)
    table.notes["versions"] = machine.versions(VERSIONS)
    report([table], args)


if __name__ == "__main__":
    main()
