"""What a sweep shows: the time left, and where each job is."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from sandwich_env.experiments.studies.board import Lines, board, duration, seconds_left
from sandwich_env.experiments.studies.executors import Advanced


@pytest.mark.parametrize(
    ("spent", "waiting", "running", "slots", "left"),
    [
        ({}, ["a"], [], 1, None),
        ({"a": [10.0, 20.0]}, ["a", "a"], [], 1, 30.0),
        ({"a": [10.0, 20.0]}, ["a", "a"], [], 2, 15.0),
        ({"a": [10.0], "b": [40.0]}, ["a", "b", "b"], [("b", 30.0)], 1, 100.0),
        ({"a": [10.0], "b": [40.0]}, ["c"], [], 1, 25.0),  # of which none has finished: the mean of all
        ({"a": [10.0]}, [], [("a", 4.0), ("a", 25.0)], 2, 6.0),  # no sooner than the last of those at work
        ({"a": [10.0]}, [], [], 2, 0.0),
    ],
)
def test_the_time_left_is_told_from_the_arms_that_have_finished(spent, waiting, running, slots, left):
    assert seconds_left(spent, waiting, running, slots) == left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "unknown"), (12.4, "12 s"), (90, "2 min"), (3600, "1 h 0 min"), (5400, "1 h 30 min"), (90000, "1 d 1 h")],
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words


def terminal(width):
    return Console(file=io.StringIO(), force_terminal=True, width=width)


def test_bars_on_a_terminal():
    console = terminal(120)
    with board(console) as shown:
        shown.show(3, 10, 90.0)
        shown.begin("job", "random 0.5, imitate")
        shown.advance(Advanced("job", "round 1: games", 2, 8))
        shown.say("[3/10] kept")
    printed = console.file.getvalue()
    for text in ("3/10", "2 min left", "random 0.5, imitate: round 1: games", "2/8", "[3/10] kept"):
        assert text in printed
    with board(console) as shown:
        shown.begin("job", "gone")
        shown.end("job")
        console.file.truncate(0)
    assert "gone" not in console.file.getvalue()


def test_a_narrow_terminal_keeps_everything_but_the_end_of_a_label():
    console = terminal(80)
    with board(console) as shown:
        shown.show(3, 1000, 5400.0)
        shown.begin("job", "clock n 4, every_n_turns:n=4, careful, novice, seed 2")
        shown.advance(Advanced("job", "round 1: games", 2, 8))
    printed = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    lines = [line for line in printed.splitlines() if line.strip()][-2:]
    for part in ("arms", "3/1000", "0:00:00", "1 h 30 min left"):
        assert part in lines[0]
    for part in ("clock n 4", "…", "2/8", "0:00:00"):
        assert part in lines[1]


def test_lines_elsewhere():
    console = Console(file=io.StringIO())
    with board(console) as shown:
        assert isinstance(shown, Lines)
        shown.begin("job", "random")
        shown.show(1, 2, None)
        shown.advance(Advanced("job", "games", 1, 2))
        shown.end("job")
        shown.say("[1/2] random: done")
    assert console.file.getvalue() == "[1/2] random: done\n"
