"""The page about layouts says what is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from sandwich_env import layouts

PAGE = Path(__file__).parents[2] / "docs" / "layouts.md"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
pytestmark = pytest.mark.skipif(not TEXT, reason="the documentation is not beside the tests")


def test_the_examples_give_what_they_show() -> None:
    pytest.importorskip("sb3_contrib", reason="the extra 'sb3' is not installed")
    examples = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {"__name__": "page"}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted > 20
    assert result.failed == 0


def test_every_layout_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE))
    kinds = {name for name in layouts.__all__ if isinstance(getattr(layouts, name), type)}
    assert kinds - {"Layout", "Stack"} == rows


def test_every_test_that_it_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", TEXT)
    assert len(named) >= 4
    assert [name for name in named if not (PAGE.parents[1] / name).exists()] == []
