"""Points, one for each arm: what the advice was worth against what H made of it, and whom H followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandwich_env.experiments.plots import COLORS, GREY, MARKERS, percent
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import HONEST, Arm
from sandwich_env.experiments.sweep_report.curves import legend_below, pgr_axis
from sandwich_env.experiments.sweep_report.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3
"""How many panels stand side by side."""


def arms_once(results: Results) -> Iterator[tuple[str, str, Arm]]:
    """Every arm of the map once, with its kind ("honest" where its A is, whatever it stands for) and its method."""
    found: dict[str, tuple[str, str]] = {}
    for cell in results.map:
        for arm in cell.arms:
            found.setdefault(arm.name, (cell.kind, cell.method))
    for name, (kind, method) in found.items():
        arm = results.arms[name]
        yield HONEST if arm.honest else kind, method, arm


def draw_advice_quality(results: Results, measure: str, title: str) -> Figure:
    """What the advised moves lost, against PGR: a panel for each method, a colour for each kind."""
    return _panels(
        results, "advice_loss", measure, title, labels=("mean loss of win probability by advised moves", None)
    )


def draw_reliance(results: Results, title: str) -> Figure:
    """How often H followed right and wrong moves: a panel for each method, a colour for each kind."""
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
    methods = [method for method in results.methods if any(of == method for *_, of in _points(results, across, up))]
    columns = min(len(methods), ACROSS)
    rows = -(-len(methods) // columns)
    figure = look.new_figure(max(5.5, min(look.WIDTH, 3.6 * columns)), 1.3 + 2.7 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = grid.ravel()
    for place, method in enumerate(methods):
        _scatter(panels[place], results, method, across, up)
        panels[place].set_title(look.name_text(method, 3.2))
        if place + columns >= len(methods):
            panels[place].set_xlabel(labels[0])
            panels[place].tick_params(labelbottom=True)
    for axes in panels[len(methods) :]:
        axes.remove()
    up_label = labels[1]
    if up_label is None:
        up_label = pgr_axis([y for _, y, _, _ in _points(results, across, up)], panels[: len(methods)])
    for place in range(0, len(methods), columns):
        panels[place].set_ylabel(up_label)
    legend_below(figure, panels[: len(methods)])
    look.heading(figure, title)
    return figure


def _points(results: Results, across: str, up: str) -> Iterator[tuple[float, float, str, str]]:
    for kind, method, arm in arms_once(results):
        x, y = arm.value(across), arm.value(up)
        if x is not None and y is not None:
            yield x, y, kind, method


def _scatter(axes: Axes, results: Results, method: str, across: str, up: str) -> None:
    names = [*results.kinds, HONEST]
    for place, kind in enumerate(names):
        points = [(x, y) for x, y, of, by in _points(results, across, up) if (of, by) == (kind, method)]
        if points:
            color = GREY if kind == HONEST else COLORS[place % len(COLORS)]
            marker = "*" if kind == HONEST else MARKERS[place % len(MARKERS)]
            xs, ys = zip(*points, strict=True)
            axes.scatter(
                xs, ys, s=28, color=color, marker=marker, alpha=0.8, linewidths=0.4, edgecolors="white",
                label=kind.replace("_", " "),
            )  # fmt: skip
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
