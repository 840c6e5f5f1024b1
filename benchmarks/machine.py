"""On what a benchmark ran: the machine, the versions, the commit; and the cores that it is kept to."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

LIBRARIES = ("sandwich_env", "numpy", "numba", "chess", "gymnasium", "pettingzoo", "torch")
"""Whose versions are written beside the figures, where they are installed."""


class TooFewCoresError(Exception):
    """The process may not use as many cores as a benchmark needs."""


def describe() -> dict[str, Any]:
    """The machine, Python, library versions, git commit and date, as a plain dict."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "kept_to_cores": allowed_cores(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "libraries": versions(LIBRARIES),
        "git": _git(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """The installed versions of the distributions among `names` that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def allowed_cores() -> list[int]:
    """The cores that this process may use, as far as the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to(count: int, among: list[int] | None = None) -> str:
    """Keep all threads of this process, and the processes that it starts, to `count` cores.

    Args:
        count: how many cores.
        among: which cores to choose from, the last ones first; those that the process may use now.

    Returns:
        What was done, in words.

    Raises:
        TooFewCoresError: the process may not use so many.
    """
    among = allowed_cores() if among is None else among
    if len(among) < count:
        raise TooFewCoresError(f"it needs {count!r} cores, and the process may use {len(among)}")
    if not hasattr(os, "sched_setaffinity"):
        return "free to move between cores: this system cannot keep a process to some"
    chosen = among[-count:]
    for task in Path("/proc/self/task").iterdir():  # the call reaches one thread only, and those that it starts later
        with contextlib.suppress(ProcessLookupError):  # the thread has ended
            os.sched_setaffinity(int(task.name), chosen)
    return f"kept to core {', '.join(map(str, chosen))} of {os.cpu_count()}"


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git() -> dict[str, Any]:
    """The commit of the checkout, and whether tracked files differ from it; empty outside of a checkout."""
    here = Path(__file__).parent
    try:
        commit = _output(["git", "-C", str(here), "rev-parse", "HEAD"])
        changed = _output(["git", "-C", str(here), "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit, "dirty": bool(changed)}


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
