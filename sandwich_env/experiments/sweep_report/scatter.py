"""Points, one for each arm: what the advice was worth against what H made of it, and whom H followed.

A panel for each method and way of asking: points of different ways lie on each other, and a shade or a hollow mark
would be lost among them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandwich_env.experiments.plots import GREY, percent
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import HONEST, Arm, Cell
from sandwich_env.experiments.sweep_report.curves import legend_below, pgr_axis
from sandwich_env.experiments.sweep_report.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 5
"""How many panels stand side by side at the most; more methods go on below."""


@dataclass(frozen=True)
class _Point:
    x: float
    y: float
    kind: str
    method: str
    query: tuple[int, str]


def arms_once(results: Results) -> Iterator[tuple[str, Cell, Arm]]:
    """Every arm of the map once, with its kind ("honest" where its A is, whatever it stands for) and its first cell."""
    found: dict[str, Cell] = {}
    for cell in results.map:
        for arm in cell.arms:
            found.setdefault(arm.name, cell)
    for name, cell in found.items():
        arm = results.arms[name]
        yield HONEST if arm.honest else cell.kind, cell, arm


def draw_advice_quality(results: Results, measure: str, title: str) -> Figure:
    """What the advised moves lost, against PGR: a panel for each method and way of asking."""
    return _panels(
        results, "advice_loss", measure, title, labels=("mean loss of win probability by advised moves", None)
    )


def draw_reliance(results: Results, title: str) -> Figure:
    """How often H followed right and wrong moves: a panel for each method and way of asking."""
    figure = _panels(
        results, "followed_right", "followed_wrong", title, labels=("right moves followed", "wrong moves followed")
    )
    for axes in figure.axes:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, zorder=0)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.xaxis.set_major_formatter(percent())
        axes.yaxis.set_major_formatter(percent())
    return figure


def _panels(results: Results, across: str, up: str, title: str, *, labels: tuple[str, str | None]) -> Figure:
    points = list(_points(results, across, up))
    methods = [method for method in results.methods if any(point.method == method for point in points)]
    queries = [query for query in results.queries if any(point.query == query for point in points)]
    columns = look.across(len(methods), ACROSS)
    rows = -(-len(methods) // columns) * len(queries)
    width = max(5.5, min(look.WIDTH, 3.6 * columns))
    figure = look.new_figure(width, 1.3 + 2.5 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    used: list[Axes] = []
    named: dict[str, Any] = {}
    for place, method in enumerate(methods):
        for line, query in enumerate(queries):
            axes = grid[place // columns * len(queries) + line, place % columns]
            used.append(axes)
            mine = [point for point in points if (point.method, point.query) == (method, query)]
            named |= _scatter(axes, mine, results.kinds)
            name = f"{method}, {look.query_text(query)}" if len(queries) > 1 else method
            axes.set_title(look.name_text(name, (width - 0.8) / columns))
    for axes in grid.ravel():
        if axes not in used:
            axes.remove()
    for axes in look.last_of_columns(grid, used):
        axes.set_xlabel(textwrap.fill(labels[0], int((width - 0.8) / columns * look.SMALL_CHARACTERS)))
        axes.tick_params(labelbottom=True)
    up_label = pgr_axis([point.y for point in points], used) if labels[1] is None else labels[1]
    for axes in grid[:, 0]:
        axes.set_ylabel(up_label)
    order = dict.fromkeys((*results.kinds, HONEST))
    legend_below(figure, [(kind.replace("_", " "), named[kind]) for kind in order if kind in named])
    look.heading(figure, title)
    return figure


def _points(results: Results, across: str, up: str) -> Iterator[_Point]:
    for kind, cell, arm in arms_once(results):
        x, y = arm.value(across), arm.value(up)
        if x is not None and y is not None:
            yield _Point(x, y, kind, cell.method, cell.query)


def _scatter(axes: Axes, points: Sequence[_Point], kinds: Sequence[str]) -> dict[str, Any]:
    """Draw a panel's points; returns what stands for each kind in the legend."""
    named: dict[str, Any] = {}
    for place, kind in enumerate(dict.fromkeys((*kinds, HONEST))):
        mine = [point for point in points if point.kind == kind]
        if mine:
            style = {"color": GREY, "marker": "*"} if kind == HONEST else look.style(place)
            named[kind] = axes.scatter(
                [point.x for point in mine], [point.y for point in mine], color=style["color"], marker=style["marker"],
                s=54 if kind == HONEST else 28, alpha=0.8, linewidths=0.4, edgecolors="white",
                label=kind.replace("_", " "),
            )  # fmt: skip
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return named
