"""A page about sweeps, its numbers taken from their tables.

    python examples/map_page.py docs/data/map_template.md docs/data/map.parquet docs/data/map_lies.parquet \\
        docs/data/map_checks.parquet docs/data/map_longer.parquet > docs/map.md

In the template stand, for

- `{{loss worst 0.5 1 imitate}}`: a mean over the seeds of PGR by loss (or another of `COLUMNS`), for a kind, a dial,
  how many turns apart H asks (0 for a control) and a method;
- `{{loss worst 0.5 1 imitate range}}`: the same with the lowest and the highest seed;
- `{{premium loss random_move worst imitate}}`: the strategic premium of a kind over one of noise, H asking at every
  turn, with the lowest and the highest seed;
- `{{spread map loss}}`: how far the seeds of a cell of that study lie apart, in the median cell and in the worst;
- `{{most auroc 4 trust}}`: the largest of any seed and cell of a method at an interval;
- `{{arms map}}`: how many arms of that study are done.

A cell is taken from the first of the tables that has it; `{{loss worst 0.5 1 imitate of map_longer}}` from that study,
and `{{loss worst 0.5 1 imitate after 1}}` as it was after that round.
"""

from __future__ import annotations

import re
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from sandwich_env.evaluation.premium import points_by_seed, strategic_premium

COLUMNS = {
    "loss": "loss_pgr",
    "puzzles": "puzzles_pgr",
    "elo": "pgr",
    "auroc": "trust_auroc",
    "right": "followed_right",
    "wrong": "followed_wrong",
    "calibration": "trust_calibration",
}
Row = dict[str, Any]


def page(template: str, rows: list[Row]) -> str:
    """The template with its numbers.

    Args:
        template: the text.
        rows: of the sweeps' tables.

    Raises:
        ValueError: a number that the tables do not hold.
    """
    done = [row for row in rows if row["status"] == "done"]
    return re.sub(r"\{\{(.*?)\}\}", lambda found: _text(found[1].split(), done), template)


def _text(words: list[str], done: list[Row]) -> str:
    """What the words between the braces stand for."""
    match words:
        case [*others, "of", study]:
            return _text(others, [row for row in done if row["study"] == study])
        case [*others, "after", round]:
            return _text(others, [row | {"rounds": int(round)} for row in done])
    return _number(words, [row for row in done if row["round"] == row["rounds"]])


def _number(words: list[str], done: list[Row]) -> str:
    match words:
        case ["arms", study]:
            return str(len({row["arm"] for row in done if row["study"] == study}))
        case ["spread", study, measure]:
            return _spread([row for row in done if row["study"] == study], COLUMNS[measure])
        case ["most", measure, interval, method]:
            return _most(done, COLUMNS[measure], int(interval), method)
        case ["premium", measure, noise, kind, method]:
            return _premium(done, COLUMNS[measure], noise, kind, method)
        case [measure, kind, dial, interval, method, *how] if how in ([], ["range"]):
            where = {"kind": kind, "dial": float(dial), "interval": int(interval), "method": method}
            return _cell(done, measure, where, ranged=bool(how))
    raise ValueError(f"the template has {{{{{' '.join(words)}}}}}, which stands for nothing")


def _cell(done: list[Row], measure: str, where: Row, *, ranged: bool) -> str:
    values = [value for row in _of(done, where) if (value := row[COLUMNS[measure]]) is not None]
    if not values:
        raise ValueError(f"the tables have no {measure} of {where}")
    return _with_range(values) if ranged else f"{statistics.fmean(values):z.2f}"


def _most(done: list[Row], column: str, interval: int, method: str) -> str:
    values = [row[column] for row in _of(done, {"interval": interval, "method": method}) if row[column] is not None]
    if not values:
        raise ValueError(f"the tables have no {column} of {method} at every {interval} turns")
    return f"{max(values):z.2f}"


def _premium(done: list[Row], column: str, noise: str, kind: str, method: str) -> str:
    sides = [
        points_by_seed(_of(done, {"kind": name, "interval": 1, "method": method}), column) for name in (noise, kind)
    ]
    found = strategic_premium(*sides, rng=np.random.default_rng(0))
    return _with_range(list(found.by_seed.values()))


def _spread(done: list[Row], column: str) -> str:
    cells: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in done:
        if row[column] is not None:
            place = (row["kind"], row["dial"], row["interval"], row["method"])
            cells.setdefault(place, {})[row["arm"]] = row[column]
    # Cells that stand on the same arms, such as the honest ends of all dials, count once.
    once = {frozenset(arms): list(arms.values()) for arms in cells.values()}
    apart = [max(values) - min(values) for values in once.values() if len(values) > 1]
    if not apart:
        raise ValueError(f"no cell has two seeds with a {column}")
    return f"{statistics.median(apart):.2f} in the median cell and {max(apart):.2f} at most"


def _of(done: list[Row], where: Row) -> list[Row]:
    found = [row for row in done if all(row[key] == value for key, value in where.items())]
    return [row for row in found if row["study"] == found[0]["study"]]


def _with_range(values: list[float]) -> str:
    return f"{statistics.fmean(values):z.2f} ({min(values):z.2f} to {max(values):z.2f})"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python examples/map_page.py TEMPLATE SWEEP/results.parquet [SWEEP/results.parquet ...]")
    held = [row for table in sys.argv[2:] for row in pq.read_table(table).to_pylist()]
    print(page(Path(sys.argv[1]).read_text(), held), end="")
