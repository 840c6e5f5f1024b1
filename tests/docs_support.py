"""What the tests of the documentation share: a page's text, and its examples run as if typed at a prompt."""

from __future__ import annotations

import builtins
import doctest
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def text_of(page: str) -> str:
    """A page, by its path from the project's root. The module that asks is skipped where there are no pages."""
    path = ROOT / page
    if not path.exists():
        pytest.skip("the documentation is not beside the tests", allow_module_level=True)
    return path.read_text(encoding="utf-8")


def run_examples(page: str, at_least: int, *, section: str | None = None) -> None:
    """Run the examples of a page one after the other, with what the earlier ones defined.

    Args:
        page: its path from the project's root.
        at_least: fewer examples than these are a mistake of this test's.
        section: run those below this heading only.
    """
    text, first_line = text_of(page), 0
    if section is not None:
        before, text = text.split(f"\n## {section}\n")
        text, first_line = text.split("\n## ")[0], before.count("\n") + 2
    typed = types.ModuleType("__main__")  # what is defined at a prompt is found under this name
    examples = doctest.DocTestParser().get_doctest(text, {}, page, str(ROOT / page), first_line)
    examples.globs = vars(typed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", typed)
        patch.setattr(builtins, "_", None, raising=False)  # a prompt keeps there what it printed last; tests must not
        result = doctest.DocTestRunner().run(examples, clear_globs=False)
    assert result.failed == 0, f"{result.failed} examples of {page} give something else; see what was printed"
    assert result.attempted >= at_least
