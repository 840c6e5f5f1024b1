"""How the figures of a sweep look: colours, the scale of PGR, how numbers are written, and the files.

The scale diverges at 0 and tells the sign twice: below 0 it is brown, darker at the end than any blue, and hatched; so
the colour-blind can read it, and so can who prints it without colour. Within each half it is a straight line in CIELAB,
so that lightness falls evenly. Every cell carries its number.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import MissingExtraError
from sandwich_env.experiments.plots import COLORS, DASHES, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 130
"""Dots an inch of the PNG files: a figure of 12 inches is then sharp on a page of 1,200 points and prints well."""

WIDTH = 11.5
"""Inches of a figure; the page shows it at about 100 points an inch."""

LIMIT = 1.0
"""The scale runs from -LIMIT to LIMIT; what lies beyond has the colour of the end, and its number."""

STRETCH = 0.7
"""The colour's distance from 0 is |PGR| to this power: 0.1 is at a fifth of the scale, 0.3 at nearly half."""

HALF_DIGIT = 0.005
"""Half of the last digit that a PGR is written with."""

TICKS = (-1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0)
NOTHING = "#EDEDED"
"""A cell without a number."""

MEASURES = {"loss_pgr": "loss of win probability", "puzzles_pgr": "puzzles", "pgr": "Elo"}
"""The three PGRs, and what each is by."""

OF_ONE = "95 % intervals of the one arm, bootstrapped from its measurement"
"""What the interval of a number is that has one seed: it says nothing of another seed."""

ROUGH_MEANS = "a rough bound, since H or E won or lost every game that it is rated by"
"""What a dagger at a PGR by Elo says."""

BORROWED = "="
"""Marks a cell that borrows the honest arm."""

BORROWED_MEANS = (
    "the honest arm, since A changes only what the method does not heed: nothing of A reached H, and the number does "
    "not say how the method bears the kind"
)

TEXT: Any = {"font.size": 9.0, "axes.titlesize": 9.5, "axes.labelsize": 9.0, "legend.fontsize": 8.5,
        "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "hatch.linewidth": 0.5, "svg.hashsalt": "sandwich",
        "text.parse_math": False}  # fmt: skip
"""Sizes in points; the salt makes a figure's SVG the same each time it is drawn. A study's names are no formulas."""

TITLE, TITLE_CHARACTERS, SMALL_CHARACTERS = 10.5, 11, 14
"""Points of a title, and how many characters of it, and of small print, an inch has room for."""

SMALL, SMALL_LINE = 8.0, 0.15
"""Points of small print, and the inches that a line of it takes."""

GAP = 0.06
"""Inches between the small print, the figure's edge, and what is above."""

_ENDS = ("#7A3300", "#FFFFFF", "#4A93CC")
"""The colours at -LIMIT, 0 and LIMIT."""


def style(place: int) -> dict[str, Any]:
    """Colour, marker and dash of the line in this place: no two of the first 49 are alike, with colour or without.

    When the colours begin again, markers have moved on by one and dashes by two, so that a marker meets another colour
    and another dash each time.
    """
    times = place // len(COLORS)
    return {
        "color": COLORS[place % len(COLORS)],
        "marker": MARKERS[(place + times) % len(MARKERS)],
        "linestyle": DASHES[(place + 2 * times) % len(DASHES)],
    }


def shade(value: float) -> tuple[float, float, float]:
    """The colour of a PGR, as red, green and blue from 0 to 1."""
    at = stretched(np.clip(value, -LIMIT, LIMIT)) / stretched(LIMIT)
    red, green, blue = _palette()[round((float(at) + 1) / 2 * (len(_palette()) - 1))]
    return float(red), float(green), float(blue)


def stretched(values: ArrayLike) -> NDArray[np.float64]:
    """PGR as the scale places it: the sign, times the distance from 0 to the power of `STRETCH`."""
    return _bent(values, STRETCH)


def unstretched(places: ArrayLike) -> NDArray[np.float64]:
    """The inverse of `stretched`."""
    return _bent(places, 1 / STRETCH)


def _bent(values: ArrayLike, power: float) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    bent: NDArray[np.float64] = np.sign(numbers) * np.abs(numbers) ** power
    return bent


@cache
def _palette(steps: int = 257) -> NDArray[np.float64]:
    """The scale's colours, [steps, 3], from -LIMIT to LIMIT: straight lines in CIELAB."""
    from matplotlib.colors import to_rgb

    low, middle, high = (_lab(np.array(to_rgb(color))) for color in _ENDS)
    half = np.linspace(0, 1, steps // 2 + 1)[:, None]
    falling, rising = low + half * (middle - low), middle + half * (high - middle)
    colors: NDArray[np.float64] = np.clip(_rgb(np.vstack([falling[:-1], rising])), 0, 1)
    return colors


_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear sRGB to CIE XYZ (IEC 61966-2-1)."""

_WHITE = _XYZ.sum(axis=1)
_KNEE = 6 / 29


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB to CIELAB (CIE 15:2004)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    scaled = linear @ _XYZ.T / _WHITE
    x, y, z = np.where(scaled > _KNEE**3, np.cbrt(scaled), scaled / (3 * _KNEE**2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _rgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB [N, 3] to sRGB [N, 3]."""
    y = (lab[:, 0] + 16) / 116
    parts = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    scaled = np.where(parts > _KNEE, parts**3, 3 * _KNEE**2 * (parts - 4 / 29))
    linear = np.clip((scaled * _WHITE) @ np.linalg.inv(_XYZ).T, 0, None)
    bent: NDArray[np.float64] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return bent


def lightness(rgb: tuple[float, float, float]) -> float:
    """CIELAB's lightness, 0 to 100: what is left of a colour in print without colour."""
    return float(_lab(np.array(rgb))[0])


def ink(rgb: tuple[float, float, float]) -> str:
    """Black or white, whichever reads on a colour."""
    return "white" if lightness(rgb) < 55 else "black"


def short(value: float, *, narrow: bool = False) -> str:
    """A PGR in as few characters as a cell has room for: two decimals and no leading zero, with a true minus.

    Args:
        value: the PGR.
        narrow: one decimal from 1 on.
    """
    digits = f"{abs(value):.1f}" if abs(value) >= (0.995 if narrow else 9.995) else f"{abs(value):.2f}"
    bare = digits[1:] if digits.startswith("0.") else digits
    return f"\N{MINUS SIGN}{bare}" if value < 0 and float(digits) != 0 else bare


def seeds_text(counts: Sequence[int]) -> str:
    """How many seeds: the fewest and the most that occur."""
    if not counts:
        return "no seed"
    if max(counts) == 1:
        return "one seed"
    return f"{max(counts)} seeds" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)} seeds"


def spread_text(counts: Sequence[int]) -> str:
    """What the intervals are that a number over so many seeds has.

    Args:
        counts: of seeds, each number that occurs.
    """
    several = [count for count in counts if count > 1]
    return f"95 % t intervals over {seeds_text(several)}" if several else OF_ONE


def dial_text(value: float) -> str:
    """A dial as an axis shows it."""
    return f"{value:.3g}"


def query_text(query: tuple[int, str]) -> str:
    """How often H asks, in words."""
    interval, protocol = query
    if not protocol.startswith("every_"):
        return protocol.replace("_", " ")
    return "every turn" if interval == 1 else f"every {interval} turns"


def kind_text(kind: str, width: int = 12) -> str:
    """A kind's name, broken into lines."""
    return textwrap.fill(kind.replace("_", " "), width)


def heading(figure: Figure, *lines: str) -> None:
    """The figure's title and what a reader must know beside it, broken into lines that fit."""
    fits = int(figure.get_size_inches()[0] * TITLE_CHARACTERS)
    figure.suptitle("\n".join(textwrap.fill(line, fits) for line in lines if line), fontsize=TITLE)


def below(figure: Figure, text: str, room: float = 0.0) -> float:
    """Add a strip below a figure's panels: small print at its foot, broken into lines that fit, and room above that.

    All of it is in inches, so that a tall figure has the gaps of a low one. The layout is told to keep out: what it
    sets apart for a scale is a share of the figure's height.

    Args:
        figure: grows by what the strip needs.
        text: the small print.
        room: inches between the small print and the panels.

    Returns:
        Inches from the figure's foot to the room.
    """
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(width * SMALL_CHARACTERS))
    foot = 2 * GAP + SMALL_LINE * len(lines)
    strip = foot + room
    height += strip
    figure.set_size_inches(width, height)
    layout: Any = figure.get_layout_engine()
    layout.set(rect=(0, strip / height, 1, 1 - strip / height))
    said = figure.supxlabel("\n".join(lines), y=GAP / height, va="bottom", fontsize=SMALL)
    said.set_in_layout(False)
    return foot


def last_of_columns(grid: Any, used: Collection[Axes]) -> list[Axes]:
    """The lowest panel of each column that shows something.

    Args:
        grid: an array of panels, [rows, columns].
        used: those that show something.
    """
    columns = ([axes for axes in column if axes in used] for column in grid.T)
    return [column[-1] for column in columns if column]


def across(panels: int, most: int) -> int:
    """How many panels stand side by side, so that the lines that they need are as even as can be.

    Args:
        panels: how many there are.
        most: that may stand side by side.
    """
    lines = -(-panels // most)
    return -(-panels // lines)


def name_text(name: str, inches: float) -> str:
    """A name as the title of a panel this wide: in two lines at the most, shortened where that is too little."""
    lines = textwrap.wrap(name, max(6, int(inches * TITLE_CHARACTERS)))
    return "\n".join(lines if len(lines) < 3 else [lines[0], f"{lines[1][:-1]}\N{HORIZONTAL ELLIPSIS}"])


def new_figure(width: float, height: float) -> Figure:
    """A figure that no window and no global state knows of."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from error
    return Figure(figsize=(width, height), layout="constrained")


def picture(figure: Figure, form: str) -> bytes:
    """A figure as the bytes of a "png" or "svg" file; the same bytes each time."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context(TEXT):
        figure.savefig(buffer, format=form, dpi=DPI, metadata={"Date": None} if form == "svg" else None)
    return buffer.getvalue()
