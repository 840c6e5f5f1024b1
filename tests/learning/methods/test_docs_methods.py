"""The page about methods says what is so."""

from __future__ import annotations

import inspect
import re

from docs_support import run_examples, text_of

from sandwich_env.learning.methods.base import Method
from sandwich_env.specs import KINDS, class_of, from_spec

PAGE = "docs/methods.md"
TEXT = text_of(PAGE)
ROWS = {row[0]: row for row in re.findall(r"^\| `(\w+)` \|(.*)\| (.*) \| (.*) \|$", TEXT, re.MULTILINE)}


def test_the_examples_give_what_they_show() -> None:
    run_examples(PAGE, at_least=7)


def test_every_kind_has_a_row_with_its_parameters_and_a_section() -> None:
    assert set(ROWS) == {kind for kind, target in KINDS.items() if ".learning.methods." in target}
    headings = {name for line in re.findall(r"^## (.*)$", TEXT, re.MULTILINE) for name in line.split(", ")}
    for kind, (_, _, _, parameters) in ROWS.items():
        assert re.findall(r"`(\w+)`", parameters) == list(inspect.signature(class_of(kind)).parameters)
        assert kind in headings


def test_the_rows_say_what_is_asked() -> None:
    for kind in set(ROWS) - {"chain", "robust"}:
        assert ROWS[kind][2] == (", ".join(from_spec(kind, Method).heeds) or "nothing"), kind
