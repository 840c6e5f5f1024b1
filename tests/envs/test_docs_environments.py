"""The page about the environments says what is so."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import gymnasium
import pytest

from sandwich_env.envs.config import ChessOptions
from sandwich_env.envs.observing import observation_space

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
pytestmark = pytest.mark.skipif(not TEXT, reason="the documentation is not beside the tests")


def test_the_examples_give_what_they_show() -> None:
    examples = "\n".join(block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted > 20
    assert result.failed == 0


def test_every_argument_and_every_key_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    own = gymnasium.make("sandwich_env:sandwich/Chess-v0").unwrapped.__init__.__kwdefaults__  # type: ignore[misc]
    assert set(ChessOptions.__annotations__) | set(own) | set(observation_space()) <= rows


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", TEXT)) | {
        f"docs/{name}" for name in re.findall(r"\]\(([\w/.]+)\)", TEXT)
    }
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (PAGE.parents[1] / name).exists()] == []
