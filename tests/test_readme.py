"""The README does what it says: its examples run, its commands and pages are there, its numbers are the cards'."""

from __future__ import annotations

import doctest
import re
import sys
import types
from pathlib import Path

import pytest

from sandwich_env.cli import COMMANDS
from sandwich_env.nets.weights import load_card

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/experts.md"])
def test_the_examples_run(page, monkeypatch):
    typed = types.ModuleType("__main__")  # what is defined at a prompt is found under this name
    monkeypatch.setitem(sys.modules, "__main__", typed)
    test = doctest.DocTestParser().get_doctest((ROOT / page).read_text(), {}, page, page, 0)
    test.globs = vars(typed)
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, clear_globs=False)
    assert results.attempted > 0
    assert results.failed == 0


def test_the_first_example_is_ten_lines():
    block = README.split("## Ten lines")[1].split("```")[1]
    assert len(re.findall(r"^(>>>|\.\.\.)", block, re.MULTILINE)) <= 10


def test_what_it_points_to_is_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_the_commands_it_shows_are_there():
    commands = set(re.findall(r"^sandwich (\w+)", README, re.MULTILINE))
    assert commands
    assert commands <= set(COMMANDS)
    targets = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test"} <= targets
    assert all(f"\n{target}:" in makefile for target in targets)


def test_the_strength_of_the_pair_is_that_of_their_cards():
    table = README.split("## The shipped pair")[1]
    for name in ("expert", "novice"):
        card = load_card(name)
        assert f"{card['samples_seen']:,}" in table
        assert f"{card['scores']['puzzles 400-1399']['solved']:.1%}" in table
