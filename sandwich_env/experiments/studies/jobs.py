"""What a process of a sweep does: one arm from where it is to its end, or the anchors that arms share."""

from __future__ import annotations

import errno
import re
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandwich_env.errors import EXHAUSTED, DataError, DivergedError, RunLockedError
from sandwich_env.experiments.config import config_from
from sandwich_env.experiments.engine_marks import Engines
from sandwich_env.experiments.folder import RunFolder, read_json
from sandwich_env.experiments.progress import Reporter
from sandwich_env.experiments.run import measure_anchors, start_or_resume
from sandwich_env.experiments.studies.checking import Marks
from sandwich_env.experiments.studies.folder import SweepFolder, copy_whole, settle, tidy

PATIENCE_S = 30.0
"""How long a process of a sweep that was killed may take to let go of an arm."""

FATAL = EXHAUSTED | {errno.EROFS}
"""Errors of the system under which no other arm would fare better: the disk, memory or open files are at an end."""

How = Literal["done", "failed", "diverged", "stop"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing for a process to do.

    Attributes:
        id: of the arm, or of the anchors.
        config: the run's config as JSON holds it, without its folder.
        anchors: of an arm: the id of its anchors; None for a job that measures anchors.
        keep: what of a finished arm is kept, "all" or "numbers".
        marks: what its weights, openings and puzzles were when the sweep began; None where nobody has looked.
        engines: what the engines were, likewise.
    """

    id: str
    config: Mapping[str, Any]
    anchors: str | None = None
    keep: str = "all"
    marks: Marks | None = None
    engines: Engines | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        how: "done"; "failed" or "diverged" (its loss was no number any more), which end the arm; "stop" where the
            others would fare no better: a disk is full.
        error: what went wrong, in a sentence.
        traceback: where.
        errno: the system's number of what stops the sweep; 0 otherwise.
    """

    how: How
    error: str = ""
    traceback: str = ""
    errno: int = 0


Work = Callable[[Job, Path, Reporter], None]
"""Does a job in the folder of a sweep."""


def work(job: Job, root: Path, reporter: Reporter) -> None:
    """Do a job to its end in the folder of a sweep; what is there already is not done again.

    Raises:
        SandwichError: the run cannot be made or gone on with, its weights, files or engines are others than the
            sweep's, another process is at work on it, or it diverged.
        OSError: a file could not be written.
    """
    folder = SweepFolder(root)
    if job.marks is not None:
        job.marks.check()
    if job.anchors is None:
        _measure(job, folder.anchors(job.id), reporter)
        return
    run = folder.arm(job.id)
    anchors = folder.anchors(job.anchors)
    config = config_from({**job.config, "out": str(run.root)}, f"the config of arm {job.id}")

    def go_on() -> None:
        with run.locked():
            if not run.anchors.is_dir():
                _check_anchors(anchors)
            copy_whole(anchors, run.anchors)
        start_or_resume(config, reporter, job.engines)

    _patiently(go_on, run.root)
    if job.keep == "numbers":
        tidy(run.root)


def _check_anchors(anchors: Path) -> None:
    """A damaged file would be copied into every arm, and spoil each that was removed for its sake."""
    for path in anchors.glob("*.json"):
        try:
            read_json(path)
        except DataError as error:
            raise DataError(f"{error}. Remove the folder {str(anchors)!r} to measure the anchors anew") from error


def _measure(job: Job, target: Path, reporter: Reporter) -> None:
    # The run lies within a folder that has a lock of its own, which is held until the anchors have their place.
    place = RunFolder(target.with_name(target.name + ".partial"))
    run = RunFolder(place.root / "run")
    config = config_from({**job.config, "out": str(run.root)}, f"the config of the anchors {job.id}")

    def measure() -> None:
        if target.is_dir():
            return
        with place.locked():
            if not target.is_dir():  # which another process may have put there until the lock was ours
                measure_anchors(config, reporter, job.engines)
                if run.seconds.is_file():  # beside what it took so long to measure
                    run.seconds.replace(run.anchors / run.seconds.name)
                settle(run.anchors, target)
            shutil.rmtree(place.root, ignore_errors=True)

    _patiently(measure, place.root)


def _patiently(do: Callable[[], None], place: Path) -> None:
    """A process that is ending with a sweep that was killed may hold the lock for a moment more."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            do()
        except RunLockedError as error:
            if time.monotonic() > deadline:
                raise RunLockedError(
                    f"another process has held {str(place / '.lock')!r} for {PATIENCE_S:.0f} s and more, be it of a "
                    f"sweep that was ended here or a `sandwich run`: end it, and go on with --retry-failed"
                ) from error
            time.sleep(0.2)
        else:
            return


def is_fatal(error: OSError) -> bool:
    """Whether no other arm would fare better; a copy of many files says of each in words what went wrong."""
    return _fatal(error) != 0


def _fatal(error: OSError) -> int:
    """The system's number of what no other arm could bear; 0 where there is no such thing."""
    several = isinstance(error, shutil.Error)
    numbers = map(int, re.findall(r"\[Errno (\d+)\]", str(error))) if several else [error.errno or 0]
    return next((number for number in numbers if number in FATAL), 0)


def attempt(do: Work, job: Job, root: Path, reporter: Reporter) -> Outcome:
    """Do a job, and say how it ended."""
    try:
        do(job, root, reporter)
    except Exception as error:  # an arm's error is the arm's: it is written down, and the others go on
        return outcome_of(error)
    return Outcome("done")


def outcome_of(error: Exception) -> Outcome:
    """How a job ended that ended with this error."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, DivergedError):
        return Outcome("diverged", str(error), trace)
    if isinstance(error, OSError) and is_fatal(error):
        return Outcome("stop", str(error), trace, _fatal(error))
    return Outcome("failed", f"{type(error).__name__}: {error}", trace)
