"""A sweep's table of results, brought together: cells of the map, each with one arm a seed.

The table has a row for each cell, seed and round. An arm may stand in several cells (the honest end of every dial is
one arm): each cell keeps a reference of its own, and what counts arms counts each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.experiments.place import PLACE
from sandwich_env.experiments.sweep_report.cells import DONE, Arm, Cell, Row

KEYS = ("study", "arm", *PLACE, "seed", "rounds", "round", "status")
"""The columns that say which cell, seed and round a row is of."""


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
        """How many seeds the widest cell of the map has; of the controls, where there is no map."""
        return max((len(cell.arms) for cell in self.map or self.controls), default=0)

    @cached_property
    def seeds_done(self) -> tuple[int, ...]:
        """How many seeds of a cell of the map are done (of a control, where there is no map): each number that occurs.

        Cells of which none is done do not count.
        """
        found = {sum(arm.status == DONE for arm in cell.arms) for cell in self.map or self.controls}
        return tuple(sorted(found - {0}))

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """Every arm once, by its id, as a cell sees it that is not unheeded: what tells of A is null in those that are.

        An arm that stands in none but those has no other view.
        """
        best_last = sorted(self.cells, key=lambda cell: not cell.unheeded)
        views = {arm.name: arm for cell in best_last for arm in cell.arms}
        return {name: views[name] for name in dict.fromkeys(arm.name for cell in self.cells for arm in cell.arms)}

    def counts(self, column: str) -> tuple[int, ...]:
        """How many seeds of a cell of the map have a measure: each number that occurs, but for 0."""
        return tuple(sorted({len(cell.values(column)) for cell in self.map} - {0}))

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


def read_results(path: Path) -> Results:
    """The results in a sweep's Parquet file.

    Raises:
        DataError: there is no such file, it is damaged or no Parquet, it is empty, or columns are missing.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        from sandwich_env.experiments.studies.table import read_table
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from error
    if not path.is_file():
        raise DataError(f"there is no {str(path)!r}: a sweep writes it when its first arm is done")
    return results_from(read_table(path).to_pylist(), repr(str(path)))


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
    return Cell(
        **{name: first[name] for name in PLACE},
        arms=tuple(_arm(seed, rows) for seed, rows in sorted(arms.items())),
    )


def _arm(seed: int, rows: Sequence[Row]) -> Arm:
    last = rows[-1]
    in_order = sorted(rows, key=lambda row: int(row["round"]))
    return Arm(name=last["arm"], seed=seed, status=last["status"], error=last.get("error"), rows=tuple(in_order))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
