"""Progress: bars where there is a terminal, lines where there is none."""

from __future__ import annotations

import io

from rich.console import Console

from sandwich_env.experiments.progress import Bars, Lines, reporter


def test_a_terminal_shows_a_bar_before_and_while_a_stage_goes_on() -> None:
    console = Console(force_terminal=True, file=io.StringIO(), width=100)
    with reporter(console) as shown:
        assert isinstance(shown, Bars)
        shown.say("a line to keep")
        update = shown.stage("games", 10)
        update(10)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "a line to keep" in text
    assert "10/10" in text


def test_elsewhere_there_are_lines() -> None:
    console = Console(file=io.StringIO(), width=100)
    with reporter(console) as shown:
        assert isinstance(shown, Lines)
        shown.stage("games", 10)(10)
    assert "games: 10 (" in console.file.getvalue()  # type: ignore[attr-defined]
