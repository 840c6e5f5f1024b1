"""What is checked before a kernel sees an array: kernels themselves check nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.rules.actions import NUM_ACTIONS

_Number = TypeVar("_Number", bound=np.generic)


def output_buffer(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """The caller's buffer if it fits, or a new one.

    Raises:
        TypeError: If `out` is no array of this dtype.
        ValueError: If `out` has another shape, is not C-contiguous, or cannot be written.
    """
    if out is None:
        return np.empty(shape, dtype=dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a NumPy array, not {type(out).__name__}")
    if out.dtype != np.dtype(dtype):
        raise TypeError(f"out has dtype {out.dtype}, it needs {np.dtype(dtype)}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, it needs {shape}")
    if not out.flags.c_contiguous:
        raise ValueError("out is not C-contiguous: pass a whole array, or a slice of its first axis")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    if not out.flags.aligned:
        raise ValueError("out is not aligned in memory")
    return out


def _is_ready(array: ArrayLike, dtype: type[_Number], n: int) -> TypeGuard[NDArray[_Number]]:
    """Whether a kernel can take it as it is; the rest of the checks costs more than a step of one game."""
    return type(array) is np.ndarray and array.dtype == dtype and array.shape == (n,) and array.flags.carray


def action_array(actions: ArrayLike, n: int) -> NDArray[np.int64]:
    """Actions as int64 [n], contiguous; any integer dtype will do.

    Raises:
        TypeError: If they are not integers.
        ValueError: If there are not n of them.
    """
    if _is_ready(actions, np.int64, n):
        return actions
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        if array.size:
            raise TypeError(f"actions are integers, not {array.dtype}")
        array = array.astype(np.int64)
    if array.shape != (n,):
        raise ValueError(f"actions have shape {array.shape}, they need ({n},), one for each game")
    if array.dtype == np.uint64:
        array = np.minimum(array, NUM_ACTIONS)  # or the largest would come out as NO_ACTION
    return np.require(array, dtype=np.int64, requirements=["C", "A"])


def seed_array(seeds: ArrayLike, n: int) -> NDArray[np.uint64]:
    """Seeds as uint64 [n], contiguous.

    Raises:
        TypeError: If they are not unsigned integers, or integers that are all non-negative.
        ValueError: If there are not n of them, or one is negative.
    """
    if _is_ready(seeds, np.uint64, n):
        return seeds
    array = np.asarray(seeds)
    if array.dtype.kind not in "iu":
        if array.size:
            raise TypeError(f"seeds are integers, not {array.dtype}")
        array = array.astype(np.uint64)
    if array.shape != (n,):
        raise ValueError(f"seeds have shape {array.shape}, they need ({n},), one for each game")
    if array.dtype.kind == "i" and array.size and array.min() < 0:
        raise ValueError(f"seeds are not negative, but one is {array.min()}")
    return np.require(array, dtype=np.uint64, requirements=["C", "A"])


def game_indices(indices: ArrayLike, n: int) -> NDArray[np.int64]:
    """Game indices as int64 [k], from indices in [0, n) or from a boolean mask [n].

    Raises:
        TypeError: If they are neither integers nor booleans.
        ValueError: If the shape is wrong.
        IndexError: If one is out of range.
    """
    array = np.asarray(indices)
    if array.dtype == np.bool_:
        if array.shape != (n,):
            raise ValueError(f"the mask of games has shape {array.shape}, it needs ({n},)")
        return np.flatnonzero(array)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"game indices are integers or a boolean mask, not {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"game indices have shape {array.shape}, they need one axis")
    if array.size and not (array.min() >= 0 and array.max() < n):
        bad = array[(array < 0) | (array >= n)][0]
        raise IndexError(f"game index {bad} is out of range: there are {n} games, 0 to {n - 1}")
    return array.astype(np.int64)


def integer(name: str, value: Any, low: int, high: int) -> int:
    """A plain int in [low, high].

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is out of range.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} is between {low} and {high}, not {value!r}")
    return int(value)


def pool_of_fens(starts: Sequence[str] | None, n: int) -> list[str]:
    """The FEN of each of n games: `starts` is cycled; an empty list stands for the standard start.

    Raises:
        TypeError: If `starts` is a single string.
        ValueError: If it is empty or longer than n.
    """
    if starts is None:
        return []
    if isinstance(starts, str):
        raise TypeError(f"starts is a sequence of FENs: write [{starts!r}]")
    fens = list(starts)
    if not 1 <= len(fens) <= max(n, 1):
        raise ValueError(f"starts holds {len(fens)} FENs for {n} games: give 1 to {n}, they are cycled")
    return [fens[i % len(fens)] for i in range(n)]
