"""A page about a sweep, its numbers taken from the sweep's table.

    python examples/map_page.py docs/data/map_template.md docs/data/map.parquet > docs/map.md

In the template `{{loss worst 0.5 1 imitate}}` stands for a mean over the seeds that are done: of PGR by loss (or
`puzzles`, `elo`), for a kind, a dial, how many turns apart H asks (0 for a control) and a method;
`{{loss worst 0.5 1 imitate range}}` has the lowest and the highest seed with it. `{{arms}}` is the number of arms that
are done.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

COLUMNS = {"loss": "loss_pgr", "puzzles": "puzzles_pgr", "elo": "pgr"}


def page(template: str, rows: list[dict[str, Any]]) -> str:
    """The template with its numbers.

    Args:
        template: the text.
        rows: of the sweep's table.

    Raises:
        ValueError: a number that the table does not hold.
    """
    done = [row for row in rows if row["status"] == "done" and row["round"] == row["rounds"]]
    return re.sub(r"\{\{(.*?)\}\}", lambda found: number(found[1].split(), done), template)


def number(words: list[str], done: list[dict[str, Any]]) -> str:
    """What the words between the braces stand for."""
    if words == ["arms"]:
        return str(len({row["arm"] for row in done}))
    measure, kind, dial, interval, method = words[:5]
    where = {"kind": kind, "dial": float(dial), "interval": int(interval), "method": method}
    cell = [row for row in done if all(row[key] == value for key, value in where.items())]
    values = [row[COLUMNS[measure]] for row in cell if row[COLUMNS[measure]] is not None]
    if not values:
        raise ValueError(f"the table has no {measure} of {where}")
    mean = f"{sum(values) / len(values):z.2f}"
    return f"{mean} ({min(values):z.2f} to {max(values):z.2f})" if words[5:] == ["range"] else mean


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/map_page.py TEMPLATE SWEEP/results.parquet")
    print(page(Path(sys.argv[1]).read_text(), pq.read_table(sys.argv[2]).to_pylist()), end="")
