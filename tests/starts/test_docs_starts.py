"""The page about starts says what is so."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

from sandwich_env.specs import class_of
from sandwich_env.starts.base import START_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "starts.md"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
pytestmark = pytest.mark.skipif(not TEXT, reason="the documentation is not beside the tests")


def test_the_examples_give_what_they_show() -> None:
    examples = "\n".join(block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted > 15
    assert result.failed == 0


def test_every_kind_has_a_row_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", TEXT, re.MULTILINE))
    del rows["kind"]
    assert set(rows) == set(START_KINDS)
    for kind, row in rows.items():
        assert re.findall(r"`(\w+)`", row) == list(inspect.signature(class_of(kind)).parameters)
