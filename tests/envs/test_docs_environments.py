"""The page about the environments says what is so."""

from __future__ import annotations

import re

import gymnasium
from docs_support import ROOT, run_examples, text_of

from sandwich_env.envs.config import ChessOptions
from sandwich_env.envs.observing import observation_space

PAGE = "docs/environments.md"
TEXT = text_of(PAGE)


def test_the_examples_give_what_they_show() -> None:
    run_examples(PAGE, at_least=21)


def test_every_argument_and_every_key_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    own = gymnasium.make("sandwich_env:sandwich/Chess-v0").unwrapped.__init__.__kwdefaults__  # type: ignore[misc]
    assert set(ChessOptions.__annotations__) | set(own) | set(observation_space()) <= rows


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", TEXT)) | {
        f"docs/{name}" for name in re.findall(r"\]\(([\w/.]+)\)", TEXT)
    }
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
