"""The table of a sweep: fixed columns, a row for each cell and round, totals that add up, equal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sweep_support import small_study, swept

from sandwich_env.errors import DataError
from sandwich_env.experiments.measure import COLUMNS, new_row
from sandwich_env.experiments.studies.folder import Record, SweepFolder
from sandwich_env.experiments.studies.grid import OF_ADVISOR, Grid
from sandwich_env.experiments.studies.table import KEYS, collect, read_results, schema, write_results


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    """Two rounds of every arm: 10 games of 7 plies, 3 questions, 5 steps each; the second arm failed after one."""
    study = small_study(tmp_path, base={"rounds": 2}, seeds=[0])
    grid = Grid.of(study)
    counts = {"games": 10, "plies": 70, "queries": 3, "examples": 30, "steps": 5}
    measured = [new_row(0), new_row(1) | counts | {"pgr": 0.25, "elo_one_sided": True}, new_row(2) | counts]
    seconds = {"0 measure": 1.0, "1 play": 2.0, "1 learn": 0.5, "2 play": 4.0, "10 play": 99.0}
    failure = {"status": "failed", "error": "by nought", "traceback": "..."}
    records = {arm.id: Record(measured, seconds, None, 2) for arm in grid.arms}
    records[grid.arms[1].id] = Record(measured[:2], seconds, failure, 2)
    return collect(study, grid, records)


def test_there_is_a_row_for_each_cell_and_each_round_that_was_measured(rows: list[dict[str, Any]]) -> None:
    assert [list(row) for row in rows] == [[*KEYS, *(name for name in COLUMNS if name != "round")]] * len(rows)
    places = [(row["kind"], row["dial"], row["round"]) for row in rows]
    honest = [("random", 0.0, 0), ("random", 0.0, 1)]
    assert places[:5] == [("none", 0.0, 0), ("none", 0.0, 1), ("none", 0.0, 2), *honest]
    assert len(rows) == 3 + (2 + 3 + 3) + (2 + 2)  # noise on values, which the method does not heed, is honest too


def test_totals_are_of_this_round_and_those_before_it(rows: list[dict[str, Any]]) -> None:
    names = ("games_total", "plies_total", "queries_total", "expert_calls_total", "positions_total", "seconds_total")
    assert [[row[name] for name in names] for row in rows[:3]] == [
        [0, 0, 0, 0, 0, 1.0],
        [10, 70, 3, 0, 40, 3.5],  # five steps of eight positions
        [20, 140, 6, 0, 80, 7.5],
    ]


def test_a_row_says_what_it_is_of(rows: list[dict[str, Any]]) -> None:
    control, failed, half = rows[1], rows[4], next(row for row in rows if row["dial"] == 0.5)
    assert (control["kind"], control["dial_name"], control["control"], control["advisor"]) == ("none", None, True, None)
    assert (control["protocol"], control["interval"]) == ("never", 0)
    assert (failed["status"], failed["error"], failed["advisor"]) == ("failed", "by nought", '"honest"')
    assert (half["dial_name"], half["dial_index"], half["method"]) == ("epsilon", 1, "trusting")
    assert json.loads(half["advisor"]) == {"kind": "random_move", "epsilon": 0.5}
    assert json.loads(half["method_spec"]) == {"kind": "imitate", "explore_plies": 2}
    assert (half["novice"], half["seed"], half["rounds"], half["error"]) == ("H", 0, 2, None)


def test_it_is_written_in_a_fixed_form_and_equal_rows_give_equal_bytes(tmp_path: Path, rows: list[Any]) -> None:
    one, other = SweepFolder(tmp_path / "one"), SweepFolder(tmp_path / "other")
    write_results(one, rows)
    write_results(other, rows)
    assert one.results.read_bytes() == other.results.read_bytes()
    table = pq.read_table(one.results)
    assert table.schema.equals(schema())
    assert table.to_pylist() == rows
    types = {name: str(table.schema.field(name).type) for name in ("dial", "seed", "control", "pgr", "error", "games")}
    assert types == {
        "dial": "double",
        "seed": "int64",
        "control": "bool",
        "pgr": "double",
        "error": "string",
        "games": "int64",
    }


def test_every_column_of_text_or_of_numbers_is_told_apart() -> None:
    text = {name for name in schema().names if schema().field(name).type == pa.string()}
    assert {"pgr_refused", "advisor", "arm"} <= text
    assert not text & {"pgr", "elo", "puzzles", "dial"}
    assert schema().field("elo_one_sided").type == pa.bool_()


def test_two_sweeps_of_one_study_have_one_table(tmp_path: Path) -> None:
    study = small_study(tmp_path)
    for name in ("one", "other"):
        swept(study, tmp_path / name, slots=1 if name == "one" else 3)
    one, other = (tmp_path / name / "results.parquet" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()  # the stand-ins take equal times


def test_it_is_made_of_the_arms_where_it_is_not_there(tmp_path: Path) -> None:
    swept(small_study(tmp_path), tmp_path / "out")
    table = read_results(tmp_path / "out")
    (tmp_path / "out" / "results.parquet").unlink()
    assert read_results(tmp_path / "out").equals(table)
    with pytest.raises(DataError, match="there is no sweep in"):
        read_results(tmp_path)


def test_a_damaged_one_is_named_and_a_folder_may_be_text(tmp_path: Path) -> None:
    swept(small_study(tmp_path), tmp_path / "out")
    assert read_results(str(tmp_path / "out")).num_rows > 0
    (tmp_path / "out" / "results.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"results\.parquet' is damaged.*Give the sweep command again: it writes"):
        read_results(tmp_path / "out")


def test_it_is_read_as_it_is(tmp_path: Path) -> None:
    swept(small_study(tmp_path), tmp_path / "out")
    path = tmp_path / "out" / "results.parquet"
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        last = pq.read_table(path, filters=[("round", "=", 1)]).to_pylist()
        found = {(row["kind"], row["dial"], row["seed"]): row["pgr"] for row in last}
    else:
        frame = pd.read_parquet(path)
        found = frame[frame["round"] == 1].set_index(["kind", "dial", "seed"])["pgr"].to_dict()
    assert len(found) == 12
    assert found["random", 0.0, 0] == found["values", 0.0, 0]


def test_a_cell_that_borrows_the_honest_arm_says_nothing_of_an_advisor_that_was_not_there(tmp_path: Path) -> None:
    swept(small_study(tmp_path), tmp_path / "out")
    rows = [row for row in read_results(tmp_path / "out").to_pylist() if row["round"] == 1]
    borrowed = [row for row in rows if row["unheeded"]]
    assert {(row["kind"], row["dial"]) for row in borrowed} == {("values", 0.5)}
    honest = {row["seed"]: row for row in rows if row["kind"] == "values" and row["dial"] == 0}
    for row in borrowed:
        assert row["arm"] == honest[row["seed"]]["arm"]
        assert row["pgr"] == honest[row["seed"]]["pgr"] is not None
        assert {name: row[name] for name in OF_ADVISOR} == dict.fromkeys(OF_ADVISOR)
        assert honest[row["seed"]]["expert_calls_total"] is not None
        assert row["queries_total"] == honest[row["seed"]]["queries_total"]
