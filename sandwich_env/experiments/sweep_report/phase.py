"""Phase diagrams: PGR over the dial and how often H asks, for each kind of misalignment and each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.cells import ABSENT, DIVERGED, DONE, FAILED, UNFINISHED, Cell
from sandwich_env.experiments.sweep_report.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 32
"""How many cells stand side by side at the most, so that each has room for its number; more methods go on below."""

MARKS = {DIVERGED: "div.", FAILED: "fail", UNFINISHED: "\N{HORIZONTAL ELLIPSIS}", ABSENT: "\N{EN DASH}"}
"""What a cell shows when none of its arms is done."""

ROOMY = 8.5
"""Points of the numbers in cells that are wide enough."""

SCALE, THICK = 0.72, 0.17
"""Inches of height that the scale takes, with its numbers and its label, and those of its bar."""

NO_GAP = "gap"
"""What a cell shows when its arms are done and none has a PGR."""

MEANINGS = {
    MARKS[DIVERGED]: "the loss of its fit was no number",
    MARKS[FAILED]: "its arms failed",
    MARKS[UNFINISHED]: "not done yet",
    MARKS[ABSENT]: "nothing measured yet, or not of the study",
    NO_GAP: "no PGR, the gap from H to E being too small to divide by",
}


def draw_phase(results: Results, measure: str, title: str) -> Figure:
    """The map of one measure, of one H.

    Args:
        results: of the sweep.
        measure: a column of PGR.
        title: above the figure.
    """
    kinds, methods, queries = results.kinds, results.methods, results.queries
    dials = max(len(results.dials(kind)) for kind in kinds)
    bands = -(-len(methods) * dials // ACROSS)
    columns = -(-len(methods) // bands)
    width = min(look.WIDTH, max(6.5, 2.4 + 0.62 * columns * dials))
    height = 0.9 + bands * (0.3 + len(kinds) * (0.32 + 0.36 * max(len(queries), 1.6)))
    figure = look.new_figure(width, height)
    grid = figure.subplots(bands * len(kinds), columns, squeeze=False)
    cells = {(cell.kind, cell.dial_index, cell.dial, cell.query, cell.method): cell for cell in results.map}
    wide = (width - 2.2) / (columns * dials) > 0.45
    shown: set[str] = set()
    for band in range(bands):
        named = methods[band * columns : (band + 1) * columns]
        for line, kind in enumerate(kinds):
            row = grid[band * len(kinds) + line]
            for axes in row[len(named) :]:
                axes.set_axis_off()
            for place, method in enumerate(named):
                axes = row[place]
                places = results.dials(kind)
                found = [[cells.get((kind, *dial, query, method)) for dial in places] for query in queries]
                shown |= _panel(axes, found, measure, results.seeds, ROOMY if wide else 7.2)
                _ticks(axes, [dial for _, dial in places], queries, labelled=place == 0)
                if line == 0:
                    axes.set_title(look.name_text(method, (width - 2.2) / columns))
            _name(row[0], results, kind)
    look.heading(figure, title, controls_text(results, measure))
    _bar(figure, above=look.below(figure, _notes(shown, results, measure), SCALE))
    return figure


def _panel(axes: Axes, found: Sequence[Sequence[Cell | None]], measure: str, seeds: int, size: float) -> set[str]:
    """Draw a panel's cells; returns the marks that need an explanation."""
    marks: set[str] = set()
    for y, line in enumerate(found):
        for x, cell in enumerate(line):
            marks |= _draw(axes, (x, y), cell, measure, seeds=seeds, size=size)
    axes.set_xlim(-0.5, max(len(line) for line in found) - 0.5)
    axes.set_ylim(len(found) - 0.5, -0.5)
    return marks


def _draw(axes: Axes, at: tuple[int, int], cell: Cell | None, measure: str, *, seeds: int, size: float) -> set[str]:
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    x, y = at
    estimate = None if cell is None else cell.estimate(measure)
    if cell is None or estimate is None:
        lack = ABSENT if cell is None else cell.lack
        mark = NO_GAP if lack == DONE else MARKS[lack]
        axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=look.NOTHING, linewidth=0))
        borrowed = {look.BORROWED} if cell is not None and cell.unheeded else set()
        axes.text(x, y, "".join((*borrowed, mark)), ha="center", va="center", fontsize=size - 0.5, color="#444444",
                  style="italic")  # fmt: skip
        return {mark} | borrowed
    shade = look.shade(estimate.value)
    edge: dict[str, Any] = {"edgecolor": "#D5D5D5", "linewidth": 0.6}
    if look.short(estimate.value).startswith("\N{MINUS SIGN}"):
        edge = {"hatch": "/////", "linewidth": 0, "edgecolor": "#C98F63" if look.ink(shade) == "white" else "#A8734B"}
    axes.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=shade, **edge))
    # An end that would be written as 0 is none that leaves it out.
    outside = estimate.interval.low > look.HALF_DIGIT or estimate.interval.high < -look.HALF_DIGIT
    sure = outside and _tested(cell, measure, seeds)
    rough = measure == "pgr" and cell.flagged("elo_one_sided")
    text = look.short(estimate.value, narrow=size < ROOMY) + ("†" if rough else "")
    text = look.BORROWED + text if cell.unheeded else text
    some = estimate.count < seeds
    effects = [withStroke(linewidth=2.2, foreground=shade)]
    common: dict[str, Any] = {"ha": "center", "color": look.ink(shade), "path_effects": effects}
    small = size - (0.7 if len(text) > 4 else 0)
    axes.text(x, y - (0.14 if some else 0), text, va="center", fontsize=small, **common,
              fontweight="bold" if sure else "normal")  # fmt: skip
    if some:
        axes.text(x, y + 0.26, f"{estimate.count}/{seeds}", va="center", fontsize=size - 1.6, **common)
    marks = (("†", rough), ("/", some), ("bold", sure), (look.BORROWED, cell.unheeded))
    return {mark for mark, is_there in marks if is_there}


def _tested(cell: Cell, measure: str, seeds: int) -> bool:
    """Whether a cell's number is held against 0: not one seed where others have several, and not a borrowed arm."""
    count = len(cell.values(measure))
    return not cell.unheeded and (count > 1 or count == seeds == 1)


def _ticks(axes: Axes, dials: Sequence[float], queries: Sequence[tuple[int, str]], *, labelled: bool) -> None:
    axes.set_xticks(range(len(dials)), [look.dial_text(dial) for dial in dials])
    names = [look.query_text(query) for query in queries]
    axes.set_yticks(range(len(queries)), names if labelled else [""] * len(queries))
    axes.tick_params(length=0, pad=1.5)
    for side in axes.spines.values():
        side.set_visible(False)


def _name(axes: Axes, results: Results, kind: str) -> None:
    """The kind's name and its dial's, left of its row."""
    cell = next(cell for cell in results.map if cell.kind == kind)
    words = [look.kind_text(kind)]
    if cell.dial_name is not None:
        words.append(f"({cell.dial_name} \N{RIGHTWARDS ARROW})")
    if cell.held_out:
        words.append("held out")
    axes.set_ylabel("\n".join(words), rotation=0, ha="right", va="center", labelpad=6)


def _bar(figure: Figure, *, above: float) -> None:
    """The scale, hatched below 0, with pointed ends: beyond them the colour stays.

    It stands in the room above the small print, everything in inches: a tall figure has the gaps of a low one.

    Args:
        figure: with a strip of `SCALE` inches for it.
        above: inches from the figure's foot to that strip.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import FuncNorm, ListedColormap

    width, height = figure.get_size_inches()
    long = min(0.8 * width, 6.0)
    place = figure.add_axes(
        ((width - long) / 2 / width, (above + SCALE - 0.12 - THICK) / height, long / width, THICK / height),
        label="<colorbar>",
    )
    colors = ListedColormap([look.shade(float(value)) for value in look.unstretched(_even())])
    norm = FuncNorm((look.stretched, look.unstretched), vmin=-look.LIMIT, vmax=look.LIMIT)
    bar = figure.colorbar(
        ScalarMappable(norm, colors), cax=place, orientation="horizontal", extend="both", ticks=look.TICKS,
        format=lambda value, _: look.short(float(value)),
    )  # fmt: skip
    place.axvspan(-look.LIMIT, 0, facecolor="none", edgecolor="#A8734B", hatch="/////", linewidth=0)
    bar.set_label("PGR: 0 is H before it learnt, 1 is E; below 0 (hatched) H got worse")
    bar.outline.set_visible(False)


def _even() -> Any:
    import numpy as np

    return np.linspace(-1, 1, 257) * look.stretched(look.LIMIT)


def controls_text(results: Results, measure: str) -> str:
    """What the controls came to, in a line; empty where there are none."""
    parts = []
    for cell in results.controls:
        estimate = cell.estimate(measure)
        said = MEANINGS[NO_GAP] if cell.lack == DONE else cell.lack
        if estimate is not None:
            other = estimate.count != results.seeds
            said = look.short(estimate.value) + (f" ({look.seeds_text([estimate.count])})" if other else "")
        parts.append(f"{cell.method} {said}")
    return "Controls, with nobody to ask: " + ", ".join(parts) if parts else ""


def _notes(marks: set[str], results: Results, measure: str) -> str:
    counts, seeds = results.counts(measure), results.seeds
    notes = [f"{mark}: {MEANINGS[mark]}" for mark in MEANINGS if mark in marks]
    if look.BORROWED in marks:
        notes.append(f"{look.BORROWED}: {look.BORROWED_MEANS}")
    if "/" in marks:
        notes.append(f"{counts[0]}/{seeds}: the mean over so many of {seeds} seeds")
    if "bold" in marks:
        tested = [cell for cell in results.map if _tested(cell, measure, seeds)]
        spread = look.spread_text([len(cell.values(measure)) for cell in tested])
        different = len({tuple(arm.name for arm in cell.arms) for cell in tested})
        notes.append(
            f"bold: 0 is outside the {spread.replace('intervals', 'interval')}; of {different} cells that are "
            f"so tested, each once, one in twenty would be bold by chance"
        )
    if "†" in marks:
        notes.append(f"†: {look.ROUGH_MEANS}")
    text = f"Each number is {'of one seed' if counts == (1,) else f'the mean over {look.seeds_text(counts)}'}."
    return f"{text} {'; '.join(notes)}"
