"""What a round has cost that was never measured, since its arm failed in it: as far as its files tell."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandwich_env.errors import DataError
from sandwich_env.experiments.folder import COUNTED, RunFolder, read_json


def spent_in_vain(run: RunFolder, round: int) -> dict[str, int]:
    """Games, plies, queries, inquiries and expert calls of a round, of which all games may be there or some.

    A file that is damaged, which may be why the arm has failed, tells nothing.
    """
    pairs = [(run.corpus(round), run.counts(round))]
    if not run.corpus(round).is_file():
        parts = run.part(round, 0).parent.glob(f"round_{round}_part_*.parquet")
        pairs = [(path, path.with_name(f"{path.stem}_counts.json")) for path in sorted(parts)]
    spent: dict[str, int] = {}
    for games, counts in pairs:
        for name, count in (_in_games(games) | _in_counts(counts)).items():
            spent[name] = spent.get(name, 0) + count
    return spent


def _in_games(path: Path) -> dict[str, int]:
    try:
        table = pq.read_table(path, columns=["game_id", "asked"])
        return {
            "games": len(pc.unique(table["game_id"])),
            "plies": table.num_rows,
            "queries": pc.sum(table["asked"]).as_py() or 0,
        }
    except (pa.ArrowException, OSError, LookupError):
        return {}


def _in_counts(path: Path) -> dict[str, int]:
    try:
        counts = read_json(path)
        return {name: int(counts[name]) for name in COUNTED}
    except (DataError, OSError, LookupError, TypeError, ValueError):
        return {}
