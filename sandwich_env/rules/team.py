"""Threads that share the games of a batch; how they do it is in `_threads`.

Not Numba's own threads: a fork after those kills the child, and compiling for them takes twice as long.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules._layout import JOB_BAD, VERIFY

MAX_THREADS = 64
NO_GAME = np.uint64(2**64 - 1)
GAMES_PER_THREAD = 16
"""Fewer are not worth a thread."""


def _processors() -> int:
    """How many processors this process may use: more threads would only take them from one another."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _threads() -> Any:
    """The compiled kernels, imported when games with several threads are first played."""
    from sandwich_env.rules import _threads as kernels

    return kernels


class _Follower:
    """A thread that waits for jobs: for a while in a loop without Python, then asleep."""

    def __init__(self, board: NDArray[np.uint64], number: int) -> None:
        self._board, self._number = board, number
        self._asleep = False
        self._bell = threading.Lock()
        self._bell.acquire()
        threading.Thread(target=self._live, name=f"games-{number}", daemon=True).start()

    def _live(self) -> None:
        follow, seen = _threads().follow, 0
        while True:
            seen = follow(self._board, self._number, seen)
            self._asleep = True
            self._bell.acquire()

    def wake(self) -> None:
        """See to it that the thread looks for jobs. It may miss the next one: then the others do it."""
        if self._asleep:
            self._asleep = False
            self._bell.release()


class _Staff:
    """The threads of this process, which live as long as it does."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a forked child: the threads have stayed with the parent."""
        self._followers: list[_Follower] = []
        self._leading = threading.Lock()
        self._board: NDArray[np.uint64] | None = None
        self.most_threads = _processors()

    def do(self, job: NDArray[np.uint64], steps: Sequence[tuple[int, int]], threads: int) -> bool:
        """Share a job; returns False, and has done nothing, if the threads are busy with another."""
        if not self._leading.acquire(blocking=False):
            return False
        try:
            kernels = _threads()
            if self._board is None:
                self._board = np.zeros(kernels.BOARD_WORDS, dtype=np.uint64)
            while len(self._followers) < threads - 1:
                self._followers.append(_Follower(self._board, len(self._followers) + 1))
            for follower in self._followers[: threads - 1]:
                follower.wake()
            for function, task in steps:
                if not kernels.lead(self._board, function, job, task, threads):
                    _wait(kernels.is_done, self._board)
                if task == VERIFY and job[JOB_BAD] != NO_GAME:
                    break
        finally:
            self._leading.release()
        return True


def _wait(is_done: Any, board: NDArray[np.uint64]) -> None:
    """Return when no thread is at work, even if interrupted: they write to arrays that are the caller's."""
    interrupt: KeyboardInterrupt | None = None
    while not is_done(board):
        try:
            time.sleep(0)  # the processor may be needed by those who are waited for
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


staff = _Staff()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=staff.forget)


def share(job: NDArray[np.uint64], steps: Sequence[tuple[int, int]], n: int, threads: int) -> bool:
    """Do a job in steps on several threads, this one among them; returns when all is done.

    Args:
        job: uint64 [JOB_WORDS].
        steps: The address of a function and its tasks, each done to all games before the next; if a VERIFY finds an
            illegal action, it was the last.
        n: How many games there are.
        threads: How many threads may share it; no more than there are processors will.

    Returns:
        False, if nothing has been done: for few games, on one processor, or while another thread's job is being shared.
    """
    threads = min(threads, n // GAMES_PER_THREAD, staff.most_threads)
    return threads > 1 and staff.do(job, steps, threads)
