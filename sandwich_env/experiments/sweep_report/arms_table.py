"""The table of arms: a line for each cell, over its seeds, with what was measured and what it took."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sandwich_env.evaluation.intervals import Estimate
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import DONE, Arm, Cell, number
from sandwich_env.experiments.sweep_report.premium_rows import PremiumRow
from sandwich_env.experiments.sweep_report.results import Results

BUDGET = {
    "games_total": "games",
    "queries_total": "queries",
    "inquiries_total": "inquiries",
    "expert_calls_total": "expert calls",
    "positions_total": "positions",
    "seconds_total": "seconds",
}
"""What an arm spends: the columns, and how tables head them."""

HEADINGS = (
    "kind", "dial", "H asks", "method", "H", "seeds",
    *(f"PGR by {by}" for by in look.MEASURES.values()),
    *BUDGET.values(), "arms",
)  # fmt: skip

PREMIUM_HEADINGS = ("noise", "kind", "H asks", "method", "H", "premium", "at losses of", "seeds")


def arm_lines(results: Results) -> list[list[str]]:
    """The table's lines, the controls first; costs are means over the seeds that are done."""
    return [_line(cell) for cell in (*results.controls, *results.map)]


def _line(cell: Cell) -> list[str]:
    dial = "" if cell.dial_name is None else f"{cell.dial_name} {look.dial_text(cell.dial)}"
    if cell.unheeded:
        dial += f" {look.BORROWED}"
    measures = []
    for measure in look.MEASURES:
        estimate = cell.estimate(measure)
        rough = measure == "pgr" and cell.flagged("elo_one_sided")
        measures.append("-" if estimate is None else with_interval(estimate) + (" †" if rough else ""))
    costs = [cell.values(column) for column in BUDGET]
    return [
        "" if cell.control else cell.kind + (" (held out)" if cell.held_out else ""),
        dial,
        look.query_text(cell.query),
        cell.method + (" (control)" if cell.control else ""),
        cell.novice,
        seeds_text(cell),
        *measures,
        *(f"{sum(cost) / len(cost):,.0f}" if cost else "-" for cost in costs),
        " ".join(arm.name[:8] for arm in cell.arms),
    ]


def seeds_text(cell: Cell) -> str:
    """The seeds that are done, and what became of the others."""
    done = [str(arm.seed) for arm in cell.arms if arm.status == DONE]
    others = [f"{arm.seed} {arm.status}" for arm in cell.arms if arm.status != DONE]
    return "; ".join(part for part in (", ".join(done), *others) if part)


def with_interval(estimate: Estimate) -> str:
    """A mean with its interval; ‡ where that is the one arm's own."""
    low, high = estimate.interval.low, estimate.interval.high
    if math.isnan(low) and math.isnan(high):
        return f"{estimate.value:z.2f}"
    ends = ", ".join("-" if math.isnan(end) else f"{end:z.2f}" for end in (low, high))
    return f"{estimate.value:z.2f} [{ends}]" + (" ‡" if estimate.count == 1 else "")


def premium_lines(rows: Iterable[PremiumRow]) -> list[list[str]]:
    """The lines of the premiums that there are."""
    return [
        [
            row.noise, row.kind, look.query_text(row.query), row.method, row.novice, with_interval(row.premium),
            f"{row.losses[0]:.3f} to {row.losses[1]:.3f}", str(row.premium.count),
        ]
        for row in rows
        if row.premium is not None and row.losses is not None
    ]  # fmt: skip


def spent_text(arms: Iterable[Arm]) -> str:
    """What arms have spent together, in a line: "at least" where the table does not tell it of all of them."""
    found = [arm.rows[-1] for arm in arms if arm.rows]
    parts = []
    for column, name in BUDGET.items():
        known = [value for row in found if (value := number(row, column)) is not None]
        parts.append(f"{'at least ' if len(known) < len(found) else ''}{sum(known):,.0f} {name}")
    return ", ".join(parts)
