"""Garbage at every public entry, in a process of its own: whatever dies there is reported with what was passed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def abuse(folder: Path, examples: int, part: int) -> dict[str, int]:
    """Run `rules_abuse`, with other examples in each part; returns how often each entry did what."""
    log = folder / "call.txt"
    path = os.pathsep.join([str(FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", FOLDER / "rules_abuse.py", log, str(examples), str(part)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = log.read_text() if log.exists() else "nothing was called"
        pytest.fail(f"exit status {done.returncode}; the last call: {last}\n{done.stderr[-6000:]}", pytrace=False)
    counts = [line.split(maxsplit=1) for line in done.stdout.splitlines() if ": " in line]
    return {what: int(number) for number, what in counts}


WANTED = {
    "step: done",
    "step: TypeError",
    "step: ValueError",
    "step: IllegalActionError",
    "step: GameOverError",
    "sample: done",
    "sample: ValueError",
    "select: IndexError",
    "legal_mask: TypeError",
    "observe: done",
    "from_state: ValueError",
    "from_state: done",
    "Games: InvalidPositionError",
    "Games: done",
}


def test_garbage_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    counts = abuse(tmp_path, 100, part=0)
    assert counts.keys() >= WANTED, counts


@pytest.mark.slow
def test_much_garbage(tmp_path: Path) -> None:
    counts = abuse(tmp_path, 150, part=1)
    print(sum(counts.values()), "calls", counts)
    assert counts.keys() >= WANTED
