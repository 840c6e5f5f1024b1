"""The engine example in docs/experts.md is run."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "experts.md"
STOCKFISH = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")


@pytest.mark.engine
@pytest.mark.skipif(STOCKFISH is None, reason="Stockfish is not installed")
def test_the_engine_example_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index("## UciExpert") : page.index("## Labels")]
    examples = "\n".join(re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) == 5
    assert doctest.DocTestRunner().run(test).failed == 0
