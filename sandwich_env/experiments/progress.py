"""Live progress: bars on a terminal, plain lines elsewhere, messages from a process to the one that shows them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Update = Callable[[int], None]
"""Told how much of a stage is done."""


class Reporter(ABC):
    """Told what a run is doing."""

    @abstractmethod
    def stage(self, name: str, total: int) -> Update:
        """A stage begins, of so many units; call the result with how many are done."""

    @abstractmethod
    def say(self, text: str) -> None:
        """A line to keep."""


class Silent(Reporter):
    """Shows nothing."""

    def stage(self, name: str, total: int) -> Update:
        return lambda done: None

    def say(self, text: str) -> None:
        pass


class Lines(Reporter):
    """A line when a stage is over, and one now and then while it goes on, for logs and pipes.

    Args:
        console: where to.
        every_s: seconds between lines within a stage.
    """

    def __init__(self, console: Console, every_s: float = 20.0) -> None:
        self._console = console
        self._every_s = every_s

    def stage(self, name: str, total: int) -> Update:
        started = said = time.monotonic()

        def update(done: int) -> None:
            nonlocal said
            now = time.monotonic()
            if done >= total:
                self.say(f"{name}: {total} ({now - started:.0f} s)")
            elif now - said >= self._every_s:
                self.say(f"{name}: {done} of {total}")
                said = now

        return update

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Bars(Reporter):
    """A bar for the stage that is going on, and lines above it.

    Args:
        progress: rich's display, started by who made it.
        task: its bar.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def stage(self, name: str, total: int) -> Update:
        self._progress.reset(self._task, total=total, description=name)
        return lambda done: self._progress.update(self._task, completed=done)

    def say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False)


def new_bars(console: Console) -> Progress:
    """rich's display with the columns that this package uses."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),  # which shows a stage whose size is not known yet as well
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def reporter(console: Console) -> Iterator[Reporter]:
    """A reporter that fits where the output goes: bars on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with new_bars(console) as progress:
        yield Bars(progress, progress.add_task("starting", total=None))
