"""Processes that work on the parts of an experiment, and end with the one that began them, however that one ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from sandwich_env.errors import SandwichError

STARTS = 5
"""How many processes may end one after the other, of themselves, before they have begun."""

KILLED = (-signal.SIGTERM, -getattr(signal, "SIGKILL", signal.SIGTERM))
"""Exit codes of processes that somebody else ended."""


def begin_worker() -> None:
    """Make this process, which `multiprocessing` began, live no longer than its parent.

    A parent that is killed (SIGTERM, SIGKILL) cannot tell its workers to stop: they would go on with what nobody waits
    for any more. A worker's files are whole at any moment, so that it can be ended at any.
    """
    # Ctrl-C reaches every process of a terminal; the parent, which shows the progress, ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process that multiprocessing began has a parent to outlive"
    threading.Thread(target=_end_after, args=(parent.sentinel,), name="ends with the parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


@dataclass(frozen=True)
class Message:
    """What came from a worker.

    Attributes:
        key: the task it is about.
        what: "said" while it goes on, "ended" with its result, "died" if its process ended before the task did.
        content: what was said, the result, or how the process ended.
    """

    key: Hashable
    what: Literal["said", "ended", "died"]
    content: Any


Target = Callable[[Any, Callable[[Any], None]], Any]
"""Does a task in a worker, which can say something while it does; its result is sent back."""


class Workers:
    """Processes that do one task after another. One that dies takes its task with it and nothing else.

    `concurrent.futures` gives up all tasks when one process dies. Here each has a pipe of its own, so that a process
    killed in the middle of a word garbles nobody else's.

    Args:
        target: does a task; a function at a module's top level, as every process imports it.
        count: how many processes there are, begun when they are first needed.
    """

    def __init__(self, target: Target, count: int) -> None:
        self._target = target
        self._slots = [_Slot() for _ in range(count)]
        self._context = multiprocessing.get_context("spawn")  # a process forked after torch has begun would hang
        self._stillborn = 0

    def begin(self, key: Hashable, task: Any) -> None:
        """Give a task to a process that has none."""
        slot = next(slot for slot in self._slots if not slot.busy)
        if slot.process is None or not slot.process.is_alive():
            self._start(slot)
        slot.busy, slot.key = True, key
        assert slot.connection is not None
        with contextlib.suppress(OSError):  # it died just now, which `wait` finds and tells
            slot.connection.send(task)

    def wait(self, timeout: float) -> list[Message]:
        """What the processes have to tell, or nothing after so many seconds.

        Raises:
            SandwichError: one process after another ended before it had begun.
        """
        busy = {slot.connection: slot for slot in self._slots if slot.busy and slot.connection is not None}
        messages: list[Message] = []
        for ready in multiprocessing.connection.wait(list(busy), timeout):
            messages += self._read(busy[ready])  # type: ignore[index]
        return messages

    def processes(self) -> list[int]:
        """The ids of those that are alive."""
        alive = (slot.process for slot in self._slots if slot.process is not None and slot.process.is_alive())
        return [process.pid for process in alive if process.pid is not None]

    def close(self) -> None:
        """End the processes, whatever they are at."""
        started = [slot for slot in self._slots if slot.process is not None]
        for slot in started:
            slot.process.terminate()
        for slot in started:
            slot.process.join(10)
            if slot.process.is_alive():
                slot.process.kill()
                slot.process.join()
            if slot.connection is not None:
                slot.connection.close()

    def _start(self, slot: _Slot) -> None:
        if slot.connection is not None:
            slot.connection.close()
        slot.ready = False
        slot.connection, theirs = self._context.Pipe()
        slot.process = self._context.Process(target=_serve, args=(theirs, self._target), daemon=False)
        slot.process.start()
        theirs.close()  # now the pipe ends when the process does

    def _read(self, slot: _Slot) -> list[Message]:
        assert slot.connection is not None
        messages: list[Message] = []
        try:
            while slot.busy and slot.connection.poll():
                what, content = slot.connection.recv()
                if what == "ready":
                    self._stillborn = 0
                    slot.ready = True
                    continue
                slot.busy = what != "ended"
                messages.append(Message(slot.key, what, content))
        except (EOFError, OSError):
            messages.append(self._bury(slot))
        return messages

    def _bury(self, slot: _Slot) -> Message:
        assert slot.process is not None
        assert slot.connection is not None
        slot.process.join()
        slot.connection.close()
        how = _how(slot.process.exitcode)
        if not slot.ready and slot.process.exitcode not in KILLED:
            self._stillborn += 1
            if self._stillborn >= STARTS:
                raise SandwichError(
                    f"{STARTS} processes ended before they had begun, the last one {how}: what they printed says why. "
                    f"A script of your own that starts processes does so below `if __name__ == '__main__':`"
                )
        key = slot.key
        slot.process, slot.connection, slot.key, slot.busy, slot.ready = None, None, None, False, False
        return Message(key, "died", how)


class _Slot:
    """Where one process works, and the next one when that has died."""

    def __init__(self) -> None:
        self.process: Any = None
        self.connection: Connection | None = None
        self.key: Hashable = None
        self.busy = False
        self.ready = False


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"by signal {-exitcode} ({signal.Signals(-exitcode).name})"
    return f"with exit status {exitcode}"


def _serve(connection: Connection, target: Target) -> None:
    begin_worker()
    connection.send(("ready", None))
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(("ended", target(task, lambda content: connection.send(("said", content)))))
