"""The trade-off of B: damage and suspicion as the weight of suspicion varies, as figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.files import write_atomically
from sandwich_env.learning.adversary.config import AdversaryConfig
from sandwich_env.learning.adversary.measure import Adviser, as_dict, measure
from sandwich_env.learning.adversary.objective import Weights
from sandwich_env.learning.adversary.tables import MoveTable, join
from sandwich_env.learning.adversary.train import Report, fit_adversary, positions, split
from sandwich_env.nets.weights import load_network, save_network


def all_positions(config: AdversaryConfig, report: Report = lambda name, done, total: None) -> MoveTable:
    """The judged positions of all rounds of a run."""
    starts: list[str | Path] = [config.expert]
    starts += [config.out / f"round_{number}" / "b.safetensors" for number in range(1, config.rounds)]
    return join([positions(config, k + 1, start, report) for k, start in enumerate(starts)])


def trade_off(
    config: AdversaryConfig,
    weights: Sequence[float],
    engine: Expert | None = None,
    report: Callable[[str], None] = lambda name: None,
) -> list[dict[str, Any]]:
    """Train one B for each weight on the positions of a run, and measure all of them on the same held-out ones.

    Returns:
        A row for each adviser and weight, as in `measure`, with `weight` (None for those that have none).
    """
    learnt, held = split(config, all_positions(config))
    rows: list[dict[str, Any]] = []
    for weight in weights:
        folder = config.out / f"weight_{weight:g}"
        network, detector = load_network(config.expert), load_network(config.victims[0])
        report(f"weight {weight:g}: training")
        fit_adversary(
            network,
            detector,
            learnt,
            replace(config, weight=weight),
            Weights(weight, config.detector_weight, config.entropy),
            league=len(config.victims),
            folder=folder,
        )
        save_network(network, folder / "b.safetensors")
        report(f"weight {weight:g}: measuring")
        found = measure(config, learnt, held, network, engine=engine)
        rows += [
            {**dict(row), "weight": weight if row["name"] == "B" else None}
            for row in as_dict(found)
            if row["name"] == "B" or not rows
        ]
    write_atomically(config.out / "trade_off.json", (json.dumps(rows, indent=2) + "\n").encode())
    return rows


def table_of(rows: Sequence[Adviser]) -> list[tuple[str, ...]]:
    """The figures as words, a row for each adviser."""
    return [
        (
            row.name,
            f"{row.loss.mean:.3f}",
            "-" if row.engine_loss is None else f"{row.engine_loss.mean:.3f}",
            f"{row.seen_loss.mean:.3f}",
            f"{row.surprise.mean:.2f}",
            f"{row.victim_auroc:.2f}",
            f"{row.detector_auroc:.2f}",
            f"{row.obvious.mean:.0%}",
        )
        for row in rows
    ]


COLUMNS = ("adviser", "loss", "engine loss", "seen loss", "surprise", "victim AUROC", "detector AUROC", "obvious")


def suspicion_of(row: dict[str, Any]) -> float:
    """How suspicious an adviser's moves look to the victim: the mean of seen loss and surprise."""
    return float(np.mean([row["seen_loss"]["mean"], row["surprise"]["mean"]]))
