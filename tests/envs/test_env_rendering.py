"""Pictures: what is drawn, and that nothing is drawn that the player does not see."""

from __future__ import annotations

import builtins
from typing import Any

import chess
import numpy as np
import pytest

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.rendering import MODES, SIZE, Scene, Window, draw_image, draw_svg, draw_text
from sandwich_env.envs.single import ChessEnv
from sandwich_env.errors import MissingExtraError, SpecError

HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
ARROW = (42, 111, 219)


def scene(*moves: str, **more: Any) -> Scene:
    board = chess.Board()
    for move in moves:
        board.push_san(move)
    return Scene(board, **more)


def colour(image: Any, square: str, at: tuple[float, float] = (0.5, 0.5), white_below: bool = True) -> tuple[int, ...]:
    """The colour of a point of a square, as shares of its width from the left and of its height from the top."""
    place = chess.parse_square(square)
    column, row = (place % 8, 7 - place // 8) if white_below else (7 - place % 8, place // 8)
    margin = SIZE * 15 / 390  # python-chess draws 8 squares of 45 and a frame of 15 around them
    cell = SIZE * 45 / 390
    return tuple(int(c) for c in image[int(margin + (row + at[1]) * cell), int(margin + (column + at[0]) * cell)])


def near(one: tuple[int, ...], other: tuple[int, ...], distance: int = 60) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < distance


def test_text_shows_board_turn_last_move_and_advice() -> None:
    shown = draw_text(scene("e4", advised=chess.Move.from_uci("g8f6"), value=-0.25))
    assert shown.splitlines() == [
        "8  r n b q k b n r",
        "7  p p p p p p p p",
        "6  . . . . . . . .",
        "5  . . . . . . . .",
        "4  . . . . P . . .",
        "3  . . . . . . . .",
        "2  P P P P . P P P",
        "1  R N B Q K B N R",
        "",
        "   a b c d e f g h",
        "",
        "black to move",
        "last move: e2e4",
        "advice: Nf6 (g8f6), value -0.25 for the player to move",
    ]


def test_text_from_blacks_side_is_turned_around() -> None:
    lines = draw_text(scene("e4", white_below=False)).splitlines()
    assert lines[0] == "1  R N B K Q B N R"
    assert lines[3] == "4  . . . P . . . ."
    assert lines[9] == "   h g f e d c b a"
    assert lines[-1] == "advice: none"


def test_text_names_a_check() -> None:
    assert "white to move, in check" in draw_text(scene("f3", "e5", "g4", "Qh4"))


def test_the_image_shows_the_advice_as_an_arrow() -> None:
    pytest.importorskip("cairosvg")
    plain, advised = draw_image(scene()), draw_image(scene(advised=chess.Move.from_uci("e2e4")))
    assert plain.shape == advised.shape == (SIZE, SIZE + 16, 3)
    assert plain.dtype == np.uint8
    assert near(colour(advised, "e3"), ARROW)
    assert not near(colour(plain, "e3"), ARROW)
    turned = draw_image(scene(advised=chess.Move.from_uci("e2e4"), white_below=False))
    assert near(colour(turned, "e3", white_below=False), ARROW)


def test_the_image_marks_last_move_and_check() -> None:
    pytest.importorskip("cairosvg")
    before, after = draw_image(scene("f3", "e5", "g4")), draw_image(scene("f3", "e5", "g4", "Qh4"))
    corner = (0.1, 0.1)
    assert not near(colour(after, "d8", corner), colour(before, "d8", corner), 20)
    red, green, blue = colour(after, "e1", (0.5, 0.05))
    assert red > green + 40
    assert red > blue + 40


@pytest.mark.parametrize(("value", "white_below", "light"), [(1.0, True, 1.0), (0.0, True, 0.5), (-0.5, False, 0.25)])
def test_the_bar_shows_the_value_from_whites_side(value: float, white_below: bool, light: float) -> None:
    pytest.importorskip("cairosvg")
    bar = draw_image(scene(value=value, white_below=white_below))[:, SIZE + 8, 0] > 128
    assert bar.mean() == pytest.approx(light, abs=0.01)
    assert bar[-1] == white_below or light == 1.0


def test_svg_without_a_value_has_no_bar() -> None:
    assert f'width="{SIZE + 16}"' not in draw_svg(scene())
    assert f'width="{SIZE + 16}"' in draw_svg(scene(value=0.0))


def test_the_environment_draws_the_advice_that_the_player_sees() -> None:
    env = ChessEnv(advisor=HONEST, render_mode="ansi", opponent="random", learner_color="black", asks="move")
    env.reset(seed=0)
    lines = env.render().splitlines()
    assert lines[0].startswith("1")
    assert lines[-1].startswith("advice: ")
    assert "value" not in lines[-1]
    assert lines[-1] != "advice: none"


def test_without_a_mode_nothing_is_drawn_and_that_is_said() -> None:
    env = sandwich_chess_v0.raw_env()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="does nothing without a render_mode"):
        assert env.render() is None


def test_the_window_shows_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    pygame = pytest.importorskip("pygame")
    pytest.importorskip("cairosvg")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("sandwich_env.envs.rendering.FRAMES_PER_SECOND", 1000)
    env = ChessEnv(render_mode="human")
    env.reset(seed=0)
    before = pygame.surfarray.array3d(pygame.display.get_surface())
    env.step(env._core.games.sample([0])[0])
    after = pygame.surfarray.array3d(pygame.display.get_surface())
    assert before.shape == (SIZE + 16, SIZE, 3)
    assert not np.array_equal(before, after)
    assert env.render() is None
    env.close()
    env.close()
    assert pygame.display.get_surface() is None


@pytest.mark.parametrize("library", ["cairosvg", "pygame"])
def test_a_missing_library_is_named_with_its_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == library:
            raise ImportError(name)
        return real(name, *rest)

    def draw() -> None:
        if library == "cairosvg":
            draw_image(scene())
        else:
            Window("").show(np.zeros((2, 2, 3), dtype=np.uint8))

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtraError, match=rf"'{library}' is not installed: pip install 'sandwich_env\[render\]'"):
        draw()


def test_an_unknown_mode_is_answered_with_the_known() -> None:
    with pytest.raises(SpecError, match="unknown render_mode 'asci': did you mean 'ansi'"):
        sandwich_chess_v0.env(render_mode="asci")
    assert sandwich_chess_v0.env().metadata["render_modes"] == list(MODES)
