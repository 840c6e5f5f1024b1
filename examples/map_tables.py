"""Every cell of sweeps' maps as Markdown: `python examples/map_tables.py SWEEP/results.parquet > map_cells.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from sandwich_env.experiments.sweep_report.markdown import cell_tables
from sandwich_env.experiments.sweep_report.results import read_results

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python examples/map_tables.py SWEEP/results.parquet [SWEEP/results.parquet ...]")
    print("\n".join(cell_tables(read_results(Path(table))) for table in sys.argv[1:]), end="")
