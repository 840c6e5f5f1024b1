"""What a sweep was begun and gone on with: a line for each time, which the report shows."""

from __future__ import annotations

import itertools
import shlex
import sys
from pathlib import Path
from typing import Any

import sandwich_env
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.files import write_atomically

PROGRAMS = ("sandwich", "sandwich.exe", "__main__.py")
"""The command's own names, the last one under `python -m sandwich_env`."""


def log_start(folder: SweepFolder, in_python: str) -> None:
    """Add how the sweep is begun or gone on with now.

    Args:
        folder: the sweep's.
        in_python: what is written where no command has begun it.

    Raises:
        OSError: the file cannot be written; it is as it was.
    """
    command = command_of(sys.argv)
    line = f"# from Python: {in_python}" if command is None else command
    before = folder.commands.read_bytes() if folder.commands.is_file() else b""
    version = f"  # sandwich_env {sandwich_env.__version__}"
    write_atomically(folder.commands, before + f"{_on_one_line(line)}{version}\n".encode())


def command_of(words: list[str]) -> str | None:
    """The command line of `sandwich sweep`, as a shell takes it again; None where something else runs in the process.

    Args:
        words: of the command line, the program first.
    """
    if Path(words[0]).name not in PROGRAMS or words[1:2] != ["sweep"]:
        return None
    return shlex.join(["sandwich", *words[1:]])


def name_of(function: Any) -> str:
    """What a function is called in its module, or the one that made it, such as `ray_tasks`."""
    made = getattr(function, "__qualname__", type(function).__qualname__).split(".<locals>.")
    names = [name for name in made if name != "<lambda>"]
    return names[-1] if names else made[0]


def read_log(folder: SweepFolder) -> list[str]:
    """A line for each time, equal ones that follow each other as one; none of a sweep of an earlier version."""
    if not folder.commands.is_file():
        return []
    lines = folder.commands.read_text(encoding="utf-8", errors="replace").splitlines()
    runs = [(line, len(list(equal))) for line, equal in itertools.groupby(lines)]
    return [line + (f", {count} times" if count > 1 else "") for line, count in runs]


def _on_one_line(text: str) -> str:
    return " ".join(text.splitlines())
