"""A sweep's table of results, brought together: cells of the map, each with one arm a seed.

The table has a row for each cell, seed and round. An arm may stand in several cells (the honest end of every dial is
one arm): each cell keeps a reference of its own, and what counts arms counts each once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.evaluation.intervals import Estimate, Interval
from sandwich_env.experiments.sweep_report.seeds import over_seeds

Row = Mapping[str, Any]

KEYS = (
    "study", "arm", "kind", "dial_name", "dial", "dial_index", "held_out", "protocol", "interval", "method", "control",
    "novice", "seed", "rounds", "round", "status",
)  # fmt: skip
"""The columns that say which cell, seed and round a row is of."""

DONE, FAILED, DIVERGED, UNFINISHED, ABSENT = "done", "failed", "diverged", "unfinished", "absent"

_WORST_FIRST = (DIVERGED, FAILED, UNFINISHED, ABSENT)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm as a cell sees it.

    Attributes:
        name: the arm's id, the name of its folder.
        seed: of everything that is random in it.
        status: "done", "unfinished", "failed" or "diverged".
        error: what went wrong, where something did.
        rows: what was measured, round by round; none where nothing was yet.
    """

    name: str
    seed: int
    status: str
    error: str | None
    rows: tuple[Row, ...]

    @property
    def last(self) -> Row | None:
        """The row after the last round; None where the arm has not reached it."""
        return self.rows[-1] if self.status == DONE and self.rows else None

    def value(self, column: str) -> float | None:
        """A measure after the last round; None where there is none."""
        return None if self.last is None else number(self.last, column)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the map, over its seeds.

    Attributes:
        kind: of misalignment; "none" for a control.
        dial_name: what is turned; None where nothing is.
        dial: how far.
        dial_index: which of the kind's dials it is, 0 for the first.
        held_out: whether no method was tuned on this kind.
        protocol: when H asks.
        interval: every how many turns; 0 where it never does.
        method: how H learns.
        control: whether it does so with nobody to ask.
        novice: who H is.
        arms: one a seed, by seed.
    """

    kind: str
    dial_name: str | None
    dial: float
    dial_index: int
    held_out: bool
    protocol: str
    interval: int
    method: str
    control: bool
    novice: str
    arms: tuple[Arm, ...]

    @property
    def query(self) -> tuple[int, str]:
        """How often H asks, so that it sorts: the interval, and the protocol's name."""
        return self.interval, self.protocol

    @property
    def status(self) -> str:
        """ "done" where one arm is or more; otherwise the worst that became of any."""
        found = {arm.status for arm in self.arms}
        return DONE if DONE in found else next((one for one in _WORST_FIRST if one in found), ABSENT)

    def values(self, column: str) -> list[float]:
        """A measure after the last round, one for each arm that has it."""
        return [value for arm in self.arms if (value := arm.value(column)) is not None]

    def estimate(self, column: str) -> Estimate | None:
        """The mean of a measure over the seeds that have it; None where no seed has.

        Its interval is the t interval over seeds. One seed has none: its interval is the arm's own, from the bootstrap
        of its measurement, where the table has it; it says nothing of another seed.
        """
        values = self.values(column)
        if len(values) != 1:
            return over_seeds(values) if values else None
        (row,) = (arm.last for arm in self.arms if arm.last is not None and arm.value(column) is not None)
        low, high = (number(row, f"{column}_{end}") for end in ("low", "high"))
        return Estimate(values[0], Interval(math.nan if low is None else low, math.nan if high is None else high), 1)

    def flagged(self, column: str) -> bool:
        """Whether a flag is set after the last round of any arm."""
        return any(arm.last is not None and bool(arm.last.get(column)) for arm in self.arms)

    def rounds(self, column: str) -> list[tuple[int, float]]:
        """The mean of a measure by round, over the arms that are done and have it in that round."""
        found: dict[int, list[float]] = {}
        for arm in self.arms:
            for row in arm.rows if arm.status == DONE else ():
                value = number(row, column)
                if value is not None:
                    found.setdefault(row["round"], []).append(value)
        return [(at, sum(values) / len(values)) for at, values in sorted(found.items())]


@dataclass(frozen=True)
class Results:
    """The cells of a sweep, in the order of the study.

    Attributes:
        study: its name.
        cells: of the map and of the controls.
    """

    study: str
    cells: tuple[Cell, ...]

    @cached_property
    def map(self) -> tuple[Cell, ...]:
        """The cells with an advisor."""
        return tuple(cell for cell in self.cells if not cell.control)

    @cached_property
    def controls(self) -> tuple[Cell, ...]:
        """The cells with nobody to ask."""
        return tuple(cell for cell in self.cells if cell.control)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of misalignment on the map."""
        return _unique(cell.kind for cell in self.map)

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The methods on the map."""
        return _unique(cell.method for cell in self.map)

    @cached_property
    def novices(self) -> tuple[str, ...]:
        """Who H is."""
        return _unique(cell.novice for cell in self.cells)

    @cached_property
    def queries(self) -> tuple[tuple[int, str], ...]:
        """How often H asks on the map, most often first."""
        return tuple(sorted({cell.query for cell in self.map}))

    @cached_property
    def seeds(self) -> int:
        """How many seeds the widest cell has."""
        return max((len(cell.arms) for cell in self.cells), default=0)

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """Every arm once, by its id."""
        return {arm.name: arm for cell in self.cells for arm in cell.arms}

    def dials(self, kind: str) -> list[tuple[int, float]]:
        """The dials of a kind, as (index, value), in their order."""
        return sorted({(cell.dial_index, cell.dial) for cell in self.map if cell.kind == kind})

    def of(self, novice: str) -> Results:
        """Those of one H."""
        return Results(self.study, tuple(cell for cell in self.cells if cell.novice == novice))

    def measured(self, column: str) -> bool:
        """Whether any arm has a measure after its last round."""
        return any(cell.values(column) for cell in self.cells)

    def count(self, status: str) -> int:
        """How many arms have a status."""
        return sum(arm.status == status for arm in self.arms.values())


def number(row: Row, column: str) -> float | None:
    """A finite number in a row; None where there is nothing, NaN or infinity."""
    value = row.get(column)
    return float(value) if value is not None and math.isfinite(value) else None


def read_results(path: Path) -> Results:
    """The results in a sweep's Parquet file.

    Raises:
        DataError: there is no such file, it is no Parquet, it is empty, or columns are missing.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from error
    if not path.is_file():
        raise DataError(f"there is no {str(path)!r}: a sweep writes it when its first arm is done")
    try:
        rows = parquet.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{str(path)!r} is damaged, or no Parquet: {error}") from error
    return results_from(rows, repr(str(path)))


def results_from(rows: Sequence[Row], where: str = "the table") -> Results:
    """The results in rows such as the table has, one for each cell, seed and round.

    Raises:
        DataError: no rows, or columns are missing.
    """
    if not rows:
        raise DataError(f"{where} has no rows yet: go on with the sweep")
    missing = [name for name in KEYS if name not in rows[0]]
    if missing:
        raise DataError(f"{where} lacks the columns {', '.join(missing)}: it is not a sweep's results")
    cells: dict[tuple[Any, ...], dict[int, list[Row]]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("kind", "dial_index", "dial", "protocol", "method", "control", "novice"))
        cells.setdefault(key, {}).setdefault(row["seed"], []).append(row)
    return Results(str(rows[0]["study"]), tuple(_cell(arms) for arms in cells.values()))


def _cell(arms: Mapping[int, Sequence[Row]]) -> Cell:
    first = next(iter(arms.values()))[0]
    shared = ("kind", "dial_name", "dial", "dial_index", "held_out", "protocol", "interval", "method", "control")
    return Cell(
        **{name: first[name] for name in shared},
        novice=first["novice"],
        arms=tuple(_arm(seed, rows) for seed, rows in sorted(arms.items())),
    )


def _arm(seed: int, rows: Sequence[Row]) -> Arm:
    last = rows[-1]
    in_order = sorted(rows, key=lambda row: int(row["round"]))
    return Arm(name=last["arm"], seed=seed, status=last["status"], error=last.get("error"), rows=tuple(in_order))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
