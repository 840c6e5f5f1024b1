"""Normal numbers, compiled: see `randomness.Streams.normal`."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel

U64 = np.uint64

_GOLDEN = U64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
_11, _27, _30, _31 = U64(11), U64(27), U64(30), U64(31)
_PARTS = U64(3)  # key, column and name: `mix` begins with their number
_RADIUS, _ANGLE = U64(zlib.crc32(b"radius")), U64(zlib.crc32(b"angle"))
_UNIT = 1.0 / (1 << 53)


@inlined
def _add(key: np.uint64, part: np.uint64) -> np.uint64:
    """`randomness._add`, one number at a time."""
    key = (key ^ part) + _GOLDEN
    key = (key ^ (key >> _30)) * _MIX_1
    key = (key ^ (key >> _27)) * _MIX_2
    return key ^ (key >> _31)


@kernel
def normals(
    keys: NDArray[np.uint64], rows: NDArray[np.int64], columns: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """For each of M rows and columns a number from `mix(keys[row], column, name)`, by Box and Muller; `out` [M]."""
    for i in range(len(rows)):
        key = _add(_add(_PARTS, keys[rows[i]]), U64(columns[i]))
        radius = np.sqrt(-2.0 * np.log1p(-np.float64(_add(key, _RADIUS) >> _11) * _UNIT))
        out[i] = radius * np.cos(2.0 * np.pi * (np.float64(_add(key, _ANGLE) >> _11) * _UNIT))
