"""Sweeps for tests: small studies, and runs that are none, for what a sweep does with its arms whatever they are."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from run_support import plain_config

from sandwich_env.errors import DivergedError, SpecError
from sandwich_env.experiments.folder import RunFolder, read_json, write_json, write_lines
from sandwich_env.experiments.measure import new_row
from sandwich_env.experiments.progress import Reporter
from sandwich_env.experiments.studies.executors import Died, Ended, Event, Executor, Telling
from sandwich_env.experiments.studies.folder import SweepFolder, copy_whole
from sandwich_env.experiments.studies.jobs import Job, Work, attempt
from sandwich_env.experiments.studies.study import Study, study_from
from sandwich_env.experiments.studies.sweep import SweepResult, run_sweep
from sandwich_env.experiments.studies.table import read_results

KINDS = {
    "random": {"advisor": "random_move", "dial": "epsilon", "at": [0, 0.5, 1]},
    "values": {"advisor": "value_noise", "dial": "scale", "at": [0, 0.5]},
}


def plain_study(folder: Path, base: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A study as a file holds it, whose runs are those of `run_support`; what they read is made in `folder`."""
    run = plain_config(folder, rounds=1, evaluate={"anchors": ["novice", "expert"]})
    novice = run.pop("novice")
    for key in ("out", "advisor", "method"):
        del run[key]
    study: dict[str, Any] = {
        "name": "small",
        "base": run | (base or {}),
        "kinds": KINDS,
        "methods": {"trusting": {"kind": "imitate", "explore_plies": 2}},
        "controls": {"alone": {"kind": "imitate", "explore_plies": 2}},
        "novices": {"H": novice},
        "seeds": [0, 1],
    }
    return study | changes


def small_study(folder: Path, base: dict[str, Any] | None = None, **changes: Any) -> Study:
    """The same as a study."""
    return study_from(plain_study(folder, base, **changes))


def stand_in(job: Job, root: Path, reporter: Reporter) -> None:
    """In the place of a run: numbers drawn from the seed and the round, round by round, in a folder like a run's.

    `orders.json` in the sweep's folder says by the arm's id what else is to happen to it.
    """
    folder = SweepFolder(root)
    with (root / "calls.txt").open("a") as calls:
        calls.write(f"{job.id}\n")
    orders = read_json(root / "orders.json") if (root / "orders.json").is_file() else {}
    order = orders.get(job.id, "")
    if job.anchors is None:
        _obey(order, root, job.id, 0)
        write_json(folder.anchors(job.id).with_name(job.id + ".partial") / "E_H0.json", {"seed": job.config["seed"]})
        folder.anchors(job.id).with_name(job.id + ".partial").rename(folder.anchors(job.id))
        return
    run = folder.arm(job.id)
    copy_whole(folder.anchors(job.anchors), run.anchors)
    write_json(run.config, {**job.config, "out": str(run.root)})
    rows = run.read_metrics()
    for round in range(len(rows), job.config["rounds"] + 1):
        _obey(order, root, job.id, round)
        update = reporter.stage(f"round {round}", 2)
        update(2)
        drawn = np.random.default_rng([job.config["seed"], round]).random()
        write_json(run.corpus(round), {"games": round})
        write_json(run.seconds, {f"{past} play": 0.5 for past in range(round + 1)})
        rows.append(
            new_row(round) | {"pgr": drawn, "games": 4 * min(round, 1), "queries": 3 * round, "steps": 2 * round}
        )
        write_lines(run.metrics, rows)
        reporter.say(f"round {round}")


def _obey(order: str, root: Path, id: str, round: int) -> None:
    """Do what is ordered, in round 1, or at once where the order is for anchors."""
    if order == "unmakeable":
        raise SpecError("no such thing")
    if round == 0 and order not in ("broken anchors",):
        return
    if order in ("broken", "broken anchors"):
        raise ZeroDivisionError("by nought")
    if order == "diverges":
        raise DivergedError("the loss is nan after step 3")
    if order == "disk":
        raise OSError(28, "No space left on device")
    if order == "lacks a file":
        raise FileNotFoundError(2, "No such file or directory", "anchors/E_H0.json")
    marks = root / f"died_{id}"
    if order == "dies" or (order == "dies once" and not marks.exists()):
        marks.touch()
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)


class LostError(BaseException):
    """What ends a job in the place of a process's death."""


class LostAfterARound(Telling):
    """Ends a job when it has measured a round."""

    def say(self, text: str) -> None:
        raise LostError


class Here(Executor):
    """Does jobs in this process, one after the other, the latest begun last. An order to die is only told."""

    def __init__(self, root: Path, slots: int = 2, do: Work = stand_in) -> None:
        self.root = root
        self.do = do
        self.begun: list[Job] = []
        self.waits: deque[Job] = deque()
        self.closed = False
        self._slots = slots

    @property
    def slots(self) -> int:
        return self._slots

    def begin(self, job: Job) -> None:
        assert len(self.waits) < self._slots
        self.begun.append(job)
        self.waits.append(job)

    def wait(self, timeout: float) -> list[Event]:
        job = self.waits.popleft()
        events: list[Event] = []
        orders = read_json(self.root / "orders.json") if (self.root / "orders.json").is_file() else {}
        if orders.get(job.id) == "lost":
            return [Died(job.id, "by signal 9 (SIGKILL)")]
        if orders.get(job.id) == "lost after each round":
            try:
                attempt(self.do, job, self.root, LostAfterARound(job.id, events.append))
            except LostError:
                return [Died(job.id, "by signal 9 (SIGKILL)")]
        outcome = attempt(self.do, job, self.root, Telling(job.id, events.append))
        return [*events, Ended(job.id, outcome)]

    def close(self) -> None:
        self.closed = True


def order(root: Path, orders: dict[str, str]) -> None:
    """What is to happen to arms, by their ids."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "orders.json").write_text(json.dumps(orders))


def calls(root: Path) -> list[str]:
    """The ids of the jobs that were begun, in their order."""
    return (root / "calls.txt").read_text().split()


def rows_of(root: Path, id: str) -> list[dict[str, Any]]:
    """What an arm has measured."""
    return RunFolder(root / "arms" / id).read_metrics()


def swept(
    study: Study, out: Path, slots: int = 2, do: Work = stand_in, **arguments: Any
) -> tuple[SweepResult, Here, str]:
    """A sweep in this process: what it came to, what did it, and what it printed."""
    executors: list[Here] = []

    def make(root: Path) -> Here:
        executors.append(Here(root, slots, do))
        return executors[0]

    console = Console(file=io.StringIO(), width=200)
    result = run_sweep(study, out, executor=make, console=console, **arguments)
    return result, executors[0], console.file.getvalue()  # type: ignore[attr-defined]


def untimed(out: Path) -> list[dict[str, Any]]:
    """The table without what may differ."""
    return read_results(out).drop_columns(["seconds_total"]).to_pylist()
