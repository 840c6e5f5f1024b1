"""Random numbers that belong to a game, not to a batch.

A game must come out the same alone and among a thousand others, before and after a restart. So nothing here keeps a
state: every number is a hash of the game's key, of what it is drawn for, and of how many were drawn before it
(a counter-based generator, as in Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", with the
finalizer of SplitMix64, Steele et al. 2014).
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

UInt64s = NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1
_FEW = 8  # so few numbers are faster as Python's than as arrays
_PAGE_BITS = 32  # more numbers than anybody draws from a page


def mix(*parts: ArrayLike | str) -> UInt64s:
    """Hash integers, arrays of integers or names into uint64 keys, broadcast against each other; at least 1-D.

    Raises:
        TypeError: a part is neither a name nor made of integers of 64 bits or fewer.
    """
    # The number of parts comes first, so that mix(a, b, 0) is not mix(mix(a, b)).
    key, axes = len(parts), 1
    for k, part in enumerate(parts):
        if isinstance(part, str):
            number = zlib.crc32(part.encode())
        else:
            array = np.asarray(part)
            if array.dtype.kind not in "iub":
                raise TypeError(f"a key is mixed from names and 64-bit integers, not from {part!r}")
            if array.size != 1:
                if array.size <= _FEW and array.ndim == axes == 1:
                    return _mix_few(key, array, parts[k:])
                return _mix_arrays(np.full((1,) * axes, key, dtype=np.uint64), parts[k:])
            number, axes = int(array.item()), max(axes, array.ndim)
        key = _mix_number(key, number)  # as long as it is one number, Python is much faster than NumPy
    return np.array([key], dtype=np.uint64).reshape((1,) * axes)


def _mix_number(key: int, number: int) -> int:
    """Hash one more number into a key: `_mix_arrays` for one."""
    key = ((key ^ (number & _MASK)) + _GOLDEN) & _MASK
    key = ((key ^ (key >> 30)) * _MIX_1) & _MASK
    key = ((key ^ (key >> 27)) * _MIX_2) & _MASK
    return key ^ (key >> 31)


def _mix_few(key: int, first: NDArray[Any], parts: tuple[ArrayLike | str, ...]) -> UInt64s:
    """`_mix_arrays` for a few numbers, of which `first` holds those of the first part."""
    columns = [first.tolist()]
    for part in parts[1:]:
        number = np.asarray(zlib.crc32(part.encode()) if isinstance(part, str) else part)
        if number.shape not in {(), (1,), first.shape} or number.dtype.kind not in "iub":
            return _mix_arrays(np.array([key], dtype=np.uint64), parts)
        columns.append(number.tolist() if number.shape == first.shape else [number.item()] * len(first))
    keys = [functools.reduce(_mix_number, numbers, key) for numbers in zip(*columns, strict=True)]
    return np.array(keys, dtype=np.uint64)


def _mix_arrays(key: UInt64s, parts: tuple[ArrayLike | str, ...]) -> UInt64s:
    """Hash more parts into keys."""
    for part in parts:
        number = np.asarray(zlib.crc32(part.encode()) if isinstance(part, str) else part)
        if number.dtype.kind not in "iub":
            raise TypeError(f"a key is mixed from names and 64-bit integers, not from {part!r}")
        key = key ^ number.astype(np.uint64)
        key += np.uint64(_GOLDEN)  # arrays wrap around without a warning; in place, for keys may be many
        key ^= key >> np.uint64(30)
        key *= np.uint64(_MIX_1)
        key ^= key >> np.uint64(27)
        key *= np.uint64(_MIX_2)
        key ^= key >> np.uint64(31)
    return key


class Streams:
    """One independent stream of random numbers for each of N games, drawn for all of them at once.

    Each call draws new numbers; the same keys and the same calls give the same numbers, whatever else is in the batch.

    Args:
        keys: uint64 [N], one for each game; make them with `mix`.
        page: a number, integers [N] from 0, or a function that gives these and is called when the first number is
            drawn: each page of a stream is a stream of its own. It is cheaper than keys mixed anew for each ply.
        origin: uint64 [N], for keys that are mixed anew for each ply: what the game's plies have in common.

    Attributes:
        keys: uint64 [N].
        origin: uint64 [N], as given; else the keys of the streams that these are children of, at whatever remove; their
            own keys if they are nobody's. Where a game has one stream, and each of its plies a child, they are the
            game's name.
    """

    def __init__(
        self,
        keys: ArrayLike,
        page: int | NDArray[np.int64] | Callable[[], NDArray[np.int64]] = 0,
        *,
        origin: UInt64s | None = None,
    ) -> None:
        if type(keys) is np.ndarray and keys.dtype == np.uint64 and keys.ndim == 1:
            self.keys: UInt64s = keys
        else:
            self.keys = np.atleast_1d(np.asarray(keys, dtype=np.uint64))
        self.origin = self.keys if origin is None else origin
        self._page = page
        self._draws = 0

    def __len__(self) -> int:
        return len(self.keys)

    def child(self, *parts: ArrayLike | str) -> Streams:
        """Streams for another purpose, independent of these and of their other children."""
        keys = np.broadcast_to(mix(self.keys, "child", *parts), self.keys.shape)
        return Streams(keys, self._pages(), origin=self.origin)

    def select(self, rows: ArrayLike) -> Streams:
        """The streams of some of the games (indices or a boolean mask), at the point that these have reached."""
        index, page = np.asarray(rows), self._pages()
        pages = page[index] if isinstance(page, np.ndarray) else page
        chosen = Streams(self.keys[index], pages, origin=self.origin[index])
        chosen._draws = self._draws
        return chosen

    def seeds(self) -> UInt64s:
        """Seeds for something that hashes them with a game's ply, as `Games.sample` does, [N]; alike on every page.

        They may be the keys themselves: not to be written to.
        """
        self._draws += 1
        return self.keys if self._draws == 1 else self.keys + np.uint64(self._draws * _MIX_1 & _MASK)

    def random(self) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1), [N]."""
        return _to_unit(mix(self.keys, self._next()))

    def integers(self, high: ArrayLike) -> NDArray[np.int64]:
        """Uniform integers from 0 to `high` - 1, [N]; `high` is a positive number or one for each game."""
        drawn: NDArray[np.int64] = (self.random() * np.asarray(high)).astype(np.int64)
        return drawn

    def normal(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Standard normal numbers where `mask` [N, K] is true, 0 elsewhere, [N, K] (Box and Muller 1958).

        The number in a column does not depend on which other columns are asked for.
        """
        rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])  # much faster than nonzero in two dimensions
        numbers: NDArray[np.float64] = np.zeros(mask.shape, dtype=np.float64)
        numbers[rows, columns] = self.normal_at(rows, columns)
        return numbers

    def normal_at(self, rows: ArrayLike, columns: ArrayLike) -> NDArray[np.float64]:
        """The numbers that `normal` would put into some of the rows and columns [M], without the others, [M].

        Raises:
            ValueError, IndexError: `rows` and `columns` are not M rows, each with its column.
        """
        from sandwich_env import _randomness_kernels as kernels  # Numba is imported when noise is first needed

        where, at = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        if where.shape != at.shape or where.ndim != 1:
            raise ValueError(f"rows and columns are two arrays [M], not of shapes {where.shape} and {at.shape}")
        if len(where) and not 0 <= where.min() <= where.max() < len(self):
            raise IndexError(f"rows go from 0 to {len(self) - 1}, not from {where.min()} to {where.max()}")
        keys = np.broadcast_to(mix(self.keys, self._next()), self.keys.shape)
        numbers: NDArray[np.float64] = np.empty(len(where), dtype=np.float64)
        kernels.normals(np.ascontiguousarray(keys), np.ascontiguousarray(where), np.ascontiguousarray(at), numbers)
        return numbers

    def choice(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """A uniformly drawn true column of each row of `mask` [N, K]; -1 in a row with none, [N]."""
        rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
        counts = np.bincount(rows, minlength=len(mask))
        rank = self.integers(np.maximum(counts, 1))
        columns = np.append(columns, -1)
        chosen: NDArray[np.int64] = columns[np.where(counts > 0, np.cumsum(counts) - counts + rank, -1)]
        return chosen

    def sample(self, logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.int64]:
        """A column of each row of `logits` [N, K] drawn from softmax(logits / temperature), [N]; -1 if all are -inf."""
        best = logits.max(axis=1).astype(np.float64)
        some = np.isfinite(best)
        with np.errstate(over="ignore"):  # a very small temperature makes every logit but the best one -inf
            weights = np.exp((logits - np.where(some, best, 0.0)[:, None]) / temperature)
        total = np.cumsum(weights, axis=1)
        # Above 0, so that a leading column of weight 0 is never drawn.
        at = np.argmax(total >= (1.0 - self.random())[:, None] * total[:, -1:], axis=1)
        return np.where(some, at, -1)

    def generators(self) -> list[np.random.Generator]:
        """One NumPy generator for each game, for whatever is not offered above."""
        seeds = mix(self.keys, self._next())
        return [np.random.Generator(np.random.Philox(int(seed))) for seed in seeds]

    def _next(self) -> int | NDArray[np.int64]:
        self._draws += 1
        return (self._pages() << _PAGE_BITS) + self._draws

    def _pages(self) -> int | NDArray[np.int64]:
        if callable(self._page):
            self._page = self._page()
        return self._page


def _to_unit(keys: UInt64s) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = (keys >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))
    return unit
