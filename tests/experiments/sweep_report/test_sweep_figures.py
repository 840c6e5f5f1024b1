"""The figures: what stands in which cell, where lines run, and that nothing lies on something else."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP
from sweep_table_support import Row, arm, big_map, row

from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.curves import draw_curves
from sandwich_env.experiments.sweep_report.figures import draw_figures, slugs_of
from sandwich_env.experiments.sweep_report.learning_curves import draw_control_learning, draw_learning
from sandwich_env.experiments.sweep_report.phase import draw_phase
from sandwich_env.experiments.sweep_report.results import results_from
from sandwich_env.experiments.sweep_report.scatter import arms_once, draw_advice_quality, draw_reliance

MINUS = "\N{MINUS SIGN}"

CONTROL: Row = {
    "kind": "none", "method": "self_play", "control": True, "protocol": "never", "interval": 0, "dial_name": None,
    "dial": 0.0, "dial_index": 0,
}  # fmt: skip


def phase(rows: list[Row], measure: str = "loss_pgr") -> Figure:
    return draw_phase(results_from(rows), measure, "title")


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def panels(figure: Figure) -> list[Axes]:
    """The panels, without the scale."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def small_print(figure: Figure) -> str:
    return " ".join(figure.get_supxlabel().split())


def dials(values: dict[float, float | None], **more: Any) -> list[Row]:
    return [
        row(dial=dial, dial_index=at, loss_pgr=value, **more) for at, (dial, value) in enumerate(values.items())
    ]  # fmt: skip


def test_each_cell_has_its_number_and_its_colour_even_off_the_scale() -> None:
    rows = [*dials({0.0: 0.8, 0.5: -0.25, 1.0: -3.456}), *dials({0.0: 0.4}, protocol="every_n_turns:n=4", interval=4)]
    (axes,) = panels(phase(rows))
    assert words(axes) == [".80", f"{MINUS}.25", f"{MINUS}3.46", ".40", "\N{EN DASH}", "\N{EN DASH}"]
    shades = [to_rgb(patch.get_facecolor()) for patch in axes.patches]
    assert shades[:3] == [pytest.approx(look.shade(value)) for value in (0.8, -0.25, -1.0)]
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [False, True, True, False, False, False]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.5", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["every turn", "every 4 turns"]


def test_rows_are_kinds_and_columns_are_methods() -> None:
    rows = [
        row(kind=kind, method=method, loss_pgr=value)
        for kind, method, value in (("a", "x", 0.1), ("a", "y", 0.2), ("b", "x", 0.3), ("b", "y", 0.4))
    ]
    figure = phase(rows)
    assert [words(axes) for axes in panels(figure)] == [[".10"], [".20"], [".30"], [".40"]]
    assert [axes.get_title() for axes in panels(figure)] == ["x", "y", "", ""]
    assert [axes.get_ylabel().split("\n")[0] for axes in panels(figure)] == ["a", "", "b", ""]


def test_many_methods_go_on_below() -> None:
    rows = [row for at in range(8) for row in dials(dict.fromkeys((0.0, 0.2, 0.5, 0.8, 1.0), at / 10), method=f"m{at}")]
    figure = phase(rows)
    assert [axes.get_title() for axes in panels(figure)] == [f"m{at}" for at in range(8)]
    tops = {round(axes.get_position().y0, 3) for axes in panels(figure)}
    assert len(tops) == 2


@pytest.mark.parametrize(
    ("status", "mark", "meaning"),
    [
        ("failed", "fail", "its arms failed"), ("diverged", "div.", "no number"),
        ("unfinished", "\N{HORIZONTAL ELLIPSIS}", "not done yet"), ("done", "gap", "too small to divide by"),
    ],
)  # fmt: skip
def test_a_cell_without_a_number_says_why(status: str, mark: str, meaning: str) -> None:
    figure = phase([row(dial=0.0, dial_index=0, loss_pgr=0.5), row(status=status)])
    assert words(panels(figure)[0]) == [".50", mark]
    assert f"{mark}: " in small_print(figure)
    assert meaning in small_print(figure)


def test_missing_seeds_are_counted_and_sure_cells_are_bold() -> None:
    rows = [row(seed=seed, dial=0.0, dial_index=0, loss_pgr=0.5 + 0.01 * seed) for seed in range(3)]
    rows += [row(seed=seed, loss_pgr=0.3 * (-1) ** seed, status="done" if seed else "failed") for seed in range(3)]
    figure = phase(rows)
    (axes,) = panels(figure)
    assert words(axes) == [".51", ".00", "2/3"]
    assert [text.get_fontweight() for text in axes.texts] == ["bold", "normal", "normal"]
    assert "2/3: the mean over so many of 3 seeds" in small_print(figure)
    assert "bold: 0 is outside the 95 % t interval over 2 to 3 seeds" in small_print(figure)
    assert "of 2 cells that are so tested, each once, one in twenty would be bold by chance" in small_print(figure)
    assert "Each number is the mean over 2 to 3 seeds." in small_print(figure)


def test_a_rough_bound_is_marked_where_it_is_by_elo() -> None:
    rows = [row(pgr=0.5, loss_pgr=0.5, elo_one_sided=True)]
    assert words(panels(phase(rows, "pgr"))[0]) == [".50†"]
    assert "†: a rough bound" in small_print(phase(rows, "pgr"))
    assert words(panels(phase(rows))[0]) == [".50"]


def test_controls_stand_in_the_title() -> None:
    rows = [row(loss_pgr=0.5), row(**CONTROL, loss_pgr=0.02)]
    assert "Controls, with nobody to ask: self_play .02" in phase(rows).get_suptitle()


def test_a_curve_runs_through_the_means_and_its_bars_are_the_intervals() -> None:
    rows = [row(seed=seed, dial=d, dial_index=d, loss_pgr=0.5 * d + 0.1 * seed) for d in (0, 1) for seed in range(3)]
    rows += [row(**CONTROL, seed=seed, loss_pgr=0.01 * seed) for seed in range(3)]
    figure = draw_curves(results_from(rows), "loss_pgr", "title")
    (axes,) = figure.axes
    (bars,) = axes.containers
    assert list(bars.lines[0].get_ydata()) == pytest.approx([0.1, 0.6])
    low, high = bars.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.1 - 0.2484, 0.1 + 0.2484), abs=1e-4)
    (band,) = axes.patches
    assert band.get_bbox().get_points()[:, 1].tolist() == pytest.approx([0.0, 0.02])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["imitate", "self_play (control)"]
    assert "95 % t intervals over 3 seeds" in figure.get_suptitle()


def test_a_disaster_does_not_flatten_the_rest() -> None:
    def share(lowest: float) -> float:
        """Of the axis' height, what lies from 0 to 1."""
        figure = draw_curves(results_from(dials({0.0: 0.9, 0.5: 0.5, 1.0: lowest})), "loss_pgr", "title")
        (axes,) = figure.axes
        assert axes.get_ylim()[0] < lowest
        heights = axes.transData.transform([(0, 0), (0, 1)])[:, 1]
        return float((heights[1] - heights[0]) / axes.bbox.height)

    assert share(-0.5) > 0.5
    assert share(-20.0) > 0.3


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize("values", [(np.inf,), (np.inf, 1.0), (1.0, np.inf), (np.inf, 4.0, 1.0)])
def test_an_infinite_dial_has_a_place(values: tuple[float, ...]) -> None:
    figure = drawn(draw_curves(results_from(dials(dict.fromkeys(values, 0.5))), "loss_pgr", "title"))
    (axes,) = figure.axes
    assert ticks(axes) == [f"{value:g}" for value in values]
    assert list(means(axes)[0].get_xdata()) == list(range(len(values)))


def means(axes: Axes) -> list[Any]:
    """The lines through the means."""
    return [bars.lines[0] for bars in axes.containers if bars.lines[0] is not None]


def drawn(figure: Figure) -> Figure:
    """A figure after everything has found its place."""
    FigureCanvasAgg(figure).draw()
    return figure


def lines_of(axes: Axes) -> int:
    return len(axes.lines) + len(axes.collections)


@pytest.mark.parametrize("level", [None, 0.5])
def test_a_panel_that_is_switched_off_is_empty_in_curves(level: float | None) -> None:
    rows = [row(kind=f"k{at}", loss_pgr=0.5) for at in range(7)]
    figure = draw_curves(results_from(rows), "loss_pgr", "title", level=level)
    assert [axes.axison for axes in figure.axes] == [True] * 7 + [False]
    assert all(lines_of(axes) > 0 for axes in figure.axes[:7])
    assert lines_of(figure.axes[7]) == 0


def test_a_panel_that_is_switched_off_is_empty_in_learning_curves() -> None:
    results = results_from([row for at in range(7) for row in arm((0.0, 0.5), method=f"m{at}")])
    learning = draw_learning(results, (1, "every_turn"), "loss_pgr", "title")
    rows = [row | CONTROL | {"method": f"c{at}"} for at in range(7) for row in arm((0.0, 0.5))]
    for figure in (learning, draw_control_learning(results_from(rows), "loss_pgr", "title")):
        drawn(figure)
        assert [axes.axison for axes in figure.axes] == [True] * 7 + [False]
        assert lines_of(figure.axes[7]) == 0
        # four columns: the fourth panel is the lowest of its own
        assert [axes.get_xlabel() for axes in figure.axes] == [""] * 3 + ["round"] * 4 + [""]
        shown = [any(label.get_visible() and label.get_text() for label in axes.get_xticklabels())
                 for axes in figure.axes]  # fmt: skip
        assert shown[:7] == [False] * 3 + [True] * 4


def arrowheads(axes: Axes) -> list[tuple[float, str]]:
    """Where arrowheads stand at a panel's edges, and which way they point."""
    ways = {CARETUP: "up", CARETDOWN: "down"}
    return [(float(line.get_ydata()[0]), ways[line.get_marker()]) for line in axes.lines if line.get_marker() in ways]


def of_one(value: float, low: float, high: float, dial: int = 0) -> Row:
    more = {"loss_pgr_low": low, "loss_pgr_high": high, "trust_auroc_low": low, "trust_auroc_high": high}
    return row(dial=float(dial), dial_index=dial, loss_pgr=value, trust_auroc=value, **more)


@pytest.mark.parametrize(("measure", "level"), [("loss_pgr", None), ("trust_auroc", 0.5)])
def test_a_panel_reaches_as_far_as_intervals_do(measure: str, level: float | None) -> None:
    rows = [of_one(0.6, 0.3, 0.8), of_one(0.8, 0.75, 0.95, dial=1)]
    figure = draw_curves(results_from(rows), measure, "title", level=level)
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert (low < 0.3, high > 0.95) == (True, True)
    assert arrowheads(axes) == []
    assert "arrowhead" not in figure.get_suptitle()


@pytest.mark.parametrize(("measure", "level"), [("loss_pgr", None), ("trust_auroc", 0.5)])
@pytest.mark.parametrize(
    ("low", "high", "heads"),
    [(-9.0, 0.7, [(0.0, "down")]), (0.5, 9.0, [(1.0, "up")]), (-9.0, 9.0, [(0.0, "down"), (1.0, "up")])],
)
def test_an_interval_that_is_cut_says_so(
    measure: str, level: float | None, low: float, high: float, heads: list[tuple[float, str]]
) -> None:
    figure = draw_curves(
        results_from([of_one(0.6, low, high), of_one(0.8, 0.7, 0.9, dial=1)]), measure, "t", level=level
    )
    (axes,) = figure.axes
    assert arrowheads(axes) == heads
    assert "an arrowhead at a panel's edge: the interval goes on beyond it" in " ".join(figure.get_suptitle().split())
    bottom, top = axes.get_ylim()
    assert (0.8 - (level or 0.0)) / (top - bottom) > 0.3
    assert low < bottom or high > top


def test_a_cut_interval_keeps_a_disaster_from_flattening_the_rest_too() -> None:
    figure = draw_curves(results_from([of_one(0.6, 0.5, 0.7), of_one(-5.0, -1e6, 3.0, dial=1)]), "loss_pgr", "title")
    (axes,) = figure.axes
    assert arrowheads(axes) == [(0.0, "down")]
    heights = axes.transData.transform([(0, 0), (0, 1)])[:, 1]
    assert (heights[1] - heights[0]) / axes.bbox.height > 0.2


def test_every_seed_of_a_control_is_in_the_panel() -> None:
    rows = [row(loss_pgr=0.2), *(row(**CONTROL, seed=seed, loss_pgr=value) for seed, value in enumerate((-0.9, 0.9)))]
    (axes,) = draw_curves(results_from(rows), "loss_pgr", "title").axes
    assert axes.get_ylim()[0] < -0.9
    assert axes.get_ylim()[1] > 0.9


def test_eight_methods_and_eight_kinds_are_told_apart() -> None:
    rows = [row(method=f"m{at}", loss_pgr=0.1 * at) for at in range(8)]
    (axes,) = draw_curves(results_from(rows), "loss_pgr", "title").axes
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in means(axes)}) == 8
    rows = [row(kind=f"k{at}", advice_loss=0.1, loss_pgr=0.1 * at) for at in range(8)]
    (axes,) = draw_advice_quality(results_from(rows), "loss_pgr", "title").axes
    looks = {(dots.get_facecolor().tobytes(), dots.get_paths()[0].vertices.tobytes()) for dots in axes.collections}
    assert len(looks) == 8


@pytest.mark.parametrize("draw", ["advice_quality", "reliance"])
def test_ways_of_asking_have_panels_of_their_own(draw: str) -> None:
    asked = ((1, "every_turn", 0.1), (4, "every_n_turns:n=4", 0.2), (8, "every_n_turns:n=8", 0.3))
    rows = [
        row(method=method, interval=interval, protocol=protocol, advice_loss=x, loss_pgr=0.5, followed_right=x,
            followed_wrong=0.5)
        for method in ("gate", "trust") for interval, protocol, x in asked
    ]  # fmt: skip
    results = results_from(rows)
    figure = drawn(
        draw_reliance(results, "title") if draw == "reliance" else draw_advice_quality(results, "loss_pgr", "title")
    )
    points = {axes.get_title(): [dots.get_offsets().tolist() for dots in axes.collections] for axes in figure.axes}
    assert points == {
        f"{method}, {text}": [[[x, 0.5]]]
        for text, x in (("every turn", 0.1), ("every 4 turns", 0.2), ("every 8 turns", 0.3))
        for method in ("gate", "trust")
    }
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False] * 4 + [True] * 2
    only = [one for one in rows if one["interval"] == 1]
    assert draw_reliance(results_from(only), "title").axes[0].get_title() == "gate"


NAMES = ("_base", "a$^b$", r"a$\frac$", "n" * 60)


def test_names_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "DPI", 40)
    found: dict[str, Figure] = {}
    picture = look.picture

    def keep(figure: Figure, form: str) -> bytes:
        found[str(len(found))] = figure
        return picture(figure, form)

    monkeypatch.setattr(look, "picture", keep)
    measured: Row = {"advice_loss": 0.1, "followed_right": 0.9, "followed_wrong": 0.5, "trust_auroc": 0.7}
    rows = [row(kind=kind, method=method, **measured, loss_pgr=0.5) for method in NAMES for kind in NAMES[:3]]
    rows.append(row(**{**CONTROL, "method": "_c"}, loss_pgr=0.1))
    names = [one.name for one in draw_figures(results_from(rows))]
    figures = dict(zip(names, list(found.values())[::2], strict=True))
    said = {name: [text.get_text() for text in figure.legends[0].get_texts()] for name, figure in figures.items()
            if figure.legends}  # fmt: skip
    cut = f"{'n' * 30}\N{HORIZONTAL ELLIPSIS}{'n' * 17}"
    assert said["curves_loss_pgr"] == [*NAMES[:3], cut, "_c (control)"]
    assert said["trust_auroc"] == [*NAMES[:3], cut]
    assert said["reliance"] == said["advice_quality"] == [" base", *NAMES[1:3]]
    titles = [axes.title for figure in figures.values() for axes in figure.axes if axes.get_title()]
    assert not any(text.get_parse_math() for text in titles)


BORROWED: Row = {"advisor": '"honest"', "unheeded": True, "loss_pgr_low": 0.1, "loss_pgr_high": 0.9}


def test_a_cell_that_borrows_the_honest_arm_is_marked_and_never_bold() -> None:
    rows = [row(dial=0.0, dial_index=0, loss_pgr=0.5, loss_pgr_low=0.4, loss_pgr_high=0.6)]
    rows += [row(loss_pgr=0.5, **BORROWED), row(dial=1.0, dial_index=2, status="diverged", **BORROWED)]
    figure = phase(rows)
    (axes,) = panels(figure)
    assert words(axes) == [".50", "=.50", "=div."]
    assert [text.get_fontweight() for text in axes.texts[:2]] == ["bold", "normal"]
    assert "=: the honest arm, since A changes only what the method does not heed" in small_print(figure)
    assert "of 1 cells that are so tested" in small_print(figure)
    assert "=" not in small_print(phase(rows[:1]))


def test_a_cell_whose_one_done_arm_has_no_pgr_says_what_became_of_the_others() -> None:
    figure = phase([row(dial=0.0, dial_index=0, loss_pgr=0.1), row(seed=0), row(seed=1, status="diverged")])
    assert words(panels(figure)[0]) == [".10", "1/2", "div."]
    assert "1/2: the mean over so many of 2 seeds" in small_print(figure)


def test_bars_are_over_seeds_dashed_for_one_and_none_where_the_honest_arm_is_borrowed() -> None:
    own: Row = {"loss_pgr_low": 0.3, "loss_pgr_high": 0.6}
    rows = [row(seed=seed, dial=0.0, dial_index=0, loss_pgr=0.1 * seed, **own) for seed in range(2)]
    rows += [row(dial=0.5, dial_index=1, loss_pgr=0.5, **own), row(dial=1.0, dial_index=2, loss_pgr=0.5, **BORROWED)]
    figure = draw_curves(results_from(rows), "loss_pgr", "title")
    (axes,) = figure.axes
    over_seeds, of_one = (
        [bool(len(bar) and not np.isnan(bar).any()) for bar in bars.lines[2][0].get_segments()]
        for bars in axes.containers
    )
    assert over_seeds == [True, False]
    assert of_one == [False, True]
    (dashes,) = {tuple(dash[1]) for dash in axes.containers[1].lines[2][0].get_linestyles()}
    assert len(dashes) == 2
    (hollow,) = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert hollow.get_ydata().tolist() == [0.5]
    said = " ".join(figure.get_suptitle().split())
    assert "bars: 95 % t intervals over 2 seeds; dashed bars: 95 % intervals of the one arm" in said
    assert "hollow, without bars: the honest arm" in said


def test_learning_curves_leave_out_what_is_borrowed() -> None:
    rows = [*arm((0.0, 0.4), dial=0.0, dial_index=0), *arm((0.0, 0.7), **BORROWED)]
    figure = draw_learning(results_from(rows), (1, "every_turn"), "loss_pgr", "title")
    assert {tuple(line.get_ydata()) for line in figure.axes[0].lines if len(line.get_xdata()) == 2} >= {(0.0, 0.4)}
    assert not any(0.7 in line.get_ydata() for line in figure.axes[0].lines)
    assert words(figure.axes[0]) == ["="]
    assert "=: dials are left out at which A changes only what the method does not heed" in " ".join(
        figure.get_suptitle().split()
    )


def test_files_of_different_names_have_different_names() -> None:
    names = ("a/b", "a_b", "A b", "a_b_2", "c")
    assert slugs_of(names) == dict(zip(names, ("a_b", "a_b_2", "A_b_3", "a_b_2_2", "c"), strict=True))


def test_methods_without_the_measure_have_no_line() -> None:
    rows = [row(method="trust", trust_auroc=0.8), row(method="imitate")]
    figure = draw_curves(results_from(rows), "trust_auroc", "title", "AUROC", level=0.5)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["trust"]
    assert figure.axes[0].get_ylabel() == "AUROC"


def test_kinds_and_ways_of_asking_without_the_measure_have_no_panel() -> None:
    scored = row(kind="random_move", method="trust", trust_auroc=0.8)
    rows = [scored, row(kind="value_noise"), row(kind="random_move", protocol="every_n_turns:n=4", interval=4)]
    (axes,) = draw_curves(results_from(rows), "trust_auroc", "title", "AUROC", level=0.5).axes
    assert axes.get_title() == "random move, every turn"


def test_learning_curves_are_thin_by_seed_and_thick_on_average() -> None:
    rows = [*arm((0.0, 0.1, 0.2), seed=0), *arm((0.0, 0.3, 0.6), seed=1), *arm((0.0, -0.5), seed=2, status="diverged")]
    (axes,) = draw_learning(results_from(rows), (1, "every_turn"), "loss_pgr", "title").axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    drawn = {tuple(round(float(y), 6) for y in line.get_ydata()): line.get_linewidth() for line in lines}
    thick = drawn.pop((0.0, 0.2, 0.4))
    assert set(drawn) == {(0.0, 0.1, 0.2), (0.0, 0.3, 0.6)}
    assert thick > 2 * max(drawn.values())
    (stopped,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert (list(stopped.get_xdata()), list(stopped.get_ydata())) == ([1], [-0.5])
    control = results_from([row(**CONTROL, round=at, loss_pgr=0.1) for at in (0, 1)])
    figure = draw_control_learning(control, "loss_pgr", "title")
    assert figure.axes[0].get_title() == "self_play"


def test_points_are_arms_each_once() -> None:
    same: Row = {"dial": 0.0, "dial_index": 0, "arm": "one", "advice_loss": 0.01, "loss_pgr": 0.6}
    rows = [row(kind=kind, advisor='"honest"', **same) for kind in ("random_move", "worst_move")]
    rows += [row(kind="worst_move", advice_loss=0.2, loss_pgr=-0.5, followed_right=0.9, followed_wrong=0.4)]
    results = results_from(rows)
    assert sorted((kind, cell.method) for kind, cell, _ in arms_once(results)) == [
        ("honest", "imitate"), ("worst_move", "imitate")
    ]  # fmt: skip
    (axes,) = draw_advice_quality(results, "loss_pgr", "title").axes
    points = {dots.get_label(): dots.get_offsets().tolist() for dots in axes.collections}
    assert points == {"worst move": [[0.2, -0.5]], "honest": [[0.01, 0.6]]}
    (axes,) = draw_reliance(results, "title").axes
    assert [dots.get_offsets().tolist() for dots in axes.collections] == [[[0.9, 0.4]]]


SIZES: dict[str, dict[str, Any]] = {
    "one of each": {
        "kinds": ("random_move",), "dials": (0.0, 0.5), "intervals": (1,), "methods": ("imitate",), "seeds": 1,
    },
    "five intervals": {
        "kinds": ("a_kind_with_a_name", "b"), "intervals": (1, 2, 4, 8, 16), "methods": ("gate", "trust"),
    },
    "very tall": {
        "kinds": tuple(f"kind_{at}" for at in range(40)), "dials": (0.0, 0.5), "intervals": (1,),
        "methods": ("imitate",), "seeds": 2,
    },
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES.values(), ids=list(SIZES))
def test_nothing_lies_on_something_else(size: dict[str, Any]) -> None:
    with mpl.rc_context(look.TEXT):
        figure = draw_phase(results_from(big_map(**size, rounds=1)), "loss_pgr", "A title of some length")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    renderer = canvas.get_renderer()
    texts = [figure._suptitle, figure._supxlabel, *(axes.title for axes in panels(figure))]  # type: ignore[attr-defined]
    texts += [axes.yaxis.label for axes in panels(figure)] + [axes.xaxis.label for axes in figure.axes]
    for axes in figure.axes:
        texts += [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
    boxes = [text.get_window_extent(renderer) for text in texts if text is not None and text.get_text()]
    page = figure.bbox
    for at, box in enumerate(boxes):
        assert page.x0 - 1 <= box.x0
        assert box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0
        assert box.y1 <= page.y1 + 1
        for other in boxes[:at]:
            beside = box.x0 > other.x1 - 1 or other.x0 > box.x1 - 1
            assert beside or box.y0 > other.y1 - 1 or other.y0 > box.y1 - 1


def test_a_figure_has_the_same_bytes_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "DPI", 40)
    rows = [row(loss_pgr=-0.5)]
    one, other = ({drawn.name: drawn.files for drawn in draw_figures(results_from(rows))} for _ in range(2))
    assert set(one) == {"phase_loss_pgr", "curves_loss_pgr", "learning_every_turn"}
    assert one == other
    assert one["phase_loss_pgr"]["png"].startswith(b"\x89PNG")
    assert b"<svg" in one["phase_loss_pgr"]["svg"][:1000]
