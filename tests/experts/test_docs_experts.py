"""The examples of the search and of the engine in docs/experts.md are run."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "experts.md"
STOCKFISH = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")


def run_examples(start: str, end: str, *, count: int) -> None:
    """Run the examples of a section."""
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index(f"## {start}") : page.index(f"## {end}")]
    examples = "\n".join(re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) == count
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_search_example_runs() -> None:
    run_examples("SearchExpert", "UciExpert", count=6)


@pytest.mark.engine
@pytest.mark.skipif(STOCKFISH is None, reason="Stockfish is not installed")
def test_the_engine_example_runs() -> None:
    run_examples("UciExpert", "Labels", count=5)
