"""The table of a sweep: a row for each cell and each round that was measured, as pandas and DuckDB read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandwich_env.errors import DataError
from sandwich_env.experiments.folder import read_json
from sandwich_env.experiments.measure import COLUMNS
from sandwich_env.experiments.place import PLACE
from sandwich_env.experiments.studies.folder import Record, SweepFolder, read_record
from sandwich_env.experiments.studies.grid import OF_ADVISOR, Arm, Cell, Grid
from sandwich_env.experiments.studies.study import Study, study_from
from sandwich_env.files import replacing

KEYS: dict[str, str] = {
    "study": "the study's name",
    "arm": "the arm that was run for the cell: the name of its folder. Several cells may share one",
    "kind": "the label of the misalignment; none for a control",
    "dial_name": "the parameter that is turned; null for a control",
    "dial": "where it stands; 0 for a control",
    "dial_index": "which of the kind's values that is, from 0",
    "held_out": "whether no method was tuned on the kind",
    "protocol": "when H asks",
    "interval": "H asks at every so many of its turns (on average, where chance decides); 0 for never",
    "method": "the method's label",
    "control": "whether the cell has no advisor",
    "unheeded": "whether A changes only what the method does not heed: the arm is the honest one, columns of A null",
    "novice": "the label of H at the start",
    "seed": "of everything that is random",
    "rounds": "how many rounds the arm is to have",
    "round": "the round, 0 for H before it learnt",
    "status": "of the arm: done, unfinished, failed, or diverged (its loss was no number any more)",
    "error": "what went wrong, in a sentence; null where nothing did",
    "advisor": "the spec of A that the arm was run with, as JSON; null without an advisor",
    "method_spec": "the method's spec, as JSON",
    "games_total": "games of this round and those before it; in the last row of an arm that failed, of the round it "
    "failed in too, as far as its files tell",
    "plies_total": "plies of them",
    "queries_total": "how often A was asked in them",
    "inquiries_total": "questions beyond the protocol's, likewise",
    "expert_calls_total": "positions that E was asked about for A, likewise",
    "positions_total": "positions that H was shown while it was fitted: gradient steps times the batch",
    "seconds_total": "what it all took, but for the anchors that arms share; the one column that differs between two "
    "sweeps of one study",
}
"""The columns before the measures, in their order."""

_TEXT = {"study", "arm", "kind", "dial_name", "protocol", "method", "novice", "status", "error", "advisor"}
_TEXT |= {"method_spec", "pgr_refused"}
_BOOLS = {"held_out", "control", "unheeded", "elo_one_sided"}
_WHOLE = {"dial_index", "interval", "seed", "rounds", "round", "games_total", "plies_total", "queries_total"}
_WHOLE |= {"inquiries_total", "expert_calls_total", "positions_total"}
_WHOLE |= {"games", "plies", "queries", "inquiries", "expert_calls", "examples", "steps", "trust_count"}

MEASURES = tuple(name for name in COLUMNS if name != "round")
"""The columns after the keys: those of a run's metrics."""


def schema() -> pa.Schema:
    """The columns and their types."""
    return pa.schema([(name, _type_of(name)) for name in (*KEYS, *MEASURES)])


def _type_of(name: str) -> Any:
    if name in _TEXT or name.endswith("_refused"):
        return pa.string()
    if name in _BOOLS:
        return pa.bool_()
    return pa.int64() if name in _WHOLE else pa.float64()


def write_results(folder: SweepFolder, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write the table, in one step; equal rows give equal bytes.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema())
    with replacing(folder.results) as partial:
        pq.write_table(table, partial, compression="zstd")
    return folder.results


def read_results(root: Path | str) -> pa.Table:
    """The table of a sweep: `results.parquet` as it was last written, which an arm at work may be ahead of.

    Where there is no such file, the table is made of what the arms have measured by now, and not written.

    Raises:
        DataError: there is no sweep in the folder, or its table or study is damaged.
        SpecError: its study cannot be made any more.
    """
    folder = SweepFolder(Path(root))
    if folder.results.is_file():
        return read_table(folder.results)
    if not folder.study.is_file():
        raise DataError(f"there is no sweep in {str(root)!r}: a sweep's folder holds a study.json")
    study = study_from(read_json(folder.study), repr(str(folder.study)))
    grid = Grid.of(study)
    return pa.Table.from_pylist(collect(study, grid, read_records(folder, grid)), schema=schema())


def read_table(path: Path) -> pa.Table:
    """A file of results, whole.

    Raises:
        DataError: it is damaged, or no Parquet.
        OSError: it cannot be read.
    """
    try:
        table = pq.read_table(path)
        table.validate(full=True)  # bytes that are no text would be found by whoever asks for the text
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's word, and not pyarrow's
            raise
        why = " ".join(str(error).split()).rstrip(".")
        raise DataError(
            f"{str(path)!r} is damaged, or no Parquet: {why}. Give the sweep command again: it writes the table anew"
        ) from error
    return table


def read_records(folder: SweepFolder, grid: Grid) -> dict[str, Record]:
    """How far each arm has come, by its id."""
    return {arm.id: read_record(folder, arm.id, int(arm.plain["rounds"])) for arm in grid.arms}


def collect(study: Study, grid: Grid, records: Mapping[str, Record]) -> list[dict[str, Any]]:
    """The rows of the table, cell by cell in the order of the study, round by round."""
    arms = {arm.id: arm for arm in grid.arms}
    counted = {id: _rows_of(arm, records[id]) for id, arm in arms.items()}
    rows = (
        {"study": study.name, **_where(cell), **_told(cell, row)} for cell in grid.cells for row in counted[cell.arm]
    )
    return [{name: row[name] for name in (*KEYS, *MEASURES)} for row in rows]


def _where(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in (*PLACE, "seed", "arm")}


def _told(cell: Cell, row: Mapping[str, Any]) -> dict[str, Any]:
    """What an arm's row tells of a cell."""
    return {name: None if cell.unheeded and name in OF_ADVISOR else value for name, value in row.items()}


def _rows_of(arm: Arm, record: Record) -> list[dict[str, Any]]:
    """An arm's rows, whichever cell they are for. One that failed before anything was measured has one row of nulls."""
    failure = record.failure if record.status in ("failed", "diverged") else None
    advisor = arm.plain["advisor"]
    same = {
        "rounds": record.rounds,
        "status": record.status,
        "error": None if failure is None else failure["error"],
        "advisor": None if advisor is None else json.dumps(advisor),
        "method_spec": json.dumps(arm.plain["method"]),
    }
    measured = record.rows or ([{"round": 0}] if failure is not None else [])
    rows = []
    for at, row in enumerate(measured):
        spent, until = measured[: at + 1], int(row["round"])
        if failure is not None and at == len(measured) - 1:  # the round that it failed in was paid for too
            spent, until = [*spent, dict(record.in_vain)], len(record.rows)
        shown = {name: row.get(name) for name in ("round", *MEASURES)}
        rows.append(same | _totals(spent, arm) | {"seconds_total": _seconds(record.seconds, until)} | shown)
    return rows


def _totals(spent: list[dict[str, Any]], arm: Arm) -> dict[str, Any]:
    totals: dict[str, Any] = {
        f"{name}_total": sum(row.get(name) or 0 for row in spent)
        for name in ("games", "plies", "queries", "inquiries", "expert_calls")
    }
    totals["positions_total"] = sum(row.get("steps") or 0 for row in spent) * arm.plain["learn"]["batch_size"]
    return totals


def _seconds(seconds: Mapping[str, float], until: int) -> float:
    """What the stages took of the rounds up to one."""
    return round(sum(spent for stage, spent in seconds.items() if int(stage.split()[0]) <= until), 1)
