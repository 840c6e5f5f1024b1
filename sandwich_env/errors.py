"""Every error that the package raises on purpose, those of the system that end all work, and help for error texts.

Each class also derives from the built-in that fits, so that `except ValueError` keeps working.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

EXHAUSTED = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM")
    if hasattr(errno, name)  # not every system has quotas
)
"""Numbers of the system's errors that say that the disk, memory or open files are at an end."""


class SandwichError(Exception):
    """Base of every error that this package raises on purpose."""


class IllegalActionError(SandwichError, ValueError):
    """An action that is not legal in the position it was sent to."""


class GameOverError(SandwichError, RuntimeError):
    """A step was asked of a game that has ended."""


class InvalidPositionError(SandwichError, ValueError):
    """A FEN that is malformed, or a position that chess cannot reach or play on from."""


class SpecError(SandwichError, ValueError):
    """A spec or a config with an unknown name, an unknown key or a value out of range."""


class AdviceError(SandwichError, ValueError):
    """An advisor's answer that no player could be shown: too few rows, a move that is none, a value off the scale."""


class EngineError(SandwichError, RuntimeError):
    """A UCI engine that is not there, died, hung or answered nonsense, after it was restarted and asked again."""


class WeightsError(SandwichError, ValueError):
    """Weights that are not safetensors, are truncated, or belong to another architecture."""


class DataError(SandwichError, ValueError):
    """A file of games, puzzles, labels or openings that is empty, truncated or not what it should be."""


class TooSmallGapError(SandwichError, ValueError):
    """The strength of E less that of H is too small to divide by, so that PGR would be noise."""


class RunLockedError(SandwichError, RuntimeError):
    """Another process is at work in the folder of this run."""


class NothingToLearnError(DataError):
    """Games of which a method takes nothing: H stays as it is."""


class DivergedError(SandwichError, RuntimeError):
    """A fit whose loss is no finite number any more: it would go on to ruin the network."""


class MissingExtraError(SandwichError, ImportError):
    """A library is missing that one of the package's extras installs."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library!r} is not installed: pip install 'sandwich_env[{extra}]'")


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Put around imports: a library that is missing is named with the extra, or extras, that install it.

    Raises:
        MissingExtraError: a module was not found.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name).partition(".")[0], extra) from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A clause for the end of an error text that names the nearest known name, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
