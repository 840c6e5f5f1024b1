"""The strategic premium over a sweep: what each kind costs H beyond noise of the same harm, method by method."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandwich_env.evaluation.intervals import Estimate
from sandwich_env.evaluation.premium import points_by_seed, premiums
from sandwich_env.experiments.sweep_report.results import Results
from sandwich_env.experiments.sweep_report.seeds import over_seeds

NOISE = ("random_move", "policy_noise", "temperature", "dirichlet")
"""Advisors whose wrong moves are drawn by chance: what strategy is held against."""

HONEST = "honest"


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

    Args:
        results: of the sweep.
        measure: a column of PGR.
    """
    noisy = [kind for kind in results.kinds if made_of(results, kind) & set(NOISE)]
    strategic = [kind for kind in results.kinds if kind not in noisy]
    found = []
    for noise in noisy:
        for novice in results.novices:
            for method in results.methods:
                for query in results.queries:
                    points = {
                        kind: _points(results, (kind, query, method, novice), measure) for kind in (noise, *strategic)
                    }
                    compared = {kind: points[kind] for kind in strategic if points[kind]}
                    if points[noise] and compared:
                        found += _rows(noise, points[noise], compared, query=query, method=method, novice=novice)
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
    """The names of the advisors behind a kind's label, but for the honest one at the end of its dial."""
    specs = {row.get("advisor") for cell in results.map if cell.kind == kind for arm in cell.arms for row in arm.rows}
    parsed = (json.loads(spec) for spec in specs if spec)
    names = {spec if isinstance(spec, str) else str(spec.get("kind")) for spec in parsed}
    return names - {HONEST}


def _points(
    results: Results, where: tuple[str, tuple[int, str], str, str], measure: str
) -> dict[int, list[tuple[float, float]]]:
    rows = [
        {"advice_loss": None, measure: None, **arm.last, "seed": arm.seed}
        for cell in results.map
        if (cell.kind, cell.query, cell.method, cell.novice) == where
        for arm in cell.arms
        if arm.last is not None
    ]
    return points_by_seed(rows, measure)
