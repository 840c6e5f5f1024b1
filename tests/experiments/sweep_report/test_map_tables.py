"""The cells of the map as Markdown, and the example that prints them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sweep_table_support import row, write_sweep

from sandwich_env.experiments.sweep_report.markdown import cell_tables
from sandwich_env.experiments.sweep_report.results import results_from

EXAMPLE = Path(__file__).parents[3] / "examples" / "map_tables.py"

ROWS = [
    row(kind="none", method="self_play", control=True, protocol="never", interval=0, dial_name=None, pgr=0.01),
    *(row(seed=seed, dial=0.0, dial_index=0, pgr=value) for seed, value in enumerate((0.5, 0.6, 0.7))),
    *(row(seed=seed, pgr=-2.0, elo_one_sided=True, status="done" if seed else "failed") for seed in range(3)),
    row(dial=1.0, dial_index=2, status="diverged"),
    row(dial=0.0, dial_index=0, protocol="every_n_turns:n=4", interval=4, pgr=-0.001),
]


def test_a_cell_is_its_mean_and_the_range_of_its_seeds() -> None:
    text = cell_tables(results_from(ROWS))
    assert "| self_play | 0.01, 1/3 seeds |" in text
    assert "| H asks | method | epsilon 0 | epsilon 0.5 | epsilon 1 |\n|---|---|---|---|---|\n" in text
    line = "| every turn | imitate | 0.60 (0.50 to 0.70) | -2.00 (-2.00 to -2.00), 2/3 seeds † | diverged |"
    assert line in text
    assert "| every 4 turns | imitate | 0.00, 1/3 seeds | - | - |" in text
    assert "## PGR by Elo" in text
    assert "puzzles" not in text


def test_a_borrowed_cell_is_marked_and_explained() -> None:
    rows = [row(dial=0.0, dial_index=0, pgr=0.5), row(pgr=0.5, unheeded=True, advisor='"honest"')]
    text = cell_tables(results_from(rows))
    assert "| every turn | imitate | 0.50 | 0.50 = |" in text
    assert "= the honest arm, since A changes only what the method does not heed: nothing of A reached H" in text
    assert "the mean over one seed, " in text
    assert "the honest arm" not in cell_tables(results_from(rows[:1]))


def test_the_example_prints_them(tmp_path: Path) -> None:
    write_sweep(tmp_path, ROWS)
    command = [sys.executable, str(EXAMPLE), str(tmp_path / "results.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout == cell_tables(results_from(ROWS))
