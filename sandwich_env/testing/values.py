"""Is a value an element of a space? As `contains`, but with a reason, and fast enough to ask at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces


def why_outside(space: spaces.Space[Any], value: Any, where: str = "observation") -> str | None:
    """What is wrong with `value` as an element of `space`; None if nothing is.

    Stricter than `contains` about arrays: their dtype has to be the space's. Spaces other than Dict, Tuple, Box,
    Discrete, MultiBinary and MultiDiscrete are asked themselves.
    """
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        return _why_outside_nested(space, value, where)
    if isinstance(space, spaces.Discrete):
        whole = isinstance(value, (int, np.integer)) or (
            isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu"
        )
        if not whole or isinstance(value, bool):
            return f"{where} is a {type(value).__name__}, not a whole number"
        inside = space.start <= int(value) < space.start + space.n
        return None if inside else f"{where} is {value}, outside {space}"
    if isinstance(space, (spaces.Box, spaces.MultiBinary, spaces.MultiDiscrete)):
        return _why_outside_array(space, value, where)
    return None if space.contains(value) else f"{where} is {value!r}, outside {space}"


def _why_outside_nested(space: spaces.Dict | spaces.Tuple[Any], value: Any, where: str) -> str | None:
    if isinstance(space, spaces.Dict):
        if not isinstance(value, dict) or value.keys() != space.spaces.keys():
            keys = sorted(value) if isinstance(value, dict) else type(value).__name__
            return f"{where} holds {keys}, not {sorted(space.spaces)}"
        parts = [(part, value[key], f"{where}[{key!r}]") for key, part in space.spaces.items()]
    else:
        if not isinstance(value, tuple) or len(value) != len(space.spaces):
            return f"{where} is {value!r}, not a tuple of {len(space.spaces)}"
        parts = [(part, value[k], f"{where}[{k}]") for k, part in enumerate(space.spaces)]
    return next((why for part, one, there in parts if (why := why_outside(part, one, there))), None)


def _why_outside_array(space: Any, value: Any, where: str) -> str | None:
    if not isinstance(value, np.ndarray):
        return f"{where} is a {type(value).__name__}, not an array"
    if value.shape != space.shape:
        return f"{where} has the shape {value.shape}, not {space.shape}"
    if value.dtype != space.dtype:
        return f"{where} has the dtype {value.dtype}, not {space.dtype}"
    if value.size == 0 or value.dtype == np.bool_:
        return None
    if isinstance(space, spaces.Box):
        inside = np.logical_and(value >= space.low, value <= space.high)  # false where a value is NaN
    elif isinstance(space, spaces.MultiBinary):
        inside = np.logical_or(value == 0, value == 1)
    else:
        inside = np.logical_and(value >= space.start, value < space.start + space.nvec)
    if inside.all():
        return None
    at = tuple(int(k) for k in np.argwhere(~inside)[0])
    return f"{where}{list(at)} is {value[at]}, outside {space}"
