"""Pictures of the catalogue: what each kind does to advice as its dial turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandwich_env.errors import SandwichError
from sandwich_env.evaluation.advice_quality import AdviceQuality, measure_advice
from sandwich_env.experiments.catalogue import Example, turns_of
from sandwich_env.experiments.plots import COLORS, GREY, new_figure, percent, png
from sandwich_env.experiments.progress import Reporter
from sandwich_env.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sandwich_env.experiments.advisors_table import Workshop

PANELS = {
    "loss": "Win probability lost\nby a move, on average",
    "agreement": "Moves that E\nwould advise",
    "tampered": "Answers tampered\nwith",
    "value_error": "Value off E's by,\non average",
}
"""The measures that are drawn, and their titles."""

DPI = 100
"""There is a picture for each kind: small ones will do."""

TOPS = {"loss": 0.3, "agreement": 1.0, "tampered": 1.0, "value_error": 1.0}
"""How high each panel reaches at least, the same for all kinds, so that pictures can be compared."""


def draw_kinds(workshop: Workshop, examples: Sequence[Example], folder: Path, reporter: Reporter) -> list[Path]:
    """Draw every example that has a dial; returns the files. What cannot be measured is reported, and left out.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: a file could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    update = reporter.stage("pictures", len(examples))
    paths = []
    for done, example in enumerate(examples, start=1):
        if example.dial is not None:
            try:
                turns, found = _turned(workshop, example)
            except SandwichError as error:
                reporter.say(f"{example.title}: {error}")
            else:
                paths.append(folder / f"{file_name(example.title)}.png")
                write_atomically(paths[-1], png(draw_kind(example, turns, found), dpi=DPI))
        update(done)
    return paths


def file_name(title: str) -> str:
    """A title as the name of a file."""
    return "".join(letter if letter.isalnum() else "_" for letter in title.replace(": ", "_")).strip("_").lower()


def _turned(workshop: Workshop, example: Example) -> tuple[list[float], list[AdviceQuality]]:
    dial = workshop.company.dial(example)
    turns = turns_of(example, dial)
    config = workshop.config
    found = [
        measure_advice(dial.make(turn), workshop.judge, seed=config.seed, blunder=config.blunder) for turn in turns
    ]
    return turns, found


def draw_kind(example: Example, turns: Sequence[float], found: Sequence[AdviceQuality]) -> Figure:
    """One kind: a panel for each measure, with its interval as a band. Settings stand side by side, evenly."""
    figure, panels = new_figure(columns=len(PANELS), height=2.7)
    places = list(range(len(turns)))
    for axes, (name, title), color in zip(panels, PANELS.items(), COLORS, strict=False):
        estimates = [getattr(quality, name) for quality in found]
        axes.fill_between(
            places,
            [one.interval.low for one in estimates],
            [one.interval.high for one in estimates],
            color=color,
            alpha=0.25,
            linewidth=0,
        )
        axes.plot(places, [one.value for one in estimates], color=color, marker="o", markersize=3.5, linewidth=1.8)
        _frame(axes, title, turns, max(TOPS[name], *(one.interval.high for one in estimates)))
        if name != "value_error":
            axes.yaxis.set_major_formatter(percent())
    assert example.dial is not None
    dial = example.dial.rsplit(".", maxsplit=1)[-1]
    figure.supxlabel(dial if dial == example.title else f"{dial} of {example.title}", fontsize=10)
    return figure


def _frame(axes: Axes, title: str, turns: Sequence[float], top: float) -> None:
    axes.set_title(title, fontsize=9)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_ylim(-0.04 * top, 1.05 * top)
    step = 1 if len(turns) <= 8 else 2
    at = range(0, len(turns), step)
    axes.set_xticks(list(at), [f"{turns[i]:.3g}" for i in at])
    axes.tick_params(labelsize=8)
