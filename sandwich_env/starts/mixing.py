"""Starts made of other starts: drawn among them, or in stages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.reading.puzzles import Puzzle
from sandwich_env.specs import Spec, check_count, check_scale
from sandwich_env.starts.base import Starts, as_starts


class Compound(Starts):
    """Starts that are drawn from one of several others."""

    def __init__(self, name: str, parts: Sequence[Starts | Spec]) -> None:
        """Check and make the parts; `name` is what they are called."""
        if isinstance(parts, (str, Starts)) or not len(parts):
            raise SpecError(f"{name} is {parts!r}: give several starts, or their specs")
        self._parts = [_made(part, name) for part in parts]
        self.has_lines = all(part.has_lines for part in self._parts)

    @abstractmethod
    def choose(self, keys: UInt64s, episodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which part each of K starts is drawn from, [K]."""

    def draw(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[str]:
        return self._gather(keys, episodes, lambda part, *drawn: part.draw(*drawn))

    def puzzles(self, keys: UInt64s, episodes: NDArray[np.int64]) -> list[Puzzle]:
        return self._gather(keys, episodes, lambda part, *drawn: part.puzzles(*drawn))

    def _gather(self, keys: UInt64s, episodes: NDArray[np.int64], ask: Callable[..., list[Any]]) -> list[Any]:
        which = self.choose(keys, episodes)
        inside = mix(keys, "part") if len(keys) else keys  # a part may be as this is, and must draw numbers of its own
        found = np.empty(len(keys), dtype=object)
        for k in set(which.tolist()):
            rows = np.flatnonzero(which == k)
            for row, one in zip(rows.tolist(), ask(self._parts[k], inside[rows], episodes[rows]), strict=True):
                found[row] = one
        return list(found)

    def close(self) -> None:
        for part in self._parts:
            part.close()


class Mix(Compound):
    """Each start is drawn from one of several others.

    Args:
        parts: `Starts`, their specs, or FENs.
        weights: how likely each of them is, in any measure; without, all alike.

    Raises:
        SpecError: no parts, another number of weights than of parts, or weights that are negative or all 0.
    """

    def __init__(self, parts: Sequence[Starts | Spec], weights: Sequence[float] | None = None) -> None:
        super().__init__("parts", parts)
        self.parts = self._parts
        self.weights = None if weights is None else [float(check_scale("a weight", weight)) for weight in weights]
        shares = np.ones(len(self.parts)) if self.weights is None else np.array(self.weights)
        if len(shares) != len(self.parts) or not shares.sum() > 0:
            raise SpecError(
                f"weights is {weights!r}: give one for each of the {len(self.parts)} parts, not all of them 0"
            )
        self._bounds = np.cumsum(shares) / shares.sum()

    def choose(self, keys: UInt64s, episodes: NDArray[np.int64]) -> NDArray[np.int64]:
        drawn = np.searchsorted(self._bounds, Streams(mix(keys, "mix")).random(), side="right")
        return np.asarray(drawn, dtype=np.int64)


class Curriculum(Compound):
    """Starts in stages, by the number of the episode in its game's series.

    Each game of a vector environment counts its own episodes, and a reset with a seed begins again with the first.

    Args:
        stages: `Starts`, their specs, or FENs, one for each stage.
        until: the episode at which each stage but the last gives way to the next, ascending: [100, 300] is a first
            stage of 100 episodes, a second of 200, and a third for the rest.

    Raises:
        SpecError: no stages, or numbers that do not fit them.
    """

    def __init__(self, stages: Sequence[Starts | Spec], until: Sequence[int]) -> None:
        super().__init__("stages", stages)
        self.stages = self._parts
        self.until = [int(check_count("until", episode)) for episode in until]
        if len(self.until) != len(self.stages) - 1 or any(late <= soon for soon, late in pairwise(self.until)):
            raise SpecError(
                f"until is {until!r}: {len(self.stages)} stages need {len(self.stages) - 1} episodes, ascending, "
                "at which the next stage begins"
            )

    def choose(self, keys: UInt64s, episodes: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.searchsorted(np.array(self.until), episodes, side="right"), dtype=np.int64)


def _made(part: Starts | Spec, name: str) -> Starts:
    made = as_starts(part)
    if made is None:
        raise SpecError(f"one of {name} is None: give its starts, or a FEN of the usual position")
    return made
