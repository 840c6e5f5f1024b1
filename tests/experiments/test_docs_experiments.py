"""docs/experiments.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docs_support import text_of
from run_support import contents, finished

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.experiments.config import config_from, config_to_plain
from sandwich_env.experiments.demo import ARMS
from sandwich_env.experiments.measure import COLUMNS
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experiments.report import redraw
from sandwich_env.experts.uniform import UniformExpert

PAGE = text_of("docs/experiments.md")


def table(heading: str) -> dict[str, str]:
    """The first two columns of the first table whose first heading this is."""
    lines = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {cell[0]: cell[1] for cell in cells}


def test_the_columns_are_those_of_the_metrics() -> None:
    assert list(table("column").items()) == [(f"`{name}`", text) for name, text in COLUMNS.items()]


def test_the_arms_are_those_of_the_demo() -> None:
    assert list(table("arm")) == list(ARMS)


def test_every_file_of_a_run_is_in_the_table_and_every_file_in_the_table_is_there(tmp_path: Path) -> None:
    config = finished(tmp_path, rounds=1)
    redraw(config.out)
    listed = [name.strip("`") for name in table("file")]
    patterns = [re.escape(name).replace("K", r"\d+").replace(r"\*", r"\w+") for name in listed]
    alike = [r"anchors/(E_A|A_H0|puzzles_H0|loss_H0)\.json", r"matches/round_\d+_(H0|A)\.json"]
    files = [*contents(config.out), "seconds.json"]
    assert [name for name in files if not any(re.fullmatch(pattern, name) for pattern in patterns + alike)] == []
    absent = [
        name for name, p in zip(listed, patterns, strict=True) if not any(re.fullmatch(p, file) for file in files)
    ]
    assert absent == ["unfinished/"]


def test_the_config_in_yaml_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    written = yaml.safe_load(text)
    plain = config_to_plain(config_from(written))
    for key, value in written.items():
        parts = value.items() if isinstance(plain[key], dict) and "kind" not in value else ()
        assert all(plain[key][part] == number for part, number in parts) if parts else plain[key] == value


def test_the_advisors_that_it_names_are_made() -> None:
    expert = UniformExpert()
    names = [name.strip("`") for name in table("what is written")]
    half, whole = (make_advisor(name, expert) for name in names if "random_move" in name)
    assert half.to_spec() == make_advisor({"kind": "random_move", "epsilon": 0.5}, expert).to_spec()
    assert isinstance(whole, PolicyNoise)
    innermost = whole.inner.inner  # type: ignore[attr-defined]
    assert isinstance(innermost, Honest)
    assert innermost.expert is expert
