"""The README does what it says: its commands and pages are there, its numbers are the cards'; its examples run.

So do those of the pages that have no test file of their own.
"""

from __future__ import annotations

import re

import pytest
from docs_support import ROOT, run_examples, text_of

from sandwich_env.cli import COMMANDS
from sandwich_env.nets.weights import load_card

README = text_of("README.md")


@pytest.mark.parametrize(("page", "count"), [("README.md", 26), ("docs/adversary.md", 4), ("docs/rules.md", 5)])
def test_the_examples_run(page, count):
    run_examples(page, at_least=count)


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
