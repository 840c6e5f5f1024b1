"""A measure against the dial: a panel for each kind and way of asking, a line for each method, controls as bands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

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

NARROW = 0.25
"""By so much of PGR at the least an axis may grow on each side for the intervals, though means lie close together."""

CUT = "an arrowhead at a panel's edge: the interval goes on beyond it"

BANDS = (("#8A8A8A", (0, (4, 2))), ("#3D3D3D", (0, (1, 1))), ("#B5B5B5", "-."))
"""Colour and dash of each control; after the third, colours meet other dashes."""

CONTROL = " (control)"
"""Ends the name of a control in a legend."""

LONGEST = 48
"""Characters of a name in a legend; of a longer one, the middle is left out."""


@dataclass(frozen=True)
class _Bar:
    """An interval that is drawn.

    Attributes:
        at: where on the dial's axis.
        low: its end; NaN where it has none.
        high: the other.
        color: of its method.
    """

    at: float
    low: float
    high: float
    color: str


@dataclass(frozen=True)
class _Look:
    """A method as every panel draws it.

    Attributes:
        name: of the method.
        place: among all methods, from 0.
        of: how many there are.
    """

    name: str
    place: int
    of: int


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
    columns = look.across(len(kinds), ACROSS)
    rows = -(-len(kinds) // columns) * len(queries)
    width = max(6.5, min(look.WIDTH, 2.9 * columns + 0.6))
    figure = look.new_figure(width, 1.5 + 2.15 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    methods = [
        _Look(method, place, len(results.methods))
        for place, method in enumerate(results.methods)
        if _has(results.map, method, measure)
    ]
    named: dict[str, Any] = {}
    controls: list[tuple[str, Any]] = []
    bars: dict[Axes, list[_Bar]] = {}
    for place, kind in enumerate(kinds):
        for line, query in enumerate(queries):
            axes = grid[place // columns * len(queries) + line, place % columns]
            places = _dial_axis(axes, results, kind)
            controls = _controls(axes, results, measure)
            cells = [cell for cell in held if (cell.kind, cell.query) == (kind, query)]
            bars[axes] = []
            for method in methods:
                intervals, handle = _line(axes, cells, method, places, measure)
                bars[axes] += intervals
                if intervals or method.name not in named:
                    named[method.name] = handle
            name = f"{kind.replace('_', ' ')}, {look.query_text(query)}"
            axes.set_title(look.name_text(name, (width - 0.6) / columns), fontsize=9)
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    for axes in grid.ravel():
        if axes not in bars:
            axes.set_axis_off()
    label = _heights(list(bars), results, measure, bars.values(), level) or label
    for axes in grid[:, 0]:
        axes.set_ylabel(label)
    legend_below(figure, [*((method.name, named[method.name]) for method in methods), *controls])
    cut = [_mark_cut(axes, drawn) for axes, drawn in bars.items()]
    look.heading(figure, title, _notes(results, measure, cut=any(cut)))
    return figure


def _heights(
    panels: Sequence[Axes], results: Results, measure: str, bars: Iterable[Sequence[_Bar]], level: float | None
) -> str:
    """Set the limits that the panels share, and draw the heights that a reader compares with.

    Returns:
        What to call an axis of PGR; empty where it is of something else.
    """
    ends = [end for drawn in bars for bar in drawn for end in (bar.low, bar.high)]
    # Of the controls every seed is shown, and so must be inside.
    seen = _means(results, measure) + [value for cell in results.controls for value in cell.values(measure)]
    if level is None:
        return pgr_axis(seen, panels, ends)
    if seen:
        _fit(panels[0], [*seen, level], ends)
    for axes in panels:
        axes.axhline(level, color=GREY, linewidth=0.9)
    return ""


def legend_below(figure: Figure, named: Sequence[tuple[str, Any]]) -> None:
    """One legend for all panels, in as many lines as it needs.

    Args:
        figure: to which it belongs.
        named: names and what each stands for; of two alike, both are shown.
    """
    if not named:
        return
    names, handles = zip(*named, strict=True)
    shown = [name if len(name) <= LONGEST else f"{name[:30]}\N{HORIZONTAL ELLIPSIS}{name[-17:]}" for name in names]
    fits = int((figure.get_size_inches()[0] - 0.4) / (0.62 + 0.072 * max(len(name) for name in shown)))
    legend = figure.legend(
        handles, ["name"] * len(named), loc="outside lower center",
        ncols=max(1, min(len(named), fits)), frameon=False,
    )  # fmt: skip
    # Written afterwards: what begins with "_" matplotlib would leave out.
    for text, name in zip(legend.get_texts(), shown, strict=True):
        text.set_text(name)


def pgr_axis(values: Iterable[float], panels: Sequence[Axes], ends: Iterable[float] = ()) -> str:
    """Set the limits of an axis of PGR that panels share, and the lines at H's start and at E.

    Args:
        values: what must be inside.
        panels: those that show something; they share their height.
        ends: of intervals; those far out may be outside.

    Returns:
        What to call the axis.
    """
    axes, inside = panels[0], [0.0, *values]
    name = "PGR"
    if min(inside) < -BEYOND or max(inside) > BEYOND:
        name = "PGR (log beyond \N{PLUS-MINUS SIGN}1)"
        inside.append(1.0)
        axes.set_yscale("symlog", linthresh=1, linscale=1.2)
        ticks = _log_ticks(max(map(abs, inside)))
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
    _fit(axes, inside, ends)
    for one in panels:
        one.axhline(0, color=GREY, linewidth=0.9, zorder=0)
        one.axhline(1, color=GREY, linewidth=0.9, zorder=0)
    return name


def _log_ticks(reach: float) -> list[float]:
    """Ticks of an axis that is logarithmic beyond 1 and -1: the farther it reaches, the fewer in a decade have room."""
    steps = (1.0, 2.0, 5.0) if reach < 3 else (1.0, 3.0) if reach < 30 else (1.0,)
    above = [0.5, *(step * 10.0**decade for decade in range(math.ceil(math.log10(reach)) + 2) for step in steps)]
    return [-tick for tick in reversed(above)] + [0.0, *above]


def _fit(axes: Axes, inside: Sequence[float], ends: Iterable[float]) -> None:
    """Set the limits of a panel's height, by its scale.

    Args:
        axes: the panel.
        inside: what must be inside.
        ends: what may be: as far as `inside` keeps about half of the height.
    """
    scale = axes.yaxis.get_transform()
    low, high = (float(end) for end in scale.transform(np.array([min(inside), max(inside)])))
    more = max((high - low) / 2, NARROW)
    found = scale.transform(np.array([end for end in ends if math.isfinite(end)], dtype=np.float64))
    all_ = [low, high, *np.clip(found, low - more, high + more)]
    room = 0.04 * (max(all_) - min(all_)) + 0.03
    bottom, top = scale.inverted().transform(np.array([min(all_) - room, max(all_) + room]))
    axes.set_ylim(float(bottom), float(top))


def _mark_cut(axes: Axes, bars: Iterable[_Bar]) -> bool:
    """Put an arrowhead at the edge where an interval goes on beyond it; returns whether any does."""
    from matplotlib.markers import CARETDOWN, CARETUP

    bottom, top = axes.get_ylim()
    cut = [(bar, 0, CARETDOWN) for bar in bars if bar.low < bottom]
    cut += [(bar, 1, CARETUP) for bar in bars if bar.high > top]
    for bar, edge, marker in cut:
        axes.plot(
            [bar.at], [edge], transform=axes.get_xaxis_transform(), marker=marker, markersize=5.5, linestyle="none",
            color=bar.color, markeredgewidth=0, clip_on=False, zorder=4,
        )  # fmt: skip
    return bool(cut)


def _has(cells: Iterable[Cell], method: str, measure: str) -> bool:
    return any(cell.method == method and cell.values(measure) for cell in cells)


def _means(results: Results, measure: str) -> list[float]:
    found = (cell.estimate(measure) for cell in results.cells)
    return [estimate.value for estimate in found if estimate is not None]


def _dial_axis(axes: Axes, results: Results, kind: str) -> dict[float, float]:
    """Set the axis of a kind's dial; returns where each value of it is drawn."""
    dials = [dial for _, dial in results.dials(kind)]
    # A dial may be infinite ("lie every so many questions": never), which has no place on an axis but a rank.
    endless = not all(math.isfinite(dial) for dial in dials)
    span = max(dials) - min(dials)
    crowded = endless or any(after - before < CROWDED * span for before, after in pairwise(sorted(dials)))
    places = {dial: float(at) if crowded else dial for at, dial in enumerate(dials)}
    axes.set_xticks(list(places.values()), [look.dial_text(dial) for dial in dials])
    name = next(cell.dial_name for cell in results.map if cell.kind == kind)
    axes.set_xlabel(name or "", labelpad=1)
    return places


def _line(
    axes: Axes,
    cells: Sequence[Cell],
    method: _Look,
    places: Mapping[float, float],
    measure: str,
) -> tuple[list[_Bar], Any]:
    """Draw a method's line.

    Args:
        axes: the panel.
        cells: of the panel, of all methods.
        method: whose line.
        places: where each value of the dial is drawn.
        measure: a column.

    Returns:
        The intervals that were drawn, and what can stand for the method in the legend; None where nothing was drawn.
    """
    step = min((abs(a - b) for a in places.values() for b in places.values() if a != b), default=1.0)
    # Moved apart a little, so that the bars of two methods do not cover each other; many methods keep to their dial.
    apart = min(0.045, 0.8 / method.of) * step * (method.place - (method.of - 1) / 2)
    mine = sorted((cell for cell in cells if cell.method == method.name), key=lambda cell: places[cell.dial])
    shown = [
        (places[cell.dial] + apart, cell, estimate) for cell in mine if (estimate := cell.estimate(measure)) is not None
    ]
    if not shown:
        return [], None
    style = look.style(method.place)
    own = [(at, estimate) for at, cell, estimate in shown if not cell.unheeded]
    hollow = [(at, estimate) for at, cell, estimate in shown if cell.unheeded]
    drawn: Any = None
    if own:
        own_at, own_means = [at for at, _ in own], [estimate.value for _, estimate in own]
        estimates = [estimate for _, estimate in own]
        drawn = axes.errorbar(
            own_at, own_means, yerr=_bars(estimates, [estimate.count > 1 for estimate in estimates]), linewidth=1.5,
            markersize=4.5, elinewidth=0.7, capsize=1.5, **style,
        )  # fmt: skip
        if any(estimate.count == 1 for estimate in estimates):
            thin = axes.errorbar(
                own_at, own_means, yerr=_bars(estimates, [estimate.count == 1 for estimate in estimates]), fmt="none",
                ecolor=style["color"], elinewidth=0.5, capsize=0,
            )  # fmt: skip
            for dashed in thin.lines[2]:
                dashed.set_linestyle((0, (2, 2)))
    if hollow:
        axes.plot(
            [at for at, *_ in shown], [estimate.value for *_, estimate in shown], color=style["color"], linewidth=0.5,
            alpha=0.6, zorder=1,
        )  # fmt: skip
        (marks,) = axes.plot(
            [at for at, _ in hollow], [estimate.value for _, estimate in hollow], linestyle="none", markersize=4.5,
            marker=style["marker"], markerfacecolor="white", markeredgecolor=style["color"], zorder=3,
        )  # fmt: skip
        drawn = drawn or marks
    bars = [_Bar(at, estimate.interval.low, estimate.interval.high, style["color"]) for at, estimate in own]
    return bars, drawn


def _bars(estimates: Sequence[Estimate], wanted: Sequence[bool]) -> list[list[float]]:
    """How far bars reach below and above the means; NaN, which draws nothing, where none is wanted."""
    below, above = [], []
    for estimate, is_wanted in zip(estimates, wanted, strict=True):
        low, high = estimate.interval.low, estimate.interval.high
        below.append(max(estimate.value - low, 0.0) if is_wanted else math.nan)
        above.append(max(high - estimate.value, 0.0) if is_wanted else math.nan)
    return [below, above]


def _notes(results: Results, measure: str, *, cut: bool) -> str:
    """What bars, arrowheads, hollow marks and bands are, as far as there are any."""
    drawn = [cell for cell in results.map if cell.values(measure)]
    counts = [len(cell.values(measure)) for cell in drawn if not cell.unheeded]
    notes = []
    if any(count > 1 for count in counts):
        notes.append(f"bars: {look.spread_text(counts)}")
    if 1 in counts:
        notes.append(f"dashed bars: {look.OF_ONE}, that say nothing of another seed")
    if cut:
        notes.append(CUT)
    if any(cell.unheeded for cell in drawn):
        notes.append(f"hollow, without bars: {look.BORROWED_MEANS}")
    if any(cell.values(measure) for cell in results.controls):
        notes.append("grey: the controls, from the lowest of their seeds to the highest")
    return "; ".join(notes)


def _controls(axes: Axes, results: Results, measure: str) -> list[tuple[str, Any]]:
    """A line for each control's mean, and a band from its lowest seed to its highest.

    Returns:
        What the legend calls each line, and the line.
    """
    named: list[tuple[str, Any]] = []
    for place, cell in enumerate(results.controls):
        values = cell.values(measure)
        if values:
            color = BANDS[place % len(BANDS)][0]
            dash = BANDS[(place + place // len(BANDS)) % len(BANDS)][1]
            axes.axhspan(min(values), max(values), color=color, alpha=0.22, linewidth=0, zorder=0)
            mean = sum(values) / len(values)
            line = axes.axhline(mean, color=color, linestyle=dash, linewidth=1.2, zorder=1)
            named.append((cell.method + CONTROL, line))
    return named
