"""What a sweep says of an arm that has ended, and of itself when it has."""

from __future__ import annotations

from collections.abc import Mapping

from sandwich_env.experiments.studies.board import Board, duration
from sandwich_env.experiments.studies.folder import Record, SweepFolder, anchors_seconds
from sandwich_env.experiments.studies.jobs import Outcome


def tell_end(
    folder: SweepFolder, records: Mapping[str, Record], labels: Mapping[str, str], shown: Board
) -> dict[str, str]:
    """Say what a sweep has come to; returns why arms have failed, by their ids.

    Args:
        folder: the sweep's.
        records: how far each arm has come, by its id.
        labels: what the arms are, likewise.
        shown: where it is said.
    """
    failed = {
        id: str(record.failure["error"])
        for id, record in records.items()
        if record.failure is not None and record.status != "done"
    }
    done = sum(record.status == "done" for record in records.values())
    anchors = anchors_seconds(folder)
    total = anchors + sum(sum(record.seconds.values()) for record in records.values())
    of_them = f", {duration(anchors)} of it for the anchors that arms share" if anchors else ""
    shown.say(f"{done} of {len(records)} arms done, {duration(total)} of work in all{of_them}.")
    for id, error in failed.items():
        shown.say(f"{records[id].status}: {labels[id]} (arms/{id}): {error}")
    if failed:
        removed = (
            "; an arm whose folder is to be removed is begun anew" if any(map(_to_remove, failed.values())) else ""
        )
        shown.say(f"{len(failed)} arms have failed; --retry-failed goes on with them{removed}.")
    shown.say(f"Table: {folder.results}")
    return failed


def _to_remove(error: str) -> bool:
    return "emove the folder" in error


def summary(record: Record, outcome: Outcome) -> str:
    """How an arm has ended, in a line."""
    if outcome.how != "done":
        return f"{outcome.how}: {outcome.error}"
    if record.failure is not None and record.status != "done":  # its files are damaged
        return f"{record.status}: {record.failure['error']}"
    last = record.rows[-1]
    pgr = "no PGR (gap too small)" if last.get("pgr") is None else f"PGR {last['pgr']:.2f}"
    return f"{pgr}, {duration(sum(record.seconds.values()))}"
