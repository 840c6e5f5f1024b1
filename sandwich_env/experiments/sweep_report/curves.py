"""A measure against the dial: a panel for each kind and way of asking, a line for each method, controls as bands."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sandwich_env.evaluation.intervals import Estimate
from sandwich_env.experiments.plots import GREY
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import Cell
from sandwich_env.experiments.sweep_report.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 5
"""How many kinds stand side by side; more go on below."""

BEYOND = 1.25
"""From here on the axis of PGR is logarithmic beyond 1 and -1, so that one disaster does not flatten all else."""

CROWDED = 0.09
"""Dials nearer to each other than this share of their range are drawn evenly spaced."""

BANDS = (("#8A8A8A", (0, (4, 2))), ("#3D3D3D", (0, (1, 1))), ("#B5B5B5", "-."))
"""Colour and dash of each control."""


CONTROL = " (control)"
"""Ends the name of a control in a legend."""


LONGEST = 48
"""Characters of a name in a legend; a longer one is cut."""


def draw_curves(results: Results, measure: str, title: str, label: str = "", *, level: float | None = None) -> Figure:
    """Lines of one measure, of one H.

    Args:
        results: of the sweep.
        measure: a column.
        title: above the figure.
        label: of the measure's axis, where that is not PGR's.
        level: a height that a reader compares with, drawn across; without it the axis is PGR's.
    """
    # A kind that no method heeds, or a way of asking that was never scored, has no panel: it would be empty.
    held = [cell for cell in results.map if cell.values(measure)] or results.map
    kinds = [kind for kind in results.kinds if any(cell.kind == kind for cell in held)]
    queries = [query for query in results.queries if any(cell.query == query for cell in held)]
    columns = min(len(kinds), ACROSS)
    rows = -(-len(kinds) // columns) * len(queries)
    width = max(6.5, min(look.WIDTH, 2.9 * columns + 0.6))
    figure = look.new_figure(width, 1.5 + 2.15 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    drawn = [method for method in results.methods if _has(results.map, method, measure)]
    for place, kind in enumerate(kinds):
        for line, query in enumerate(queries):
            axes = grid[place // columns * len(queries) + line, place % columns]
            places = _dial_axis(axes, results, kind)
            _controls(axes, results, measure)
            for method in drawn:
                cells = [cell for cell in results.map if (cell.kind, cell.query, cell.method) == (kind, query, method)]
                _line(axes, cells, places, measure, place=results.methods.index(method), of=len(results.methods))
            name = f"{kind.replace('_', ' ')}, {look.query_text(query)}"
            axes.set_title(look.name_text(name, (width - 0.6) / columns), fontsize=9)
            if level is not None:
                axes.axhline(level, color=GREY, linewidth=0.9)
    for axes in grid.ravel()[: rows * columns]:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    _hide_empty(grid, len(kinds), len(queries), columns)
    means = _means(results, measure)
    if level is None:
        label = pgr_axis(means, grid.ravel())
    elif means:
        grid[0, 0].set_ylim(min(*means, level) - 0.05, max(*means, level) + 0.05)
    for axes in grid[:, 0]:
        axes.set_ylabel(label)
    legend_below(figure, grid.ravel())
    notes = _bars_text(results, measure)
    if any(cell.values(measure) for cell in results.controls):
        notes = "; ".join(
            note for note in (notes, "grey: the controls, from the lowest of their seeds to the highest") if note
        )
    look.heading(figure, title, notes)
    return figure


def legend_below(figure: Figure, panels: Iterable[Axes]) -> None:
    """One legend for all panels, in as many lines as it needs, controls last."""
    named: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    if not named:
        return
    names = sorted(named, key=lambda name: name.endswith(CONTROL))
    shown = [textwrap.shorten(name, LONGEST, placeholder="\N{HORIZONTAL ELLIPSIS}") for name in names]
    fits = int((figure.get_size_inches()[0] - 0.4) / (0.62 + 0.072 * max(len(name) for name in shown)))
    figure.legend(
        [named[name] for name in names], shown, loc="outside lower center", ncols=max(1, min(len(names), fits)),
        frameon=False,
    )  # fmt: skip


def pgr_axis(means: Iterable[float], panels: Any) -> str:
    """Set the limits of an axis of PGR that panels share, and the lines at H's start and at E.

    Every mean is inside; an interval may run out of the panel.

    Args:
        means: what must be inside.
        panels: an array of axes that share their height.

    Returns:
        What to call the axis.
    """
    axes, values = panels[0], [0.0, *means]
    low, high = min(values), max(values)
    name = "PGR"
    if low < -BEYOND or high > BEYOND:
        name = "PGR (log beyond \N{PLUS-MINUS SIGN}1)"
        axes.set_yscale("symlog", linthresh=1, linscale=1.2)
        ticks = [-10.0, -5.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        ends = min(low - 0.15, -0.15), max(high + 0.15, 1.15)
        axes.set_ylim(*(end * 1.25 if abs(end) > 1 else end for end in ends))
    else:
        room = 0.08 * (high - low) + 0.04
        axes.set_ylim(low - room, high + room)
    for one in panels:
        one.axhline(0, color=GREY, linewidth=0.9, zorder=0)
        one.axhline(1, color=GREY, linewidth=0.9, zorder=0)
    return name


def _has(cells: Iterable[Cell], method: str, measure: str) -> bool:
    return any(cell.method == method and cell.values(measure) for cell in cells)


def _means(results: Results, measure: str) -> list[float]:
    found = (cell.estimate(measure) for cell in results.cells)
    return [estimate.value for estimate in found if estimate is not None]


def _dial_axis(axes: Axes, results: Results, kind: str) -> dict[float, float]:
    """Set the axis of a kind's dial; returns where each value of it is drawn."""
    dials = [dial for _, dial in results.dials(kind)]
    span = max(dials) - min(dials)
    ordered = sorted(dials)
    crowded = any(after - before < CROWDED * span for before, after in pairwise(ordered))
    places = {dial: float(at) if crowded else dial for at, dial in enumerate(dials)}
    axes.set_xticks(list(places.values()), [look.dial_text(dial) for dial in dials])
    name = next(cell.dial_name for cell in results.map if cell.kind == kind)
    axes.set_xlabel(name or "", labelpad=1)
    return places


def _line(axes: Axes, cells: Sequence[Cell], places: dict[float, float], measure: str, *, place: int, of: int) -> None:
    at, means, shown = [], [], []
    step = min((abs(a - b) for a in places.values() for b in places.values() if a != b), default=1.0)
    for cell in sorted(cells, key=lambda cell: places[cell.dial]):
        estimate = cell.estimate(measure)
        if estimate is None:
            continue
        # Moved apart a little, so that the bars of two methods do not cover each other.
        at.append(places[cell.dial] + 0.045 * step * (place - (of - 1) / 2))
        means.append(estimate.value)
        shown.append((cell, estimate))
    if not at:
        return
    style = look.style(place)
    own = [index for index, (cell, _) in enumerate(shown) if not cell.unheeded]
    hollow = [index for index, (cell, _) in enumerate(shown) if cell.unheeded]
    estimates = [shown[index][1] for index in own]
    own_at, own_means = [at[index] for index in own], [means[index] for index in own]
    if own:
        axes.errorbar(
            own_at, own_means, yerr=_bars(estimates, [estimate.count > 1 for estimate in estimates]), linewidth=1.5,
            label=cells[0].method, markersize=4.5, elinewidth=0.7, capsize=1.5, **style,
        )  # fmt: skip
    if any(estimate.count == 1 for estimate in estimates):
        thin = axes.errorbar(
            own_at, own_means, yerr=_bars(estimates, [estimate.count == 1 for estimate in estimates]), fmt="none",
            ecolor=style["color"], elinewidth=0.5, capsize=0,
        )  # fmt: skip
        for bars in thin.lines[2]:
            bars.set_linestyle((0, (2, 2)))
    if hollow:
        axes.plot(at, means, color=style["color"], linewidth=0.5, alpha=0.6, zorder=1)
        axes.plot(
            [at[index] for index in hollow], [means[index] for index in hollow], linestyle="none", markersize=4.5,
            marker=style["marker"], markerfacecolor="white", markeredgecolor=style["color"], zorder=3,
            label=None if own else cells[0].method,
        )  # fmt: skip


def _bars(estimates: Sequence[Estimate], wanted: Sequence[bool]) -> list[list[float]]:
    """How far bars reach below and above the means; NaN, which draws nothing, where none is wanted."""
    below, above = [], []
    for estimate, is_wanted in zip(estimates, wanted, strict=True):
        low, high = estimate.interval.low, estimate.interval.high
        below.append(max(estimate.value - low, 0.0) if is_wanted else math.nan)
        above.append(max(high - estimate.value, 0.0) if is_wanted else math.nan)
    return [below, above]


def _bars_text(results: Results, measure: str) -> str:
    """What bars and hollow marks are, as far as there are any."""
    drawn = [cell for cell in results.map if cell.values(measure)]
    counts = [len(cell.values(measure)) for cell in drawn if not cell.unheeded]
    notes = []
    if any(count > 1 for count in counts):
        notes.append(f"bars: {look.spread_text(counts)}")
    if 1 in counts:
        notes.append(f"dashed bars: {look.OF_ONE}, that say nothing of another seed")
    if any(cell.unheeded for cell in drawn):
        notes.append(f"hollow, without bars: {look.BORROWED_MEANS}")
    return "; ".join(notes)


def _controls(axes: Axes, results: Results, measure: str) -> None:
    """A line for each control's mean, and a band from its lowest seed to its highest."""
    for place, cell in enumerate(results.controls):
        values = cell.values(measure)
        if values:
            color, dash = BANDS[place % len(BANDS)]
            axes.axhspan(min(values), max(values), color=color, alpha=0.22, linewidth=0, zorder=0)
            mean = sum(values) / len(values)
            axes.axhline(mean, color=color, linestyle=dash, linewidth=1.2, zorder=1, label=cell.method + CONTROL)


def _hide_empty(grid: Any, kinds: int, queries: int, columns: int) -> None:
    for place in range(kinds, -(-kinds // columns) * columns):
        for line in range(queries):
            grid[place // columns * queries + line][place % columns].set_axis_off()
