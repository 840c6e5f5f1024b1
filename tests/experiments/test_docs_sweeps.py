"""docs/sweeps.md says what the code does, and the studies beside it are studies."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs_support import ROOT, text_of
from sweep_support import small_study, swept

from sandwich_env.experiments.measure import COLUMNS
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import Study, read_study, study_from, study_keys
from sandwich_env.experiments.studies.table import KEYS, schema

PAGE = text_of("docs/sweeps.md")
STUDIES = ROOT / "examples" / "studies"


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first heading this is."""
    lines = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_columns_are_those_of_the_table() -> None:
    *listed, others = table("column")
    assert listed == [[f"`{name}`", text] for name, text in KEYS.items()]
    assert others[0] == "..."
    assert schema().names == [*KEYS, *(name for name in COLUMNS if name != "round")]


def test_the_keys_are_those_of_a_study() -> None:
    assert [row[0] for row in table("key")] == [f"`{key}`" for key in study_keys()]


def test_the_study_on_the_page_is_one() -> None:
    grid = Grid.of(study_from(yaml.safe_load(blocks("yaml")[0])))
    assert len(grid.cells) == 3 * (1 + 3 * 3 * 2 * 2)
    assert len(grid.arms) == 3 * (1 + 2 * 2 * (1 + 2 + 2 + 2))


def test_the_study_in_python_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = blocks("python")
    monkeypatch.chdir(tmp_path)

    def stood_in(study: Study, out: str, processes: int) -> None:
        swept(study, Path(out), slots=processes)

    # What is run is the page's; the arms' numbers are drawn, since playing them would take minutes.
    monkeypatch.setattr("sandwich_env.experiments.studies.sweep.run_sweep", stood_in)
    pandas = importlib.util.find_spec("pandas") is not None
    lines = first.splitlines(keepends=True)
    assert [line.strip() for line in lines if "pandas" in line] == ['print(read_results("runs/example").to_pandas())']
    source = first if pandas else "".join(line for line in lines if "pandas" not in line)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "docs/sweeps.md", "exec"), names)
    assert len(Grid.of(names["study"]).arms) == 6
    assert names["read_results"]("runs/example").num_rows == 6 * 2
    if pandas:
        assert "12 rows" in capsys.readouterr().out
    columns = {node.attr for node in ast.walk(ast.parse(second)) if isinstance(node, ast.Attribute)}
    assert columns & set(schema().names) == {"status", "rounds", "unheeded"}
    assert set(re.findall(r"\w+", blocks("sql")[0])) & set(schema().names) >= {"kind", "dial", "loss_pgr", "rounds"}


@pytest.mark.parametrize("row", table("study"), ids=lambda row: row[0])
def test_the_studies_that_it_names_are_there_and_can_be_made(row: list[str]) -> None:
    study = read_study(ROOT / row[0].strip("`"))
    grid = Grid.of(study)
    assert study.name == Path(row[0].strip("`")).stem
    assert 0 < len(grid.arms) <= len(grid.cells)


def test_no_study_is_left_out() -> None:
    assert {row[0].strip("`") for row in table("study")} == {
        path.relative_to(ROOT).as_posix() for path in STUDIES.glob("*.yaml")
    }


def test_every_file_of_a_sweep_is_in_the_table(tmp_path: Path) -> None:
    swept(small_study(tmp_path, seeds=[0]), tmp_path / "out")
    listed = {name for row in table("in the folder") for name in re.findall(r"`([\w.]+)", row[0])}
    found = {path.name for path in (tmp_path / "out").iterdir()} - {".lock", "calls.txt"}  # a stand-in's notes
    assert found == listed
