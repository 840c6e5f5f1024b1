"""The page about layouts says what is so."""

from __future__ import annotations

import re

import pytest
from docs_support import ROOT, run_examples, text_of

from sandwich_env import layouts

PAGE = "docs/layouts.md"
TEXT = text_of(PAGE)


def test_the_examples_give_what_they_show() -> None:
    pytest.importorskip("sb3_contrib", reason="the extra 'sb3' is not installed")
    run_examples(PAGE, at_least=21)


def test_every_layout_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE))
    kinds = {name for name in layouts.__all__ if isinstance(getattr(layouts, name), type)}
    assert kinds - {"Layout", "Stack"} == rows


def test_every_test_that_it_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", TEXT)
    assert len(named) >= 4
    assert [name for name in named if not (ROOT / name).exists()] == []
