"""Plots of runs as PNG files.

Every run has a colour, a marker and a dash of its own, so that print without colour will do.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandwich_env.errors import MissingExtraError
from sandwich_env.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette (2008, "Color Universal Design", https://jfly.uni-koeln.de/color/), the yellow left out."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
DPI = 150
GREY = "#595959"
SHIFT = 0.05
"""How far the runs' points are moved apart in a round, so that their intervals do not cover each other."""


@dataclass(frozen=True)
class Series:
    """A run as the plots need it: its name and the metrics of its rounds."""

    name: str
    rows: Sequence[dict[str, Any]]


def draw_all(runs: Sequence[Series], folder: Path) -> list[Path]:
    """Draw every plot that the runs have the numbers for; returns the files.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: a file could not be written.
    """
    drawings = {
        "arms": draw_arms(runs) if len(runs) > 1 else None,
        "pgr": draw_pgr(runs),
        "strength": draw_strength(runs),
        "knowledge": draw_knowledge(runs),
        "advice": draw_advice(runs),
    }
    paths = []
    for name, figure in drawings.items():
        if figure is not None:
            paths.append(folder / f"{name}.png")
            write_atomically(paths[-1], png(figure))
    return paths


def draw_strength(runs: Sequence[Series]) -> Figure:
    """Elo of H above its start by round, E and A beside it."""
    figure, axes = new_figure()
    _by_round(axes, runs, "elo")
    axes.axhline(0, color=GREY, linewidth=1)
    experts = [row["elo_expert"] for run in runs for row in run.rows[-1:] if row["elo_expert"] is not None]
    if experts:
        _level(axes, sum(experts) / len(experts), "E")
    _level(axes, 0, "H at the start")
    if len(runs) == 1 and runs[0].rows and runs[0].rows[-1]["elo_advisor"] is not None:
        _level(axes, runs[0].rows[-1]["elo_advisor"], "A")
    axes.set_ylabel("Elo above H before it learnt")
    axes.set_title("Strength of H, without advice")
    _legend(axes, runs)
    return figure


def draw_pgr(runs: Sequence[Series]) -> Figure:
    """PGR by round."""
    figure, axes = new_figure()
    _by_round(axes, runs, "pgr")
    _level(axes, 1, "E")
    _level(axes, 0, "H at the start")
    axes.set_ylabel("PGR")
    axes.set_title("Performance gap recovered")
    if all(row["pgr"] is None for run in runs for row in run.rows):
        axes.text(0.5, 0.5, "refused: the gap from H to E is too small", ha="center", transform=axes.transAxes)
    _legend(axes, runs)
    return figure


def draw_knowledge(runs: Sequence[Series]) -> Figure:
    """Puzzles solved and agreement with E, by round."""
    figure, (left, right) = new_figure(columns=2)
    for axes, column, title in ((left, "puzzles", "Puzzles solved"), (right, "agreement", "Same best move as E")):
        _by_round(axes, runs, column)
        axes.yaxis.set_major_formatter(percent())
        axes.set_title(title)
    _legend(left, runs)
    return figure


def draw_advice(runs: Sequence[Series]) -> Figure | None:
    """How often A's move was E's, and how often H followed it; None where nobody asked."""
    asked = [run for run in runs if any(row["advice_honest"] is not None for row in run.rows)]
    if not asked:
        return None
    figure, (left, right) = new_figure(columns=2)
    for axes, column, title in (
        (left, "advice_honest", "Moves advised that E would have advised"),
        (right, "followed", "Moves advised that H played"),
    ):
        _by_round(axes, asked, column, among=runs)
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(percent())
        axes.set_title(title, fontsize=11)
    _legend(left, asked, among=runs)
    return figure


def draw_arms(runs: Sequence[Series]) -> Figure:
    """PGR of each run after its last round, with its interval."""
    figure, axes = new_figure(height=1.2 + 0.5 * len(runs))
    for place, run in enumerate(runs):
        row = run.rows[-1]
        if row["pgr"] is None:
            axes.text(0, place, "refused: gap too small", va="center")
            continue
        axes.errorbar(
            row["pgr"], place, xerr=[[part] for part in _reach(row, "pgr")], fmt=MARKERS[place % len(MARKERS)],
            color=COLORS[place % len(COLORS)], markersize=8, capsize=4, linewidth=2,
        )  # fmt: skip
        axes.annotate(
            f"{row['pgr']:.2f}", (row["pgr"], place), (0, 8), textcoords="offset points", ha="center", fontsize=10
        )
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(runs)), [run.name for run in runs])
    axes.set_ylim(len(runs) - 0.4, -0.7)
    axes.set_xlabel("PGR after the last round (0: H before it learnt, 1: E), 95 % intervals")
    axes.grid(axis="y", visible=False)
    return figure


def _by_round(axes: Axes, runs: Sequence[Series], column: str, among: Sequence[Series] | None = None) -> None:
    every = list(among or runs)
    for run in runs:
        style = every.index(run)
        rows = [row for row in run.rows if row[column] is not None]
        if not rows:
            continue
        at = [row["round"] + SHIFT * (style - (len(every) - 1) / 2) for row in rows]
        reach = [_reach(row, column) for row in rows]
        axes.errorbar(
            at, [row[column] for row in rows], yerr=list(zip(*reach, strict=True)), label=run.name, capsize=3,
            color=COLORS[style % len(COLORS)], marker=MARKERS[style % len(MARKERS)],
            linestyle=DASHES[style % len(DASHES)], linewidth=1.8, markersize=6, elinewidth=1.2,
        )  # fmt: skip
    axes.set_xlabel("round")
    axes.locator_params(axis="x", integer=True)


def _reach(row: dict[str, Any], column: str) -> tuple[float, float]:
    """How far the interval reaches below and above the value; 0 where there is none."""
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    below = 0.0 if low is None else row[column] - low
    above = 0.0 if high is None else high - row[column]
    return max(below, 0.0), max(above, 0.0)


def _level(axes: Axes, height: float, name: str) -> None:
    axes.axhline(height, color=GREY, linewidth=1, linestyle="--")
    place = axes.get_yaxis_transform()
    axes.annotate(name, (1, height), (4, 0), xycoords=place, textcoords="offset points", va="center", color=GREY)


def _legend(axes: Axes, runs: Sequence[Series], among: Sequence[Series] | None = None) -> None:
    if len(among or runs) > 1 and axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9, framealpha=0.9)


def percent() -> Any:
    """Ticks of an axis of shares, in percent."""
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0)


def new_figure(columns: int = 1, height: float = 4.2) -> tuple[Figure, Any]:
    """A figure that no window and no global state knows of."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from error
    figure = Figure(figsize=(7.0 if columns == 1 else 10.0, height), layout="constrained")
    axes = figure.subplots(1, columns)
    for one in [axes] if columns == 1 else list(axes):
        one.grid(alpha=0.3)
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
