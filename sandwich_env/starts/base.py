"""What starting positions are drawn from: the interface, and the plainest kind, a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import InvalidPositionError, SpecError, did_you_mean
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.reading.puzzles import Puzzle
from sandwich_env.rules import Games
from sandwich_env.specs import KINDS, Spec, Specified, from_spec

START_KINDS = ("fens", "book", "puzzles", "corpus", "endgame", "mix", "curriculum")
"""The kinds that the package brings along, for error texts."""


class Starts(Specified, ABC):
    """Draws the positions that games start from. A draw depends on the game's key and episode, and on nothing else.

    Attributes:
        has_lines: whether every start is a puzzle, so that `puzzles` tells the line that solves it.
    """

    has_lines: bool = False

    @abstractmethod
    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        """The FENs of K legal positions in which the game is not over.

        Args:
            keys: uint64 [K], the keys of the games' episodes.
            episodes: int64 [K], their numbers, from 0.
        """

    def puzzles(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[Puzzle]:
        """The puzzles whose positions `draw` gives for the same keys and episodes, [K].

        Raises:
            SpecError: not all starts are puzzles.
        """
        raise SpecError(f"{self!r} has positions but no lines that solve them: starts that are puzzles are needed")

    def close(self) -> None:
        """Release what is held (open files)."""


class Fens(Starts):
    """Positions that are listed; one is drawn by the key, each as likely as the next.

    Args:
        fens: a FEN, or several.

    Raises:
        SpecError: there is none.
        InvalidPositionError: a FEN is malformed, cannot be played on from, or the game is over there.
    """

    def __init__(self, fens: str | Sequence[str]) -> None:
        self.fens = (fens,) if isinstance(fens, str) else tuple(fens)
        if not self.fens:
            raise SpecError(f"starts is {fens!r}: give a FEN, several FENs, or None for the usual starting position")
        games = Games.from_fens(self.fens, max_plies=1)
        for fen, over in zip(self.fens, games.finished, strict=True):
            if over:
                raise InvalidPositionError(f"cannot start from {fen!r}: the game is over there")

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        return [self.fens[k] for k in pick(keys, len(self.fens))]


def pick(keys: UInt64s, count: int) -> NDArray[np.int64]:
    """Which of `count` starts each key draws, [K]."""
    return Streams(mix(keys, "start")).integers(count)


def as_starts(given: Starts | Spec | Sequence[str] | None) -> Starts | None:
    """What the argument `starts` of an environment stands for; None is the usual starting position.

    A string with a slash or a space in it is a FEN, any other the name of a kind.

    Raises:
        SpecError: an unknown kind or parameter (with the nearest right one), or a value out of range.
        InvalidPositionError: a FEN that no game can start from.
        DataError: a file that is missing, damaged, or holds no start.
    """
    if given is None or isinstance(given, Starts):
        return given
    if isinstance(given, str) and not _is_fen(given):
        given = {"kind": given}
    if not isinstance(given, Mapping):
        return Fens(given)
    kind = given.get("kind")
    if kind not in KINDS and ":" not in str(kind):
        raise SpecError(f"unknown kind of starts {kind!r}: {did_you_mean(str(kind), START_KINDS)}")
    return from_spec(given, Starts)


def _is_fen(text: str) -> bool:
    """Whether a string is meant for a FEN: a kind is a word, or `"module:Class"`."""
    return ":" not in text and ("/" in text or " " in text.strip() or not text.strip())
