"""A few threads that share the games of a batch: kernels release the interpreter's lock, so they run side by side.

Not Numba's own threads: a fork after those kills the child, and compiling for them takes twice as long.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[int, int], object]
"""Does something to the games [first, last); nothing that it does in one slice may depend on another."""

GAMES_PER_THREAD = 32
"""Fewer are not worth handing over: that costs about as much as they do."""


class _Task:
    """One slice of a job, and whether it is done."""

    def __init__(self, work: Work, first: int, last: int) -> None:
        self._work, self._first, self._last = work, first, last
        self._error: BaseException | None = None
        self._running = threading.Lock()
        self._running.acquire()

    def run(self) -> None:
        try:
            self._work(self._first, self._last)
        except BaseException as error:
            self._error = error
        finally:
            self._running.release()

    def wait(self) -> None:
        self._running.acquire()

    def check(self) -> None:
        if self._error is not None:
            raise self._error


class _Staff:
    """The threads of this process, which live as long as it does."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a forked child: the threads have stayed with the parent."""
        self._queues: list[SimpleQueue[_Task]] = []
        self._hiring = threading.Lock()

    def queues(self, count: int) -> list[SimpleQueue[_Task]]:
        """The queues of so many threads."""
        if len(self._queues) < count:
            with self._hiring:
                while len(self._queues) < count:
                    self._hire()
        return self._queues[:count]

    def _hire(self) -> None:
        queue: SimpleQueue[_Task] = SimpleQueue()
        name = f"games-{len(self._queues) + 1}"
        threading.Thread(target=_work_off, args=(queue,), name=name, daemon=True).start()
        self._queues.append(queue)


def _work_off(queue: SimpleQueue[_Task]) -> None:
    while True:
        queue.get().run()


_staff = _Staff()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_staff.forget)


def share(work: Work, n: int, threads: int) -> None:
    """Do some work for n games on at most so many threads, this one among them; returns when all is done.

    Game i always falls to the same thread, in whose processor's cache it then lies.
    """
    threads = min(threads, n // GAMES_PER_THREAD)
    if threads <= 1:
        work(0, n)
        return
    bounds = [n * k // threads for k in range(threads + 1)]
    tasks = [_Task(work, bounds[k], bounds[k + 1]) for k in range(1, threads)]
    for queue, task in zip(_staff.queues(len(tasks)), tasks, strict=True):
        queue.put(task)
    try:
        work(0, bounds[1])
    finally:
        _wait_for(tasks)
    for task in tasks:
        task.check()


def _wait_for(tasks: list[_Task]) -> None:
    """Return when all are done, even if interrupted: they write to arrays that are the caller's."""
    interrupt: KeyboardInterrupt | None = None
    for task in tasks:
        while True:
            try:
                task.wait()
                break
            except KeyboardInterrupt as error:
                interrupt = error
    if interrupt is not None:
        raise interrupt
