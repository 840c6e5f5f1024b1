"""docs/map.md and docs/map_cells.md say what the tables in docs/data hold, and these are of the studies they name."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import read_study

ROOT = Path(__file__).parents[2]
STUDIES = ("map", "map_lies", "map_checks", "map_longer")
TABLES = [f"docs/data/{study}.parquet" for study in STUDIES]

Page = Callable[[str, list[dict[str, Any]]], str]


def made(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cells_are_those_of_the_tables() -> None:
    assert made("examples/map_tables.py", *TABLES) == (ROOT / "docs/map_cells.md").read_text()


def test_the_numbers_of_the_page_are_those_of_the_tables() -> None:
    made_now = made("examples/map_page.py", "docs/data/map_template.md", *TABLES)
    assert made_now == (ROOT / "docs/map.md").read_text()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.syspath_prepend(ROOT / "examples")
    found: Page = importlib.import_module("map_page").page
    return found


def row(dial: float, seed: int, pgr: float, **changes: Any) -> dict[str, Any]:
    """A row of a table; the advice loses as much as the dial says."""
    return {
        **{"study": "one", "kind": "worst", "dial": dial, "interval": 1, "method": "imitate", "seed": seed},
        **{"arm": f"{dial}{seed}{changes}", "status": "done", "round": 2, "rounds": 2, "unheeded": False},
        **{"advice_loss": dial, "loss_pgr": pgr, **changes},
    }


def test_means_ranges_spreads_and_premiums(page: Page) -> None:
    rows = [row(dial, seed, dial + seed / 10) for dial in (0.0, 0.5) for seed in (0, 1)]
    rows.append(row(0.5, 0, 9.0, round=1))
    rows.append(row(0.5, 1, 9.0, status="failed"))
    rows += [row(dial, seed, 1.0 + seed, kind="random", arm=f"honest {seed}") for dial in (0.0, 0.5) for seed in (0, 1)]
    assert page("{{loss worst 0.5 1 imitate}}", rows) == "0.55"
    assert page("{{loss worst 0.5 1 imitate range}}", rows) == "0.55 (0.50 to 0.60)"
    # Two cells of worst and one of the honest arms, which stand behind two.
    assert page("{{spread one loss}}", rows) == "0.10 in the median cell and 1.00 at most"
    assert page("{{arms one}}, {{arms other}}", rows) == "6, 0"
    for one in rows[-4:]:
        one["loss_pgr"] = 1.0
    other = [
        row(0.5, 0, 3.0, study="other"),
        row(0.75, 0, 4.0, study="other"),
        row(0.5, 0, 5.0, study="other", round=1),
    ]
    assert page("{{loss worst 0.5 1 imitate}}, {{loss worst 0.75 1 imitate}}", rows + other) == "0.55, 4.00"
    assert page("{{loss worst 0.5 1 imitate of other}}", rows + other) == "3.00"
    assert page("{{loss worst 0.5 1 imitate after 1}}", rows) == "9.00"
    assert page("{{most loss 1 imitate}}", rows) == "1.00"
    # Noise at 1 throughout, strategy from seed / 10 to 0.5 + seed / 10: 0.75 and 0.65 less, evenly over the losses.
    assert page("{{premium loss random worst imitate}}", rows) == "0.70 (0.65 to 0.75)"


@pytest.mark.parametrize("text", ["{{loss worst 0.33 1 imitate}}", "{{spread other loss}}", "{{loss worst}}"])
def test_a_number_that_is_not_there_is_an_error(page: Page, text: str) -> None:
    with pytest.raises(ValueError, match=r"the tables have no loss of|no cell has two seeds|stands for nothing"):
        page(text, [row(0.5, 0, 1.0)])


@pytest.mark.parametrize("study", STUDIES)
def test_all_arms_are_those_of_the_study_and_done(study: str) -> None:
    arms = {arm.id for arm in Grid.of(read_study(ROOT / f"examples/studies/{study}.yaml")).arms}
    rows = pq.read_table(ROOT / f"docs/data/{study}.parquet").to_pylist()
    assert {row["arm"] for row in rows} == arms
    assert {row["status"] for row in rows} == {"done"}


def test_the_figures_of_the_page_are_there() -> None:
    text = (ROOT / "docs/map.md").read_text()
    figures = [line.split("](")[1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert figures
    assert all((ROOT / "docs" / figure).is_file() for figure in figures)
