"""Arms as tasks of a Ray cluster: the same runs, each in a folder of the computer it is run on.

A task is given the files that the sweep has of its arm, goes on from there, and hands back what has changed after each
round. What a lost computer had done since the last round is lost, and done again by another.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandwich_env.errors import MissingExtraError
from sandwich_env.experiments.studies.carrying import (
    changed_files,
    put_anchors,
    put_arm,
    read_files,
    rename_run,
)
from sandwich_env.experiments.studies.executors import Died, Ended, Event, Executor, Telling
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.jobs import Job, Outcome, Work, attempt, outcome_of, work
from sandwich_env.experiments.studies.sweep import MakeExecutor

SELDOM_S = 2.0
"""Seconds between two words of a task about how far it is: each goes through the cluster, and tasks are many."""


@dataclass(frozen=True)
class Task:
    """What goes to the cluster.

    Attributes:
        job: what is to be done.
        out: the folder that the arm is to lie in at last.
        arm: the files that the sweep has of the arm.
        anchors: those of its anchors.
        place: the folder that the sweep was begun in, where relative paths of weights and books lead from.
        path: where modules were looked for there.
    """

    job: Job
    out: str
    arm: dict[str, bytes]
    anchors: dict[str, bytes]
    place: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """What has changed in an arm's folder, or what anchors did, and every file that is there."""

    job: Job
    files: dict[str, bytes]
    names: frozenset[str]


def do_task(do: Work, task: Task) -> Iterator[Event | Made]:
    """Do a task in a temporary folder, and tell what happens; the last word is `Ended`."""
    if os.path.isdir(task.place):
        os.chdir(task.place)
    # A user's own "my_module:MyAdvisor" is found here where it is found there, if the folder is on this computer too.
    sys.path.extend(path for path in task.path if path not in sys.path and os.path.isdir(path))
    told: queue.SimpleQueue[Event | Made] = queue.SimpleQueue()
    # The job tells by calling, and Ray hears by asking for the next word: a thread stands between them.
    thread = threading.Thread(target=_do, args=(do, task, told.put), daemon=True)
    thread.start()
    while True:
        word = told.get()
        yield word
        if isinstance(word, Ended):
            thread.join()
            return


def _do(do: Work, task: Task, tell: Any) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="sandwich_arm_", ignore_cleanup_errors=True) as place:
            outcome = _do_in(do, task, Path(place), tell)
    except Exception as error:  # whoever waits for the last word would wait forever
        outcome = outcome_of(error)
    tell(Ended(task.job.id, outcome))


def _do_in(do: Work, task: Task, place: Path, tell: Any) -> Outcome:
    folder, job = SweepFolder(place), task.job
    if job.anchors is None:
        outcome = attempt(do, job, place, Telling(job.id, tell, every=SELDOM_S, ends=False))
        files = read_files(folder.anchors(job.id))
        tell(Made(job, files, frozenset(files)))
        return outcome
    root = folder.arm(job.id).root
    put_anchors(folder.anchors(job.anchors), task.anchors)
    put_arm(root, task.arm, frozenset(task.arm))
    known = dict(task.arm)

    def hand_back() -> None:
        rename_run(root, task.out)
        now = read_files(root)
        tell(Made(job, changed_files(now, known), frozenset(now)))
        known.clear()
        known.update(now)

    outcome = attempt(do, job, place, _Rounds(job.id, tell, hand_back))
    hand_back()
    # What is to be mended lies in the sweep's own folder, and not where it was copied to for the task.
    return replace(outcome, error=outcome.error.replace(str(place), str(Path(task.out).parents[1])))


class _Rounds(Telling):
    """Tells what a job is doing, and hands back its files after each round, of which a run says a line."""

    def __init__(self, job: str, tell: Any, hand_back: Any) -> None:
        super().__init__(job, tell, every=SELDOM_S, ends=False)
        self._hand_back = hand_back

    def say(self, text: str) -> None:
        self._hand_back()
        super().say(text)


class RayTasks(Executor):
    """Ray, which is started here or reached at an address.

    Args:
        root: the sweep's folder, on the computer that the sweep is begun on.
        address: of the cluster; None starts a Ray of this computer.
        most: tasks at once, at the most; as many as the cluster has processors without it.
        do: does a job.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(self, root: Path, address: str | None, most: int | None = None, do: Work = work) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise MissingExtraError("ray", "ray") from error
        self._ray: Any = ray
        self._folder = SweepFolder(root)
        self._most = most
        self._started = not ray.is_initialized()
        if self._started:
            here: dict[str, Any] = {"include_dashboard": False} if address is None else {}
            ray.init(address=address, log_to_driver=False, **here)
        # Ray would begin a lost task again from the files of its start; the sweep has newer ones.
        options = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")
        self._remote: Any = options(do_task)
        self._do = do
        self._tasks: dict[Any, str] = {}

    @property
    def slots(self) -> int:
        processors = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return processors if self._most is None else self._most

    def begin(self, job: Job) -> None:
        root = self._folder.arm(job.id).root
        of_an_arm = job.anchors is not None
        task = Task(
            job=job,
            out=str(root),
            arm=read_files(root) if of_an_arm else {},
            anchors=read_files(self._folder.anchors(job.anchors)) if job.anchors is not None else {},
            place=os.getcwd(),
            path=tuple(sys.path),
        )
        self._tasks[self._remote.remote(self._do, task)] = job.id

    def wait(self, timeout: float) -> list[Event]:
        until = time.monotonic() + timeout
        events: list[Event] = []
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=timeout)
        while ready:  # all that has been said by now; not longer than the reader may wait for it
            for stream in ready:
                events += self._heard(stream)
            if not self._tasks or time.monotonic() >= until:
                break
            ready, _ = self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0)
        return events

    def _heard(self, stream: Any) -> list[Event]:
        job = self._tasks[stream]
        try:
            word = self._ray.get(next(stream))
        except StopIteration:
            del self._tasks[stream]
            return [Died(job, "before its last word")]
        except self._ray.exceptions.RayError as error:
            del self._tasks[stream]
            said = str(error).strip().splitlines()
            return [Died(job, f"with {type(error).__name__}" + (f": {said[-1].strip()}" if said else ""))]
        if isinstance(word, Made):
            self._keep(word)
            return []
        if isinstance(word, Ended):
            del self._tasks[stream]
            if word.outcome.how == "stop":  # on that computer, whose disk is full; another may have room
                return [Died(job, f"with {word.outcome.error}")]
        return [word]

    def _keep(self, made: Made) -> None:
        """Write what a task has handed back; anchors are whole when they are handed back at all."""
        if made.job.anchors is not None:
            put_arm(self._folder.arm(made.job.id).root, made.files, made.names)
        elif made.files:
            put_anchors(self._folder.anchors(made.job.id), made.files)

    def close(self) -> None:
        for stream in self._tasks:
            self._ray.cancel(stream, force=True)
        self._tasks.clear()
        if self._started:
            self._ray.shutdown()


def ray_tasks(address: str | None = None, most: int | None = None, do: Work = work) -> MakeExecutor:
    """What `run_sweep` takes as its executor, to run the arms on Ray; see `RayTasks`."""
    return lambda root: RayTasks(root, address, most, do)
