"""The strategic premium over a sweep: what each kind costs H beyond noise of the same harm, method by method."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandwich_env.evaluation.intervals import Estimate
from sandwich_env.evaluation.premium import points_by_seed, premiums
from sandwich_env.experiments.sweep_report.cells import HONEST, Cell
from sandwich_env.experiments.sweep_report.results import Results
from sandwich_env.experiments.sweep_report.seeds import over_seeds

NOISE = ("random_move", "policy_noise", "temperature", "dirichlet")
"""Advisors whose wrong moves are drawn by chance: what strategy is held against."""

VALUES = ("value_noise", "value_flip", "value_shrink", "optimism", "incoherent")
"""Advisors that leave moves alone, and so are neither noise nor strategy: their moves lose as much at every dial."""


@dataclass(frozen=True, kw_only=True)
class PremiumRow:
    """One premium, or why there is none.

    Attributes:
        noise: the label of the noisy kind.
        kind: the label of the kind that is held against it.
        query: how often H asks.
        method: how H learns.
        novice: who H is.
        premium: PGR with noise less PGR with the kind, at equal loss by the advice; over seeds. None where refused.
        losses: the losses of win probability it is the mean over, from least to most.
        refused: why there is no premium; empty where there is one.
    """

    noise: str
    kind: str
    query: tuple[int, str]
    method: str
    novice: str
    premium: Estimate | None = None
    losses: tuple[float, float] | None = None
    refused: str = ""


def premium_rows(results: Results, measure: str) -> list[PremiumRow]:
    """Every kind that is no noise against every one that is, method by method.

    Kinds that change values alone are left out.

    Args:
        results: of the sweep.
        measure: a column of PGR.
    """
    made = {kind: made_of(results, kind) for kind in results.kinds}
    noisy = [kind for kind, names in made.items() if names & set(NOISE)]
    strategic = [kind for kind, names in made.items() if kind not in noisy and not (names and names <= set(VALUES))]
    found = []
    for noise in noisy:
        for novice in results.novices:
            for method in results.methods:
                for query in results.queries:
                    cells = {kind: _cells(results, (kind, query, method, novice)) for kind in (noise, *strategic)}
                    where: dict[str, Any] = {"query": query, "method": method, "novice": novice}
                    unheeded = [kind for kind, of in cells.items() if _unheeded(of)]
                    points = {kind: _points(of, measure) for kind, of in cells.items() if kind not in unheeded}
                    for kind in strategic:
                        deaf = [one for one in (noise, kind) if one in unheeded]
                        if deaf and cells[noise] and cells[kind]:
                            verb = "changes" if len(deaf) == 1 else "change"
                            why = f"the method does not heed what {' and '.join(deaf)} {verb}"
                            found.append(PremiumRow(noise=noise, kind=kind, refused=why, **where))
                    compared = {kind: points[kind] for kind in strategic if points.get(kind)}
                    if points.get(noise) and compared:
                        found += _rows(noise, points[noise], compared, **where)
    return found


def _rows(noise: str, of_noise: Mapping[int, Any], compared: Mapping[str, Any], **where: Any) -> list[PremiumRow]:
    there, refused = premiums(of_noise, compared)
    rows = []
    for kind in compared:
        if kind in refused:
            rows.append(PremiumRow(noise=noise, kind=kind, refused=refused[kind], **where))
        else:
            premium = there[kind]
            rows.append(
                PremiumRow(
                    noise=noise, kind=kind, premium=over_seeds(list(premium.by_seed.values())),
                    losses=(premium.least_loss, premium.most_loss), **where,
                )
            )  # fmt: skip
    return rows


def made_of(results: Results, kind: str) -> set[str]:
    """The names of the advisors behind a kind's label, but for the honest one at the end of its dial.

    One that passes on what another says, at times of its own choosing, has that one's name only where that leaves moves
    alone: noise that is dealt out is none.
    """
    specs = {row.get("advisor") for cell in results.map if cell.kind == kind for arm in cell.arms for row in arm.rows}
    return {name for spec in specs if spec for name in _names(json.loads(spec))} - {HONEST}


def _names(spec: Any) -> set[str]:
    if not isinstance(spec, dict):
        return {str(spec)}
    if "wrapper" in spec:
        held = _names(spec["wrapper"]) - {HONEST}
        return held if held and held <= set(VALUES) else {str(spec.get("kind"))}
    inner = _names(spec["inner"]) if "inner" in spec else set()
    return {str(spec.get("kind"))} | inner


def _cells(results: Results, where: tuple[str, tuple[int, str], str, str]) -> list[Cell]:
    return [cell for cell in results.map if (cell.kind, cell.query, cell.method, cell.novice) == where]


def _unheeded(cells: Sequence[Cell]) -> bool:
    """Whether nothing of a kind reached H at any dial: but for its honest end, all cells borrow the honest arm."""
    return any(cell.unheeded for cell in cells) and all(arm.honest for cell in cells for arm in cell.arms)


def _points(cells: Sequence[Cell], measure: str) -> dict[int, list[tuple[float, float]]]:
    rows = [
        {"advice_loss": None, measure: None, **arm.last, "seed": arm.seed}
        for cell in cells
        for arm in cell.arms
        if arm.last is not None
    ]
    return points_by_seed(rows, measure)
