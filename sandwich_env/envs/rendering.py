"""Pictures of a game: text, an image array or a window, with the advice drawn as an arrow.

The drawing is python-chess's SVG. Images need `cairosvg` and the window needs `pygame`, both in the extra `render`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import chess
import chess.svg
import gymnasium
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import MissingExtraError, SpecError, did_you_mean

Image = NDArray[np.uint8]

MODES = ("ansi", "rgb_array", "human")
SIZE = 480
"""Width and height of the board, in pixels."""
FRAMES_PER_SECOND = 4
"""How fast a window shows moves at most."""

_ARROW = "#2a6fdbcc"
_BAR = 16
_LIGHT, _DARK = "#f5f5f5", "#404040"


@dataclass(frozen=True)
class Scene:
    """What is drawn.

    Attributes:
        board: the position, with its last move on the stack.
        advised: the move that the advisor recommends to the player to move, if it gave one.
        value: the value that the advisor gave, for the player to move, from -1 to 1, if it gave one.
        white_below: whether White is drawn at the bottom.
    """

    board: chess.Board
    advised: chess.Move | None = None
    value: float | None = None
    white_below: bool = True


def check_mode(mode: str | None, modes: tuple[str, ...] = MODES) -> str | None:
    """A render mode as it was given.

    Raises:
        SpecError: no such mode.
    """
    if mode is not None and mode not in modes:
        raise SpecError(f"unknown render_mode {mode!r}: {did_you_mean(str(mode), modes)}")
    return mode


def draw_text(scene: Scene) -> str:
    """The board in letters, whose turn it is, the last move and the advice, one below the other."""
    board = scene.board
    rows = str(board if scene.white_below else board.transform(chess.flip_vertical).transform(chess.flip_horizontal))
    ranks = "87654321" if scene.white_below else "12345678"
    files = "a b c d e f g h" if scene.white_below else "h g f e d c b a"
    lines = [f"{rank}  {row}" for rank, row in zip(ranks, rows.splitlines(), strict=True)]
    lines += ["", f"   {files}", ""]
    lines.append(f"{'white' if board.turn else 'black'} to move" + (", in check" if board.is_check() else ""))
    if board.move_stack:
        lines.append(f"last move: {board.peek().uci()}")
    lines.append(f"advice: {_advice_text(scene)}")
    return "\n".join(lines)


def draw_svg(scene: Scene, size: int = SIZE) -> str:
    """The board as SVG: last move and check marked, the advised move an arrow, the advised value a bar on the right.

    The bar is split at White's expected score: all light when White is said to win, half when level.
    """
    board = scene.board
    king = board.king(board.turn) if board.is_check() else None
    arrows = []
    if scene.advised is not None:
        arrows.append(chess.svg.Arrow(scene.advised.from_square, scene.advised.to_square, color=_ARROW))
    drawing = chess.svg.board(
        board,
        orientation=chess.WHITE if scene.white_below else chess.BLACK,
        lastmove=board.peek() if board.move_stack else None,
        check=king,
        arrows=arrows,
        size=size,
    )
    if scene.value is None:
        return str(drawing)
    white_share = (1 + (scene.value if board.turn == chess.WHITE else -scene.value)) / 2
    top = (1 - white_share) if scene.white_below else white_share
    above, below = (_DARK, _LIGHT) if scene.white_below else (_LIGHT, _DARK)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + _BAR}" height="{size}">{drawing}'
        f'<rect x="{size}" y="0" width="{_BAR}" height="{size}" fill="{below}"/>'
        f'<rect x="{size}" y="0" width="{_BAR}" height="{size * top:.1f}" fill="{above}"/></svg>'
    )


def draw_image(scene: Scene, size: int = SIZE) -> Image:
    """The board as an image, uint8 [size, size + 16, 3]; the strip on the right is grey where no value was given.

    Raises:
        MissingExtraError: `cairosvg` is not installed.
    """
    try:
        import cairosvg
        from PIL import Image as Pillow
    except ImportError as error:
        raise MissingExtraError("cairosvg", "render") from error
    png = cairosvg.svg2png(bytestring=draw_svg(scene, size).encode())
    with Pillow.open(io.BytesIO(png)) as picture:
        drawn = np.asarray(picture.convert("RGB"))
    image = np.full((size, size + _BAR, 3), 128, dtype=np.uint8)
    image[:, : drawn.shape[1]] = drawn
    return image


class Window:
    """A window on the screen, opened at the first picture."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._screen: Any = None
        self._clock: Any = None

    def show(self, image: Image) -> None:
        """Show an image, uint8 [height, width, 3], and wait as long as the frame rate asks.

        Raises:
            MissingExtraError: `pygame` is not installed.
        """
        try:
            import pygame
        except ImportError as error:
            raise MissingExtraError("pygame", "render") from error
        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self.title)
            self._screen = pygame.display.set_mode((image.shape[1], image.shape[0]))
            self._clock = pygame.time.Clock()
        pygame.surfarray.blit_array(self._screen, image.transpose(1, 0, 2))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(FRAMES_PER_SECOND)

    def close(self) -> None:
        """Close the window, if one is open."""
        if self._screen is not None:
            import pygame

            pygame.display.quit()
            self._screen = None


class Renderer:
    """Draws in one of the render modes.

    Args:
        mode: "ansi", "rgb_array", "human", or None for no pictures.
        title: of the window.
        modes: which of them the environment offers.

    Raises:
        SpecError: no such mode.
    """

    def __init__(self, mode: str | None, title: str, modes: tuple[str, ...] = MODES) -> None:
        self.mode = check_mode(mode, modes)
        self._window = Window(title)

    def render(self, scene: Callable[[], Scene]) -> str | Image | None:
        """Text for "ansi", an image for "rgb_array", None for "human" (a window) and, with a warning, for no mode."""
        if self.mode is None:
            gymnasium.logger.warn(
                f"render() does nothing without a render_mode: make the environment with one of {MODES}"
            )
            return None
        if self.mode == "ansi":
            return draw_text(scene())
        image = draw_image(scene())
        if self.mode == "rgb_array":
            return image
        self._window.show(image)
        return None

    def close(self) -> None:
        """Close the window, if one is open."""
        self._window.close()


def _advice_text(scene: Scene) -> str:
    parts = []
    if scene.advised is not None:
        parts.append(f"{scene.board.san(scene.advised)} ({scene.advised.uci()})")
    if scene.value is not None:
        parts.append(f"value {scene.value:+.2f} for the player to move")
    return ", ".join(parts) or "none"
