"""Every cell of a sweep's map as Markdown: `python examples/map_tables.py SWEEP/results.parquet > map_cells.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from sandwich_env.experiments.sweep_report.markdown import cell_tables
from sandwich_env.experiments.sweep_report.results import read_results

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/map_tables.py SWEEP/results.parquet")
    print(cell_tables(read_results(Path(sys.argv[1]))), end="")
