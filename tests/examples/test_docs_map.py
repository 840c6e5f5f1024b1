"""docs/map.md and docs/map_cells.md say what docs/data/map.parquet holds, and that is of the study that they name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import read_study

ROOT = Path(__file__).parents[2]
TABLE = "docs/data/map.parquet"


def made(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cells_are_those_of_the_table() -> None:
    assert made("examples/map_tables.py", TABLE) == (ROOT / "docs/map_cells.md").read_text()


def test_the_numbers_of_the_page_are_those_of_the_table() -> None:
    assert made("examples/map_page.py", "docs/data/map_template.md", TABLE) == (ROOT / "docs/map.md").read_text()


def test_a_number_that_is_not_there_is_an_error() -> None:
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        from map_page import page
    finally:
        sys.path.remove(str(ROOT / "examples"))
    rows = pq.read_table(ROOT / TABLE).to_pylist()
    with pytest.raises(ValueError, match="the table has no loss of"):
        page("{{loss worst 0.33 1 imitate}}", rows)
    assert page("{{arms}}", rows) == str(len({row["arm"] for row in rows if row["status"] == "done"}))


def test_the_arms_are_those_of_the_study() -> None:
    arms = {arm.id for arm in Grid.of(read_study(ROOT / "examples/studies/map.yaml")).arms}
    rows = pq.read_table(ROOT / TABLE).to_pylist()
    assert {row["arm"] for row in rows} <= arms
    assert {row["status"] for row in rows} <= {"done", "unfinished"}


def test_the_figures_of_the_page_are_there() -> None:
    text = (ROOT / "docs/map.md").read_text()
    figures = [line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert figures
    assert all((ROOT / "docs" / figure).is_file() for figure in figures)
