"""Every cell of the map in tables of Markdown, for a page of docs."""

from __future__ import annotations

from collections.abc import Iterator

from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import DONE, Cell
from sandwich_env.experiments.sweep_report.results import Results


def cell_tables(results: Results) -> str:
    """Tables by measure and kind, those of each H apart: means over seeds, with the lowest and the highest seed."""
    lines = [f"# The cells of {results.study}", "", _explained(results)]
    for measure, by in look.MEASURES.items():
        if results.measured(measure):
            lines += ["", f"## PGR by {by}"]
            for novice in results.novices:
                named = f" (H: {novice})" if len(results.novices) > 1 else ""
                lines += _tables(results.of(novice), measure, named)
    return "\n".join(lines) + "\n"


def _explained(results: Results) -> str:
    borrowed = f" {look.BORROWED} {look.BORROWED_MEANS}." if any(cell.unheeded for cell in results.map) else ""
    return (
        f"PGR after the last round: 0 is H before it learnt, 1 is E. Each number is the mean over "
        f"{look.seeds_text(results.seeds_done)}, with the "
        f"lowest and the highest seed where there are several; † {look.ROUGH_MEANS}."
        f"{borrowed} {results.count(DONE)} arms are done."
    )


def _tables(results: Results, measure: str, named: str) -> Iterator[str]:
    if results.controls:
        yield from ("", f"### Controls, with nobody to ask{named}", "", "| method | PGR |", "|---|---|")
        for cell in results.controls:
            yield f"| {cell.method} | {cell_text(cell, measure, results.seeds)} |"
    for kind in results.kinds:
        cells = {(cell.query, cell.method, cell.dial_index): cell for cell in results.map if cell.kind == kind}
        first = next(iter(cells.values()))
        dials = results.dials(kind)
        held_out = ", held out" if first.held_out else ""
        yield from ("", f"### {kind}{held_out}{named}", "")
        yield "| H asks | method | " + " | ".join(f"{first.dial_name} {look.dial_text(at)}" for _, at in dials) + " |"
        yield "|---" * (2 + len(dials)) + "|"
        for query in results.queries:
            for method in results.methods:
                found = [cells.get((query, method, index)) for index, _ in dials]
                texts = ["-" if cell is None else cell_text(cell, measure, results.seeds) for cell in found]
                yield f"| {look.query_text(query)} | {method} | {' | '.join(texts)} |"


def cell_text(cell: Cell, measure: str, seeds: int) -> str:
    """A cell in a table: the mean, the range of its seeds, and how many there are where some are missing."""
    values = cell.values(measure)
    borrowed = f" {look.BORROWED}" if cell.unheeded else ""
    if not values:
        return ("no gap" if cell.lack == DONE else cell.lack) + borrowed
    text = f"{sum(values) / len(values):z.2f}"
    if len(values) > 1:
        text += f" ({min(values):z.2f} to {max(values):z.2f})"
    if len(values) < seeds:
        text += f", {len(values)}/{seeds} seeds"
    elif len(values) > seeds:
        text += f", {len(values)} seeds"
    return text + (" †" if measure == "pgr" and cell.flagged("elo_one_sided") else "") + borrowed
