"""`sandwich train-adversary`: B trained, measured beside other bad advisers, and its trade-off drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sandwich_env.experiments.naming import make_expert
from sandwich_env.experiments.plots import COLORS, GREY, MARKERS, new_figure, png
from sandwich_env.files import write_atomically
from sandwich_env.learning.adversary.config import AdversaryConfig
from sandwich_env.learning.adversary.curve import COLUMNS, all_positions, suspicion_of, table_of, trade_off
from sandwich_env.learning.adversary.measure import Adviser, as_dict, measure
from sandwich_env.learning.adversary.train import Report, split, train
from sandwich_env.nets.weights import load_card, load_network, save_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class AdversaryArguments(AdversaryConfig):
    """Trains B, an assistant that loses without looking it; the same command again goes on where it stopped."""

    curve: tuple[float, ...] = ()
    """Weights of suspicion at which a B each is trained on the same positions, for the trade-off."""
    engine: str | None = None
    """An engine that also reckons what the moves lose, as in "stockfish:nodes=1000"."""

    def config(self) -> AdversaryConfig:
        """What training depends on."""
        return AdversaryConfig(**{each.name: getattr(self, each.name) for each in fields(AdversaryConfig)})


def run(given: AdversaryArguments, report: Report) -> tuple[list[Adviser], Path]:
    """Train B, measure it, and write `measured.json`, the card of B, and the trade-off where weights are given.

    Returns:
        The figures of all advisers, and the weights of B.
    """
    config = given.config()
    weights = train(config, report)
    engine = None if given.engine is None else make_expert(given.engine)
    try:
        learnt, held = split(config, all_positions(config, report))
        rows = measure(config, learnt, held, load_network(weights), engine=engine)
        write_atomically(config.out / "measured.json", (json.dumps(as_dict(rows), indent=2) + "\n").encode())
        card = load_card(weights) | {"positions": {"learnt": len(learnt), "held out": len(held)}}
        save_network(load_network(weights), weights, card | {"scores": as_dict(rows)})
        if given.curve:
            points = trade_off(config, given.curve, engine, lambda name: report(name, 0, 1))
            write_atomically(config.out / "trade_off.png", png(draw_trade_off(points)))
    finally:
        if engine is not None:
            engine.close()
    return rows, weights


def draw_trade_off(rows: Sequence[dict[str, Any]]) -> Figure:
    """Damage over suspicion: a curve of Bs by weight, a point for each other adviser."""
    figure, axes = new_figure()
    curve = sorted((row for row in rows if row["weight"] is not None), key=lambda row: row["weight"])
    at = np.array([(suspicion_of(row), row["loss"]["mean"]) for row in curve])
    axes.plot(at[:, 0], at[:, 1], "-", color=COLORS[1], marker="o", label="B, by the weight of suspicion")
    for k, (row, (x, y)) in enumerate(zip(curve, at, strict=True)):
        side = (5, 5) if k % 2 else (5, -14)  # neighbours may lie close to each other
        axes.annotate(f"{row['weight']:g}", (x, y), textcoords="offset points", xytext=side, color=GREY)
    others = [row for row in rows if row["weight"] is None]
    for k, row in enumerate(others):
        x, y = suspicion_of(row), row["loss"]["mean"]
        low, high = row["loss"]["low"], row["loss"]["high"]
        color = COLORS[(k + 2) % len(COLORS)]
        reach = [[max(y - low, 0.0)], [max(high - y, 0.0)]]  # of one game, the interval is the mean, but for rounding
        axes.errorbar([x], [y], reach, fmt=MARKERS[k + 1], color=color, label=row["name"], capsize=3)
    axes.set_xlabel("suspicion in the victim's eyes (mean of seen loss and surprise)")
    axes.set_ylabel("chance of winning given away, by E")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def words(rows: Sequence[Adviser]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table that the command prints: its columns and its rows."""
    return COLUMNS, table_of(rows)
