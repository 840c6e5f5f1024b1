"""Processes that work on the parts of an experiment, and end with the one that began them, however that one ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading


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
