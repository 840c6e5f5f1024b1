"""The page about starts says what is so."""

from __future__ import annotations

import inspect
import re

from docs_support import run_examples, text_of

from sandwich_env.specs import class_of
from sandwich_env.starts.base import START_KINDS

PAGE = "docs/starts.md"
TEXT = text_of(PAGE)


def test_the_examples_give_what_they_show() -> None:
    run_examples(PAGE, at_least=16)


def test_every_kind_has_a_row_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", TEXT, re.MULTILINE))
    del rows["kind"]
    assert set(rows) == set(START_KINDS)
    for kind, row in rows.items():
        assert re.findall(r"`(\w+)`", row) == list(inspect.signature(class_of(kind)).parameters)
