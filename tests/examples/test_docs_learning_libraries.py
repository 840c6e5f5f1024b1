"""docs/learning_libraries.md: its examples run; the scripts, extras and tests that it names are there."""

from __future__ import annotations

import configparser
import re

from docs_support import ROOT, run_examples, text_of

PAGE = text_of("docs/learning_libraries.md")


def test_the_examples_run() -> None:
    run_examples("docs/learning_libraries.md", at_least=7)


def test_what_it_names_is_there() -> None:
    files = set(re.findall(r"(?:examples|benchmarks|tests)/[\w/]+\.py", PAGE))
    assert {"examples/sb3_maskable_ppo.py", "benchmarks/libraries.py"} <= files
    files |= {f"examples/{name}" for name in re.findall(r"^\|[^|]*\| `(\w+\.py)`", PAGE, re.MULTILINE)}
    for name in files:
        assert (ROOT / name).is_file(), name


def test_the_extras_it_names_are_there() -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    named = {extra for group in re.findall(r"\.\[([\w,]+)\]", PAGE) for extra in group.split(",")}
    assert {"train", "sb3", "tianshou"} <= named
    assert named <= set(config["options.extras_require"])


def test_every_script_of_a_library_is_in_the_table_and_under_150_lines() -> None:
    for path in (ROOT / "examples").glob("*.py"):
        text = path.read_text()
        if "tensorboard --logdir" in text:
            assert f"`{path.name}`" in PAGE, path.name
            assert len(text.splitlines()) <= 150, path.name
