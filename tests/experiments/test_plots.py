"""Plots: PNG files that show the numbers they are given."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from sandwich_env.experiments import plots
from sandwich_env.experiments.measure import new_row
from sandwich_env.experiments.plots import (
    COLORS,
    SHIFT,
    Series,
    draw_advice,
    draw_all,
    draw_arms,
    draw_knowledge,
    draw_pgr,
    draw_strength,
)


def row(round: int, **values: Any) -> dict[str, Any]:
    with_ends = {
        f"{name}_{end}": value + add
        for name, value in values.items()
        if name in ("elo", "pgr", "puzzles", "agreement")
        for end, add in (("low", -0.1), ("high", 0.2))
    }
    return new_row(round) | {"elo_expert": 400.0} | with_ends | values


LEARNS = Series(
    "honest",
    [
        row(0, elo=0.0, pgr=0.0, puzzles=0.1, agreement=0.2),
        row(1, elo=100.0, pgr=0.25, puzzles=0.2, agreement=0.3, advice_honest=1.0, followed=0.9),
        row(2, elo=200.0, pgr=0.5, puzzles=0.3, agreement=0.4, advice_honest=0.9, followed=0.8),
    ],
)
CONTROL = Series("nobody", [row(k, elo=10.0 * k, pgr=0.02 * k, puzzles=0.1, agreement=0.2) for k in range(3)])
REFUSED = Series("refused", [row(k, elo=1.0, puzzles=0.1, agreement=0.2) | {"pgr_refused": "small"} for k in range(2)])


def points(figure: Figure, panel: int = 0) -> list[tuple[list[float], list[float]]]:
    """The data of each run's line in a panel."""
    return [
        (np.asarray(bars.lines[0].get_xdata()).tolist(), np.asarray(bars.lines[0].get_ydata()).tolist())
        for bars in figure.axes[panel].containers
    ]


def words(figure: Figure) -> set[str]:
    return {text.get_text() for axes in figure.axes for text in axes.texts}


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([LEARNS], {"pgr", "strength", "knowledge", "advice"}),
        ([CONTROL], {"pgr", "strength", "knowledge"}),
        ([LEARNS, CONTROL, REFUSED], {"arms", "pgr", "strength", "knowledge", "advice"}),
    ],
)
def test_every_plot_that_there_are_numbers_for_is_written(
    runs: list[Series], names: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "DPI", 60)  # a quarter of the time
    paths = draw_all(runs, tmp_path / "plots")
    assert {path.stem for path in paths} == names == {path.stem for path in (tmp_path / "plots").iterdir()}
    for path in paths:
        dark = imread(path)[..., :3].min(axis=2) < 0.9
        assert min(dark.shape) > 100
        assert 0.01 < dark.mean() < 0.5


def test_the_colour_of_a_run_is_on_the_paper() -> None:
    buffer = io.BytesIO()
    draw_pgr([LEARNS]).savefig(buffer, format="png")
    buffer.seek(0)
    picture = (imread(buffer)[..., :3] * 255).round().astype(int)
    colour = [int(COLORS[0][at : at + 2], 16) for at in (1, 3, 5)]
    assert (picture == colour).all(axis=2).sum() > 50


def test_lines_go_through_the_numbers() -> None:
    assert points(draw_pgr([LEARNS])) == [([0, 1, 2], [0.0, 0.25, 0.5])]
    assert points(draw_strength([LEARNS])) == [([0, 1, 2], [0.0, 100.0, 200.0])]
    knowledge = draw_knowledge([LEARNS])
    assert points(knowledge, 0)[0][1] == [0.1, 0.2, 0.3]
    assert points(knowledge, 1)[0][1] == [0.2, 0.3, 0.4]


def test_several_runs_stand_beside_each_other_and_are_named() -> None:
    figure = draw_pgr([LEARNS, CONTROL])
    (first, _), (second, _) = points(figure)
    assert np.allclose(np.subtract(second, first), SHIFT)
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["honest", "nobody"]
    assert draw_pgr([LEARNS]).axes[0].get_legend() is None


def test_a_run_keeps_its_colour_where_others_are_left_out() -> None:
    figure = draw_advice([CONTROL, LEARNS])
    assert figure is not None
    assert [bars.lines[0].get_color() for bars in figure.axes[0].containers] == [COLORS[1]]
    assert points(figure, 1)[0][1] == [0.9, 0.8]


def test_without_advice_there_is_no_plot_of_it() -> None:
    assert draw_advice([CONTROL]) is None


def test_levels_show_e_and_a() -> None:
    advised = Series("a", [LEARNS.rows[0], LEARNS.rows[1] | {"elo_advisor": 300.0}])
    assert words(draw_strength([advised])) == {"E", "H at the start", "A"}
    assert words(draw_strength([LEARNS])) == {"E", "H at the start"}


def test_a_refused_pgr_is_said() -> None:
    assert any("refused" in text for text in words(draw_pgr([REFUSED])))
    assert not any("refused" in text for text in words(draw_pgr([REFUSED, LEARNS])))
    assert "refused: gap too small" in words(draw_arms([LEARNS, REFUSED]))


def test_an_interval_reaches_from_its_low_to_its_high_end() -> None:
    figure = draw_arms([LEARNS])
    (segments,) = [bars.lines[2][0].get_segments() for bars in figure.axes[0].containers]
    assert segments[0][:, 0].tolist() == pytest.approx([0.4, 0.7])


def test_an_interval_without_an_end_reaches_nowhere_there() -> None:
    open_ended = Series("open", [LEARNS.rows[-1] | {"pgr_high": None}])
    (segments,) = [bars.lines[2][0].get_segments() for bars in draw_arms([open_ended]).axes[0].containers]
    assert segments[0][:, 0].tolist() == pytest.approx([0.4, 0.5])
