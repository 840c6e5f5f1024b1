"""The examples in docs/experts.md are run, section by section."""

from __future__ import annotations

import shutil

import pytest
from docs_support import run_examples, text_of

STOCKFISH = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")
ENGINE = (pytest.mark.engine, pytest.mark.skipif(STOCKFISH is None, reason="Stockfish is not installed"))
SECTIONS = [part.split("\n")[0] for part in text_of("docs/experts.md").split("\n## ") if ">>>" in part]


@pytest.mark.parametrize("name", [pytest.param(name, marks=ENGINE if name == "UciExpert" else ()) for name in SECTIONS])
def test_the_examples_run(name: str) -> None:
    run_examples("docs/experts.md", at_least=5, section=name)


def test_the_sections_are_found() -> None:
    assert {"NetworkExpert", "SearchExpert", "UciExpert"} <= set(SECTIONS)
