"""The learning curve of every arm: a panel for each kind and method, thin lines for arms, thick ones for means."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import DONE, Arm, Cell, number
from sandwich_env.experiments.sweep_report.curves import pgr_axis
from sandwich_env.experiments.sweep_report.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 6
"""How many panels stand side by side at the most; more go on below."""

DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def draw_learning(results: Results, query: tuple[int, str], measure: str, title: str) -> Figure:
    """The arms that ask as often as `query` says, by round.

    Args:
        results: of the sweep.
        query: the interval and the protocol.
        measure: a column of PGR.
        title: above the figure.
    """
    kinds, methods = results.kinds, results.methods
    columns = look.across(len(methods), ACROSS)
    bands = -(-len(methods) // columns)
    width = max(6.5, min(look.WIDTH, 1.2 + 2.6 * columns))
    rows = bands * len(kinds)
    figure = look.new_figure(width, 1.3 + 1.5 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    used: list[Axes] = []
    left_out: set[tuple[str, str]] = set()
    for place, method in enumerate(methods):
        for line, kind in enumerate(kinds):
            axes = grid[place // columns * len(kinds) + line, place % columns]
            used.append(axes)
            places = results.dials(kind)
            for cell in results.map:
                if (cell.kind, cell.query, cell.method) != (kind, query, method):
                    continue
                if cell.unheeded:
                    left_out.add((kind, method))
                else:
                    _draw(axes, cell, measure, places.index((cell.dial_index, cell.dial)), len(places))
            if (kind, method) in left_out:
                axes.text(0.97, 0.04, look.BORROWED, transform=axes.transAxes, ha="right", va="bottom")
            if line == 0:
                axes.set_title(look.name_text(method, (width - 1.2) / columns))
            if place % columns == 0:
                dials = textwrap.fill(", ".join(look.dial_text(dial) for _, dial in places), 24)
                axes.set_ylabel(f"{look.kind_text(kind, 20)}\n{dials}", fontsize=8)
    _tidy(grid, used)
    figure.supylabel(pgr_axis(_values(results.map, measure), used), fontsize=9)
    most = max(len(results.dials(kind)) for kind in kinds)
    handles = [_handle(at, most) for at in range(most)]
    named = [f"dial {at + 1} of its row" for at in range(most)]
    figure.legend(handles, named, loc="outside lower center", ncols=min(most, 6), frameon=False)
    notes = "thin: an arm; thick: the mean over seeds; beside each row: its kind and its dials"
    if left_out:
        notes += f"; {look.BORROWED}: dials are left out at which A changes only what the method does not heed"
    look.heading(figure, title, notes)
    return figure


def draw_control_learning(results: Results, measure: str, title: str) -> Figure:
    """The controls by round, a panel for each."""
    cells = results.controls
    columns = look.across(len(cells), ACROSS)
    rows = -(-len(cells) // columns)
    figure = look.new_figure(max(6.5, min(look.WIDTH, 1.2 + 2.6 * columns)), 1.1 + 1.9 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    used = list(grid.ravel()[: len(cells)])
    for axes, cell in zip(used, cells, strict=True):
        _draw(axes, cell, measure, 0, 1)
        axes.set_title(look.name_text(cell.method, 2.0))
    _tidy(grid, used)
    figure.supylabel(pgr_axis(_values(cells, measure), used), fontsize=9)
    look.heading(figure, title, "thin: an arm; thick: the mean over seeds")
    return figure


def _draw(axes: Axes, cell: Cell, measure: str, place: int, places: int) -> None:
    color, dash = _color(place, places), DASHES[place % len(DASHES)]
    for arm in cell.arms:
        rounds, values = _line(arm, measure)
        axes.plot(rounds, values, color=color, linestyle=dash, linewidth=0.6, alpha=0.75)
        if arm.status != DONE and rounds:
            axes.plot(rounds[-1:], values[-1:], color=color, marker="x", markersize=5)
    mean = cell.rounds(measure)
    axes.plot([at for at, _ in mean], [value for _, value in mean], color=color, linestyle=dash, linewidth=1.9)


def _line(arm: Arm, measure: str) -> tuple[list[int], list[float]]:
    points = [(int(row["round"]), value) for row in arm.rows if (value := number(row, measure)) is not None]
    return [at for at, _ in points], [value for _, value in points]


def _values(cells: Sequence[Cell], measure: str) -> list[float]:
    return [value for cell in cells for arm in cell.arms for value in _line(arm, measure)[1]]


def _color(place: int, places: int) -> Any:
    """Dark to light as the dial goes up: in print without colour, the order is still there."""
    from matplotlib import colormaps

    return colormaps["cividis"](0.9 * place / max(places - 1, 1))


def _handle(place: int, places: int) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=_color(place, places), linestyle=DASHES[place % len(DASHES)], linewidth=1.9)


def _tidy(grid: Any, used: Sequence[Axes]) -> None:
    """Switch off the panels that show nothing; the lowest of each column that does has the axis of rounds."""
    for axes in used:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.locator_params(axis="x", integer=True)
    for axes in grid.ravel():
        if axes not in used:
            axes.set_axis_off()
    for axes in look.last_of_columns(grid, used):
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("round")
