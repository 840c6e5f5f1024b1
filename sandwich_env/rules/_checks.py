"""What is checked before a kernel sees an array: kernels themselves check nothing."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.rules.actions import NUM_ACTIONS

_Number = TypeVar("_Number", bound=np.generic)


def output_buffer(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """The caller's buffer if it fits, or a new one.

    Raises:
        TypeError: If `out` is no plain array of this dtype: a masked array or a matrix is none, a memory map is.
        ValueError: If `out` has another shape, is not C-contiguous, or cannot be written.
    """
    if out is None:
        return np.empty(shape, dtype=dtype)
    if type(out) is not np.ndarray and type(out) is not np.memmap:
        raise TypeError(f"out is a plain NumPy array, not {type(out).__name__}")
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
        array = np.empty(array.shape, dtype=np.int64)
    if array.shape != (n,):
        raise ValueError(f"actions have shape {array.shape}, they need ({n},), one for each game")
    if array.dtype.kind == "u" and array.itemsize == 8:
        array = np.minimum(array, NUM_ACTIONS)  # or the largest would come out as NO_ACTION
    return np.require(array, dtype=np.int64, requirements=["C", "A", "W"])


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
        array = np.empty(array.shape, dtype=np.uint64)
    if array.shape != (n,):
        raise ValueError(f"seeds have shape {array.shape}, they need ({n},), one for each game")
    if array.dtype.kind == "i" and array.size and array.min() < 0:
        raise ValueError(f"seeds are not negative, but one is {array.min()}")
    return np.require(array, dtype=np.uint64, requirements=["C", "A", "W"])


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


def game_index(i: Any, n: int) -> int:
    """The index of one game as a plain int in [0, n).

    Raises:
        TypeError: If it is no integer.
        IndexError: If it is out of range.
    """
    if isinstance(i, (bool, np.bool_)):
        raise TypeError(f"a game index is an integer, not {i!r}")
    try:
        index = operator.index(i)
    except TypeError:
        raise TypeError(f"a game index is an integer, not {i!r}") from None
    if not 0 <= index < n:
        raise IndexError(f"game index {i!r} is out of range: there are {n} games, 0 to {n - 1}")
    return index


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


def boolean(name: str, value: Any) -> bool:
    """A plain bool.

    Raises:
        TypeError: If it is none: `"no"` and `[False]` would be true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, not {value!r}")
    return bool(value)


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


class RecordedGames(NamedTuple):
    """What stands in the state of some games, its shapes, types and ranges checked; the moves may still be illegal."""

    max_plies: int
    claim_draws: bool
    starts: list[str]
    plies: NDArray[np.int64]
    moves: NDArray[np.int64]


def recorded_games(state: Mapping[str, Any], version: int) -> RecordedGames:
    """Read a `Games.state()`.

    Raises:
        TypeError: If it is no mapping.
        ValueError: If an entry is missing, of another version, or not of its type, shape and range.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"the state of games is a mapping of arrays, not {type(state).__name__}")
    missing = {"version", "max_plies", "claim_draws", "starts", "ply", "moves"} - set(state)
    if missing:
        raise ValueError(f"the state of the games lacks {', '.join(sorted(missing))}")
    found = int(_entry(state, "version", "iu", 0))
    if found != version:
        raise ValueError(f"the state of the games has version {found}, not {version}")
    max_plies = int(_entry(state, "max_plies", "iu", 0))
    starts = [str(fen) for fen in _entry(state, "starts", "U", 1)]
    plies = _entry(state, "ply", "iu", 1)
    moves = _entry(state, "moves", "iu", 2)
    if plies.shape != (len(starts),) or len(moves) != len(starts):
        raise ValueError(
            f"the state has {len(starts)} starts, but ply has shape {plies.shape} and moves have shape {moves.shape}"
        )
    if plies.size and not 0 <= plies.min() <= plies.max() <= min(moves.shape[1], max_plies):
        raise ValueError("a game's ply is negative or beyond its recorded moves")
    plies = plies.astype(np.int64)
    played = np.arange(moves.shape[1]) < plies[:, None]
    wrong = np.argwhere(played & ((moves < 0) | (moves >= NUM_ACTIONS)))
    if len(wrong):
        game, ply = wrong[0]
        raise ValueError(
            f"the recorded moves are not legal: game {game} has action {moves[game, ply]} at ply {ply}, "
            f"which is out of range [0, {NUM_ACTIONS})"
        )
    return RecordedGames(max_plies, bool(_entry(state, "claim_draws", "b", 0)), starts, plies, moves.astype(np.int64))


def _entry(state: Mapping[str, Any], name: str, kinds: str, ndim: int) -> NDArray[Any]:
    array = np.asarray(state[name])
    if array.ndim != ndim or array.dtype.kind not in kinds:
        what = {"iu": "integers", "U": "strings", "b": "booleans"}[kinds]
        raise ValueError(
            f"the state's {name} has shape {array.shape} and dtype {array.dtype}: it needs {what}, {ndim}-dimensional"
        )
    return array
