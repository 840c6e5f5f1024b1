"""The scale of the phase diagrams: even, split at 0, and readable without colour."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.experiments.sweep_report import look


def test_lightness_falls_from_zero_to_both_ends() -> None:
    for sign in (-1, 1):
        light = [look.lightness(look.shade(sign * value)) for value in np.linspace(0, 1, 21)]
        assert np.all(np.diff(light) < 0), sign


def test_equal_steps_of_the_stretched_scale_are_equal_steps_of_lightness() -> None:
    for sign in (-1, 1):
        at = [float(look.unstretched(sign * step)) for step in np.linspace(0, 1, 9)]
        steps = -np.diff([look.lightness(look.shade(value)) for value in at])
        assert steps.max() / steps.min() < 1.1, sign


def test_below_zero_is_darker_than_above_and_very_bad_darker_than_anything_good() -> None:
    for value in (0.1, 0.3, 0.6, 1.0):
        assert look.lightness(look.shade(-value)) < look.lightness(look.shade(value))
    assert look.lightness(look.shade(-0.6)) < look.lightness(look.shade(1.0)) - 3


def _seen_by_deuteranopes(rgb: tuple[float, float, float]) -> np.ndarray:
    """Viénot, Brettel and Mollon 1999, Color Research and Application 24, in linear sRGB."""
    matrix = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    return matrix @ np.array(rgb) ** 2.2


def test_the_colour_blind_tell_the_sign_by_blue_against_yellow() -> None:
    for value in (0.2, 0.5, 1.0):
        good, bad = (_seen_by_deuteranopes(look.shade(sign * value)) for sign in (1, -1))
        assert good[2] > good[0]
        assert bad[2] < bad[0]


def test_beyond_the_ends_the_colour_stays() -> None:
    assert look.shade(-7.5) == look.shade(-1.0)
    assert look.shade(3.0) == look.shade(1.0)
    assert look.shade(-1.0) != look.shade(-0.9)


def test_small_effects_have_a_good_part_of_the_scale() -> None:
    span = look.lightness(look.shade(0.0)) - look.lightness(look.shade(1.0))
    assert look.lightness(look.shade(0.0)) - look.lightness(look.shade(0.3)) > 0.4 * span


def test_the_stretch_is_undone() -> None:
    values = np.array([-1.5, -0.2, 0.0, 0.01, 0.7])
    assert look.unstretched(look.stretched(values)) == pytest.approx(values)


@pytest.mark.parametrize(
    ("value", "text", "narrow"),
    [
        (0.0, ".00", ".00"), (-0.001, ".00", ".00"), (0.347, ".35", ".35"), (-0.347, "-.35", "-.35"),
        (0.999, "1.00", "1.0"), (-1.26, "-1.26", "-1.3"), (-12.34, "-12.3", "-12.3"), (9.999, "10.0", "10.0"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str, narrow: str) -> None:
    assert look.short(value).replace("\N{MINUS SIGN}", "-") == text
    assert look.short(value, narrow=True).replace("\N{MINUS SIGN}", "-") == narrow


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ((1, "every_turn"), "every turn"), ((4, "every_n_turns:n=4"), "every 4 turns"), ((0, "never"), "never"),
        ((4, "at_random:probability=0.25"), "at random:probability=0.25"),
    ],
)  # fmt: skip
def test_how_often_h_asks_in_words(query: tuple[int, str], text: str) -> None:
    assert look.query_text(query) == text


def test_many_lines_differ_with_colour_and_without() -> None:
    styles = [look.style(place) for place in range(49)]
    for drawn_by in (("color", "marker"), ("color", "linestyle"), ("marker", "linestyle")):
        assert len({tuple(style[part] for part in drawn_by) for style in styles}) == 49, drawn_by


@pytest.mark.parametrize(
    ("panels", "most", "columns"), [(1, 5, 1), (5, 5, 5), (6, 5, 3), (7, 5, 4), (13, 4, 4), (13, 6, 5)]
)
def test_panels_stand_in_lines_as_even_as_can_be(panels: int, most: int, columns: int) -> None:
    assert look.across(panels, most) == columns


def test_a_long_name_keeps_to_two_lines() -> None:
    assert look.name_text("imitate", 1.0) == "imitate"
    lines = look.name_text("a method that was given a very long name indeed", 1.0).splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("\N{HORIZONTAL ELLIPSIS}")
    assert max(len(line) for line in lines) <= look.TITLE_CHARACTERS
