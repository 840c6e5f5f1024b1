"""Every figure of a sweep's report that there are numbers for, with its caption."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandwich_env.errors import MissingExtraError
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.curves import draw_curves
from sandwich_env.experiments.sweep_report.learning_curves import draw_control_learning, draw_learning
from sandwich_env.experiments.sweep_report.phase import draw_phase
from sandwich_env.experiments.sweep_report.results import Results
from sandwich_env.experiments.sweep_report.scatter import draw_advice_quality, draw_reliance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMS = ("png", "svg")


@dataclass(frozen=True)
class Drawn:
    """A figure of the report.

    Attributes:
        name: of its files.
        part: the heading it stands under.
        caption: what it shows.
        files: its bytes as "png" and as "svg".
    """

    name: str
    part: str
    caption: str
    files: dict[str, bytes]


@dataclass(frozen=True)
class _Plan:
    name: str
    part: str
    caption: str
    draw: Callable[[], Figure]


def draw_figures(results: Results) -> Iterator[Drawn]:
    """Draw the figures one by one, those of each H apart.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train") from error
    slugs = slugs_of(results.novices)
    for novice in results.novices:
        several = len(results.novices) > 1
        for plan in _plans(results.of(novice), f" (H: {novice})" if several else ""):
            with mpl.rc_context(look.TEXT):
                figure = plan.draw()
                files = {form: look.picture(figure, form) for form in FORMS}
            name = f"{plan.name}_{slugs[novice]}" if several else plan.name
            yield Drawn(name, plan.part, plan.caption, files)


def main_measure(results: Results) -> str | None:
    """The PGR that figures of one measure show: the first of the three that there is."""
    return next((measure for measure in look.MEASURES if results.measured(measure)), None)


def _plans(results: Results, of: str) -> Iterator[_Plan]:
    main = main_measure(results)
    measured = {measure: by for measure, by in look.MEASURES.items() if results.measured(measure)}
    if results.map:
        for measure, by in measured.items():
            yield _phase(results, measure, by, of)
        for measure, by in measured.items():
            yield _curves(results, measure, by, of)
        asked = slugs_of(look.query_text(query) for query in results.queries)
        for query in results.queries if main else ():
            yield _learning(results, query, main or "", of, asked[look.query_text(query)])
    if results.controls and main:
        yield _control_learning(results, main, of)
    if results.map and main:
        yield from _advice(results, main, of)


def _phase(results: Results, measure: str, by: str, of: str) -> _Plan:
    return _Plan(
        f"phase_{measure}",
        "Phase diagrams",
        f"PGR by {by} after the last round{of}: across, how far the dial is turned; down, how often H asks.",
        lambda: draw_phase(results, measure, f"PGR by {by} after the last round{of}"),
    )


def _curves(results: Results, measure: str, by: str, of: str) -> _Plan:
    return _Plan(
        f"curves_{measure}",
        "Curves",
        f"PGR by {by} after the last round{of}, against the dial: the same numbers, with intervals.",
        lambda: draw_curves(results, measure, f"PGR by {by} after the last round{of}"),
    )


def _learning(results: Results, query: tuple[int, str], main: str, of: str, slug: str) -> _Plan:
    asked = look.query_text(query)
    text = f"PGR by {look.MEASURES[main]}, round by round{of}: A asked {asked}"
    return _Plan(f"learning_{slug}", "Learning curves", f"{text}.", lambda: draw_learning(results, query, main, text))


def _control_learning(results: Results, main: str, of: str) -> _Plan:
    text = f"PGR by {look.MEASURES[main]}, round by round{of}: the controls"
    return _Plan("learning_controls", "Learning curves", f"{text}.", lambda: draw_control_learning(results, main, text))


def _advice(results: Results, main: str, of: str) -> Iterator[_Plan]:
    def both(one: str, other: str) -> bool:
        return any(arm.value(one) is not None and arm.value(other) is not None for arm in results.arms.values())

    if both("advice_loss", main):
        text = f"PGR by {look.MEASURES[main]} against what the advised moves lost, in the last round{of}"
        yield _Plan(
            "advice_quality", "Advice", f"{text}; a point for each arm.",
            lambda: draw_advice_quality(results, main, text),
        )  # fmt: skip
    if both("followed_right", "followed_wrong"):
        text = f"Whom H followed in the last round{of}"
        yield _Plan(
            "reliance", "Advice",
            f"{text}; a point for each arm. On the line, H follows wrong moves as often as right ones.",
            lambda: draw_reliance(results, text),
        )  # fmt: skip
    if any(cell.values("trust_auroc") for cell in results.map):
        text = f"H's trust as a detector of wrong moves, in the last round{of}"
        yield _Plan(
            "trust_auroc", "Advice",
            f"{text}: the chance that it trusts a right move more than a wrong one. One half is a coin.",
            lambda: draw_curves(results, "trust_auroc", text, "AUROC", level=0.5),
        )  # fmt: skip


def slugs_of(names: Iterable[str]) -> dict[str, str]:
    """What files are named after each name: no two alike, also where a system of files takes no note of capitals."""
    slugs: dict[str, str] = {}
    for name in names:
        taken = {slug.casefold() for slug in slugs.values()}
        slug, at = _slug(name), 1
        while slug.casefold() in taken:
            at += 1
            slug = f"{_slug(name)}_{at}"
        slugs[name] = slug
    return slugs


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)
