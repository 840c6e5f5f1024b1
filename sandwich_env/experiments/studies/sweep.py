"""`sandwich sweep`: the arms of a study, in processes of this machine or on a cluster, and the table of what came out.

Every arm is a run in a folder of its own, and can be gone on from. So a sweep that was killed goes on with the same
command: arms that are done stay as they are, those that were at work go on where they were.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from sandwich_env.experiments.engine_marks import Engines
from sandwich_env.experiments.folder import write_json
from sandwich_env.experiments.studies.board import Board, board, duration, seconds_left
from sandwich_env.experiments.studies.checking import Checked, check_arms
from sandwich_env.experiments.studies.executors import (
    OFTEN_S,
    Advanced,
    Died,
    Ended,
    Event,
    Executor,
    LocalProcesses,
    Said,
)
from sandwich_env.experiments.studies.folder import SweepFolder, read_record, tidy
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, Outcome, Work, work
from sandwich_env.experiments.studies.study import Study
from sandwich_env.experiments.studies.sweep_end import summary, tell_end
from sandwich_env.experiments.studies.sweep_engines import engines_of
from sandwich_env.experiments.studies.sweep_log import log_start, name_of
from sandwich_env.experiments.studies.sweep_signing import sign_in
from sandwich_env.experiments.studies.table import collect, read_records, write_results
from sandwich_env.specs import check_count

SHARE = 20
"""The table of a large sweep is not written at every arm's end: so many times what that takes goes by in between."""

MakeExecutor = Callable[[Path], Executor]
"""Makes what does the jobs, from the sweep's folder."""


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    Attributes:
        results: the table.
        arms: how many arms there are.
        failed: why those that have failed did, by their ids.
    """

    results: Path
    arms: int
    failed: dict[str, str]


def run_sweep(
    study: Study,
    out: Path | str,
    *,
    processes: int | None = None,
    retry_failed: bool = False,
    console: Console | None = None,
    executor: MakeExecutor | None = None,
    do: Work = work,
) -> SweepResult:
    """Run the arms of a study that are not done, and write the table.

    Args:
        study: what to run.
        out: the sweep's folder. A sweep that was stopped there goes on, also with a study that has grown: with all arms
            that have begun, and others.
        processes: how many arms are at work at once; as many as there are processors without it.
        retry_failed: whether arms that failed or diverged are gone on with.
        console: where progress is shown; nowhere without it.
        executor: makes what does the jobs in the place of processes of this machine.
        do: does a job.

    Raises:
        SandwichError: an arm cannot be made, or the folder holds an arm that is none of the study's; nothing has been
            run then.
        RunLockedError: another sweep is at work in the folder.
        OSError: a file could not be written. What was recorded is whole, and the sweep goes on from there.
    """
    count = check_count("processes", (os.cpu_count() or 1) if processes is None else processes)
    folder = SweepFolder(Path(out))
    console = console or Console(quiet=True)
    grid = Grid.of(study)
    checked, engines = check_arms(grid.arms), engines_of(grid.arms)
    with folder.locked():
        said = sign_in(folder, study, grid, checked.all, engines)
        by = f"processes={count}" if executor is None else f"executor={name_of(executor)}"
        log_start(folder, f"run_sweep({study.name!r}, {str(out)!r}, {by}, retry_failed={retry_failed})")
        if retry_failed:
            for arm in grid.arms:
                folder.failure(arm.id).unlink(missing_ok=True)
        begun = executor(folder.root) if executor is not None else LocalProcesses(folder.root, count, do)
        with closing(begun), board(console) as shown:
            for line in said:
                shown.say(line)
            return _Sweep(study, grid, folder, begun, shown, checked=checked, engines=engines).run()


@dataclass
class _Running:
    """A job at work: what it is for, and since when."""

    job: Job
    label: str
    method: str
    since: float = field(default_factory=time.monotonic)


class _Sweep:
    """Gives out jobs, and writes down how they ended."""

    def __init__(
        self,
        study: Study,
        grid: Grid,
        folder: SweepFolder,
        executor: Executor,
        shown: Board,
        *,
        checked: Checked,
        engines: Engines,
    ) -> None:
        self.study = study
        self.grid = grid
        self.checked = checked
        self.engines = engines
        self.folder = folder
        self.executor = executor
        self.shown = shown
        self.records = read_records(folder, grid)
        self.waiting = [arm for arm in grid.arms if self.records[arm.id].status == "unfinished"]
        self.running: dict[str, _Running] = {}
        self.deaths: dict[str, int] = {}
        self.stale = True
        self.written = self.shown_at = -math.inf
        self.took = 0.0
        cells = grid.cells_of()
        self.labels = {id: held[0].label for id, held in cells.items()}
        self.methods = {id: held[0].method for id, held in cells.items()}

    def run(self) -> SweepResult:
        """All that is left to do."""
        if self.study.keep == "numbers":
            for id, record in self.records.items():
                if record.status == "done":
                    tidy(self.folder.arm(id).root)  # the sweep may have been killed before it could
        self.shown.say(
            f"{self.study.name}: {len(self.grid.cells)} cells, {len(self.grid.arms)} arms, "
            f"{self._done()} of them done, {self.executor.slots} at once."
        )
        self._show()
        try:
            self._do_all()
        except (Exception, KeyboardInterrupt) as stopped:
            self._write_what_there_is(stopped)
            raise
        failed = tell_end(self.folder, self.records, self.labels, self.shown)
        return SweepResult(self.folder.results, len(self.grid.arms), failed)

    def _do_all(self) -> None:
        while self.waiting or self.running:
            self._give_out()
            for event in self.executor.wait(0.5):
                self._handle(event)
            self._show()
            self._write(now=False)
        self._show(now=True)  # nothing is shown after it
        self._write()

    def _give_out(self) -> None:
        while len(self.running) < self.executor.slots and (found := self._next()) is not None:
            job, label, method = found
            self.running[job.id] = _Running(job, label, method)
            self.shown.begin(job.id, label)
            self.executor.begin(job)

    def _next(self) -> tuple[Job, str, str] | None:
        """The next arm whose anchors are there, or anchors that one waits for; None where all wait for what goes on."""
        for arm in self.waiting:
            if self.folder.anchors(arm.anchors).is_dir():
                self.waiting.remove(arm)
                marks = self.checked.arms[arm.id]
                job = Job(
                    id=arm.id,
                    config=arm.plain,
                    anchors=arm.anchors,
                    keep=self.study.keep,
                    marks=marks,
                    engines=self.engines,
                )
                return job, self.labels[arm.id], self.methods[arm.id]
            if arm.anchors not in self.running:
                label = f"anchors, {arm.plain['novice']}, seed {arm.plain['seed']}"
                marks = self.checked.arms[arm.anchors]
                return Job(id=arm.anchors, config=arm.anchors_plain, marks=marks, engines=self.engines), label, ""
        return None

    def _handle(self, event: Event) -> None:
        if isinstance(event, Advanced):
            self.shown.advance(event)
        elif isinstance(event, Ended):
            self._ended(self._over(event.job), event.outcome)
        elif isinstance(event, Died):
            self._died(self._over(event.job), event.why)
        else:
            assert isinstance(event, Said)  # a round's line, which the table has too

    def _over(self, id: str) -> _Running:
        self.shown.end(id)
        return self.running.pop(id)

    def _ended(self, one: _Running, outcome: Outcome) -> None:
        if outcome.how == "stop":
            self.running[one.job.id] = one  # it may have measured something
            raise OSError(outcome.errno, f"the sweep has stopped at {one.label!r}: {outcome.error}")
        if one.job.anchors is not None:
            self._settle(one.job.id, outcome)
        elif outcome.how != "done":
            for arm in [arm for arm in self.waiting if arm.anchors == one.job.id]:
                self.waiting.remove(arm)
                text = f"{one.label}, which the arm is measured against: {outcome.error}"
                self._settle(arm.id, Outcome(outcome.how, text, outcome.traceback))

    def _settle(self, id: str, outcome: Outcome) -> None:
        """Write down how an arm ended."""
        if outcome.how != "done":
            failure = {"status": outcome.how, "error": outcome.error, "traceback": outcome.traceback}
            write_json(self.folder.failure(id), failure)
        self._read_again(id)
        record = self.records[id]
        self._write(now=False)
        left = self._left()
        self.shown.say(
            f"[{self._done()}/{len(self.grid.arms)}] {self.labels[id]}: {summary(record, outcome)}"
            + ("" if left is None else f"; about {duration(left)} left")
        )

    def _died(self, one: _Running, why: str) -> None:
        deaths = self.deaths[one.job.id] = 1 if self._has_grown(one.job) else self.deaths.get(one.job.id, 0) + 1
        if deaths > self.study.attempts:
            text = f"its process ended {deaths} times in a row before anything more was measured, the last time {why}"
            self._ended(one, Outcome("failed", text))
            return
        self.shown.say(f"{one.label}: its process ended {why}; it is begun again from where it was")
        if one.job.anchors is not None:
            self.waiting.insert(0, next(arm for arm in self.grid.arms if arm.id == one.job.id))

    def _has_grown(self, job: Job) -> bool:
        """Whether a round has been measured since the arm's record was last read."""
        if job.anchors is None:
            return False
        before = len(self.records[job.id].rows)
        self._read_again(job.id)
        return len(self.records[job.id].rows) > before

    def _read_again(self, id: str) -> None:
        self.records[id] = read_record(self.folder, id, self.records[id].rounds)
        self.stale = True

    def _write_what_there_is(self, stopped: BaseException) -> None:
        """The table as it is when the sweep stops, be it at Ctrl-C, with what arms have measured that were at work.

        Raises:
            OSError: it cannot be written, where the sweep has stopped at a file that cannot be; the text says both.
        """
        for id, record in self.records.items():
            if record.status == "unfinished":
                self._read_again(id)
        self._show(now=True)
        try:
            self._write()
        except OSError as error:
            text = f"The table is as it was before: {error}"
            if isinstance(stopped, OSError):
                raise OSError(stopped.errno or 0, f"{stopped.strerror or stopped}. {text}") from stopped
            self.shown.say(text)

    def _write(self, now: bool = True) -> None:
        """The table; if not now, then where it is out of date and writing it takes little of the sweep's time."""
        if now or (self.stale and time.monotonic() - self.written >= SHARE * self.took):
            began = time.monotonic()
            write_results(self.folder, collect(self.study, self.grid, self.records))
            self.written, self.stale = time.monotonic(), False
            self.took = self.written - began

    def _done(self) -> int:
        return sum(record.status == "done" for record in self.records.values())

    def _left(self) -> float | None:
        spent: dict[str, list[float]] = {}
        for id, record in self.records.items():
            if record.status == "done":
                spent.setdefault(self.methods[id], []).append(sum(record.seconds.values()))
        now = time.monotonic()
        running = [(one.method, now - one.since) for one in self.running.values() if one.job.anchors is not None]
        return seconds_left(spent, [self.methods[arm.id] for arm in self.waiting], running, self.executor.slots)

    def _show(self, now: bool = False) -> None:
        if now or time.monotonic() - self.shown_at > OFTEN_S:
            self.shown_at = time.monotonic()
            left = self._left() if self.waiting or self.running else None
            self.shown.show(self._done(), len(self.grid.arms), left)
