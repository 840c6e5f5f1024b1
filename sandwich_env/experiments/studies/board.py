"""What a sweep shows while it goes on: arms done of arms in all, what is at work, and the time left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from sandwich_env.experiments.studies.executors import Advanced


def seconds_left(
    spent: Mapping[str, Sequence[float]], waiting: Sequence[str], running: Sequence[tuple[str, float]], slots: int
) -> float | None:
    """How long the rest of a sweep takes, if the arms to come take what those before them did.

    Args:
        spent: what each finished arm took, in seconds, by its method.
        waiting: the methods of the arms that have not begun.
        running: the methods of those at work, and for how many seconds each has been.
        slots: how many are at work at once.

    Returns:
        Seconds; None before the first arm has finished. A method of which none has finished is taken for the mean.
    """
    known = [seconds for each in spent.values() for seconds in each]
    if not known:
        return None
    usual = {method: sum(each) / len(each) for method, each in spent.items() if each}
    mean = sum(known) / len(known)
    rest = [max(0.0, usual.get(method, mean) - since) for method, since in running]
    ahead = sum(usual.get(method, mean) for method in waiting)
    return max((ahead + sum(rest)) / max(1, slots), max(rest, default=0.0))


def duration(seconds: float | None) -> str:
    """A time in words of which the largest two units are told."""
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


class Board(ABC):
    """Shows how far a sweep has come."""

    @abstractmethod
    def say(self, text: str) -> None:
        """A line to keep."""

    @abstractmethod
    def show(self, done: int, total: int, left: float | None) -> None:
        """So many arms of so many are done, and so many seconds are left."""

    @abstractmethod
    def begin(self, job: str, label: str) -> None:
        """A job has begun."""

    @abstractmethod
    def advance(self, event: Advanced) -> None:
        """A job goes on."""

    @abstractmethod
    def end(self, job: str) -> None:
        """A job is over."""


class Lines(Board):
    """For logs and pipes: the lines to keep alone."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def show(self, done: int, total: int, left: float | None) -> None:
        pass  # the lines about the arms say it

    def begin(self, job: str, label: str) -> None:
        pass

    def advance(self, event: Advanced) -> None:
        pass

    def end(self, job: str) -> None:
        pass


class Bars(Board):
    """For terminals: a bar for the sweep, one for each job at work, and the lines to keep above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._all = progress.add_task("arms", total=None, left="")
        self._jobs: dict[str, tuple[TaskID, str]] = {}

    def say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False)

    def show(self, done: int, total: int, left: float | None) -> None:
        words = "" if left is None else f"{duration(left)} left"
        self._progress.update(self._all, completed=done, total=total, left=words)

    def begin(self, job: str, label: str) -> None:
        self._jobs[job] = self._progress.add_task(label, total=None, left=""), label

    def advance(self, event: Advanced) -> None:
        task, label = self._jobs[event.job]
        self._progress.update(task, description=f"{label}: {event.stage}", completed=event.done, total=event.total)

    def end(self, job: str) -> None:
        self._progress.remove_task(self._jobs.pop(job)[0])


class _Label(ProgressColumn):
    """What a bar is of, on one line, cut where a narrow terminal has no room for it: the others keep theirs."""

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


@contextmanager
def board(console: Console) -> Iterator[Board]:
    """A board that fits where the output goes: bars on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        _Label(),
        BarColumn(bar_width=console.width // 8, table_column=Column(no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
