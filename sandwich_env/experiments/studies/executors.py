"""Who does the jobs of a sweep: processes of this machine, or whatever else takes a job and tells how it ended."""

from __future__ import annotations

import functools
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandwich_env.experiments.progress import Reporter, Update
from sandwich_env.experiments.studies.jobs import Job, Outcome, Work, attempt
from sandwich_env.experiments.workers import Workers

OFTEN_S = 0.3
"""Seconds between two words about one stage, at the least."""


@dataclass(frozen=True)
class Advanced:
    """A job has done so much of so much of a stage."""

    job: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Said:
    """A job has a line for the reader."""

    job: str
    text: str


@dataclass(frozen=True)
class Ended:
    """A job has ended, well or not."""

    job: str
    outcome: Outcome


@dataclass(frozen=True)
class Died:
    """What did the job is gone: a process that was killed, a computer that was lost."""

    job: str
    why: str


Event = Advanced | Said | Ended | Died


class Executor(ABC):
    """Does jobs, several at once, in the folder of a sweep."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many jobs it takes at once."""

    @abstractmethod
    def begin(self, job: Job) -> None:
        """Begin a job; there are never more than `slots` of them."""

    @abstractmethod
    def wait(self, timeout: float) -> list[Event]:
        """What has happened, or nothing after so many seconds. A job's last event is `Ended` or `Died`.

        Raises:
            OSError: what a job has made could not be written.
        """

    @abstractmethod
    def close(self) -> None:
        """End what is still going on."""


class LocalProcesses(Executor):
    """Processes of this machine, each of which does one job after another.

    Args:
        root: the sweep's folder.
        processes: how many.
        do: does a job.
    """

    def __init__(self, root: Path, processes: int, do: Work) -> None:
        self._slots = processes
        self._workers = Workers(functools.partial(_target, do, root), processes)

    @property
    def slots(self) -> int:
        return self._slots

    def begin(self, job: Job) -> None:
        self._workers.begin(job.id, job)

    def wait(self, timeout: float) -> list[Event]:
        return [_event(str(m.key), m.what, m.content) for m in self._workers.wait(timeout)]

    def processes(self) -> list[int]:
        """The ids of the processes that are alive."""
        return self._workers.processes()

    def close(self) -> None:
        self._workers.close()


def _target(do: Work, root: Path, job: Job, tell: Callable[[Any], None]) -> Outcome:
    return attempt(do, job, root, Telling(job.id, tell))


def _event(job: str, what: str, content: Any) -> Event:
    if what == "died":
        return Died(job, str(content))
    event: Event = Ended(job, content) if what == "ended" else content
    return event


class Telling(Reporter):
    """Sends what a job is doing to whoever shows it, a few times a second at the most.

    Args:
        job: its id.
        tell: sends an event.
        every: seconds between two words about how far it is, at the least.
        ends: whether the beginning and the end of a stage are told whatever was told just before.
    """

    def __init__(self, job: str, tell: Callable[[Event], None], *, every: float = OFTEN_S, ends: bool = True) -> None:
        self._job = job
        self._tell = tell
        self._every = every
        self._ends = ends
        self._told = -math.inf

    def stage(self, name: str, total: int) -> Update:
        self._advance(name, 0, total)
        return lambda done: self._advance(name, done, total)

    def _advance(self, stage: str, done: int, total: int) -> None:
        at_an_end = self._ends and (done == 0 or done >= total)
        if at_an_end or time.monotonic() - self._told > self._every:
            self._told = time.monotonic()
            self._tell(Advanced(self._job, stage, done, total))

    def say(self, text: str) -> None:
        self._tell(Said(self._job, text))
