"""Processes that do one task after another: one that dies takes its task with it and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandwich_env.errors import SandwichError
from sandwich_env.experiments.workers import Message, Workers


def do(task: Any, tell: Callable[[Any], None]) -> Any:
    tell(f"at {task}")
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    if task == "sleep":
        time.sleep(300)
    return (task, os.getpid())


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(do, 2)
    yield made
    made.close()
    assert made.processes() == []


def last_words(workers: Workers, count: int) -> dict[Any, Message]:
    """The last message about each of so many tasks."""
    found: dict[Any, Message] = {}
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline
        found |= {m.key: m for m in workers.wait(1.0) if m.what != "said"}
    return found


def test_tasks_are_done_and_the_processes_stay(workers: Workers) -> None:
    workers.begin("first", 1)
    workers.begin("second", 2)
    words = last_words(workers, 2)
    assert {key: word.content[0] for key, word in words.items()} == {"first": 1, "second": 2}
    pids = {word.content[1] for word in words.values()}
    assert set(workers.processes()) == pids
    workers.begin("third", 3)
    told = workers.wait(10.0)
    assert told[0] == Message("third", "said", "at 3")
    (third,) = [*told[1:], *(() if len(told) > 1 else workers.wait(10.0))]
    assert third.what == "ended"
    assert third.content[1] in pids


def test_one_that_dies_is_told_and_replaced(workers: Workers) -> None:
    workers.begin("bad", "die")
    workers.begin("good", 1)
    words = last_words(workers, 2)
    assert words["bad"] == Message("bad", "died", "by signal 9 (SIGKILL)")
    assert words["good"].what == "ended"
    workers.begin("worse", "exit")
    assert last_words(workers, 1)["worse"] == Message("worse", "died", "with exit status 3")
    workers.begin("again", 2)
    assert last_words(workers, 1)["again"].content[0] == 2


def test_one_killed_between_two_tasks_is_replaced_or_told(workers: Workers) -> None:
    workers.begin("first", 1)
    (pid,) = workers.processes()
    last_words(workers, 1)
    os.kill(pid, signal.SIGKILL)
    workers.begin("second", 2)
    word = last_words(workers, 1)["second"]
    assert word.what == "died" or word.content[1] != pid
    workers.begin("third", 3)
    assert last_words(workers, 1)["third"].content[0] == 3


def test_closing_ends_what_is_at_work() -> None:
    workers = Workers(do, 1)
    workers.begin("long", "sleep")
    workers.wait(30.0)
    (pid,) = workers.processes()
    workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Unreadable:
    """Ends the process that reads it, as an import that fails would."""

    def __reduce__(self) -> Any:
        return os._exit, (1,)

    def __call__(self, task: Any, tell: Any) -> None:
        raise AssertionError


def test_processes_that_never_begin_are_an_error_in_the_end() -> None:
    workers = Workers(Unreadable(), 1)

    def try_often() -> None:
        for attempt in range(6):
            workers.begin(attempt, None)
            last_words(workers, 1)

    with pytest.raises(SandwichError, match=r"5 processes ended before they had begun.*exit status 1.*__main__"):
        try_often()
    workers.close()
