"""What a process of a sweep does: one arm from where it is to its end, or the anchors that arms share."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandwich_env.errors import DivergedError, RunLockedError
from sandwich_env.experiments.config import config_from
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.progress import Reporter
from sandwich_env.experiments.run import measure_anchors, resume, start
from sandwich_env.experiments.studies.folder import SweepFolder, copy_whole, settle, tidy

PATIENCE_S = 30.0
"""How long a process of a sweep that was killed may take to let go of an arm."""

How = Literal["done", "failed", "diverged", "stop"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing for a process to do.

    Attributes:
        id: of the arm, or of the anchors.
        config: the run's config as JSON holds it, without its folder.
        anchors: of an arm: the id of its anchors; None for a job that measures anchors.
        keep: what of a finished arm is kept, "all" or "numbers".
    """

    id: str
    config: Mapping[str, Any]
    anchors: str | None = None
    keep: str = "all"


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        how: "done"; "failed" or "diverged" (its loss was no number any more), which end the arm; "stop", which ends the
            sweep, since the others would fare no better: a disk is full.
        error: what went wrong, in a sentence.
        traceback: where.
    """

    how: How
    error: str = ""
    traceback: str = ""


Work = Callable[[Job, Path, Reporter], None]
"""Does a job in the folder of a sweep."""


def work(job: Job, root: Path, reporter: Reporter) -> None:
    """Do a job to its end in the folder of a sweep; what is there already is not done again.

    Raises:
        SandwichError: the run cannot be made or gone on with, or it diverged.
        OSError: a file could not be written.
    """
    folder = SweepFolder(root)
    if job.anchors is None:
        _measure(job, folder.anchors(job.id), reporter)
        return
    run = folder.arm(job.id)
    if not run.anchors.is_dir():
        run.root.mkdir(parents=True, exist_ok=True)
        copy_whole(folder.anchors(job.anchors), run.anchors)
    config = config_from({**job.config, "out": str(run.root)}, f"the config of arm {job.id}")
    if run.config.is_file():
        _patiently(lambda: resume(run.root, config, reporter))
    else:
        _patiently(lambda: start(config, reporter))
    if job.keep == "numbers":
        tidy(run.root)


def _measure(job: Job, target: Path, reporter: Reporter) -> None:
    if target.is_dir():
        return
    run = RunFolder(target.with_name(target.name + ".partial"))
    config = config_from({**job.config, "out": str(run.root)}, f"the config of the anchors {job.id}")
    _patiently(lambda: measure_anchors(config, reporter))
    settle(run.anchors, target)
    shutil.rmtree(run.root)


def _patiently(do: Callable[[], Any]) -> None:
    """A process that is ending with a sweep that was killed may hold the lock for a moment more."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            do()
        except RunLockedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def attempt(do: Work, job: Job, root: Path, reporter: Reporter) -> Outcome:
    """Do a job, and say how it ended."""
    try:
        do(job, root, reporter)
    except DivergedError as error:
        return Outcome("diverged", str(error), traceback.format_exc())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:  # something of this arm is amiss
        return Outcome("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
    except (OSError, RunLockedError) as error:
        return Outcome("stop", str(error), traceback.format_exc())
    except Exception as error:  # an arm's error is the arm's: it is written down, and the others go on
        return Outcome("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
    return Outcome("done")
