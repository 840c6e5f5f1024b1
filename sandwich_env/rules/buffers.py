"""The shapes of what a player sees, and the buffers that it is written to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import _layout as layout
from sandwich_env.rules._checks import integer, output_buffer
from sandwich_env.rules.actions import NUM_ACTIONS

MAX_HISTORY = layout.HISTORY
OBSERVATION_SHAPE = (8, 8, layout.CHANNELS)
PACKED_SHAPE = (layout.CHANNELS, 8)
PACKED_MASK_BYTES = NUM_ACTIONS // 8

_BOOL, _INT8 = np.dtype(np.bool_), np.dtype(np.int8)


def observation_shape(history: int = MAX_HISTORY) -> tuple[int, int, int]:
    """Shape of one observation that holds the last `history` positions: (8, 8, 7 + 13 * history)."""
    return (8, 8, layout.AUXILIARY_CHANNELS + layout.BOARD_CHANNELS * integer("history", history, 1, MAX_HISTORY))


_CHANNELS = frozenset(observation_shape(history)[-1] for history in range(1, MAX_HISTORY + 1))


def observation_buffer(out: NDArray[Any], n: int) -> NDArray[Any]:
    """A buffer for observations of n games, packed if it is uint8, of as many positions as its shape says.

    Raises:
        TypeError: If it is no array of booleans or of uint8.
        ValueError: If it has another shape, is not C-contiguous, or cannot be written.
    """
    packed = isinstance(out, np.ndarray) and out.dtype == np.uint8
    at = 1 if packed else 3
    channels = out.shape[at] if isinstance(out, np.ndarray) and out.ndim > at else 0
    if channels not in _CHANNELS:
        channels = layout.CHANNELS
    if packed:
        return output_buffer(out, (n, channels, 8), np.uint8)
    if type(out) is np.ndarray and out.dtype is _BOOL and out.shape == (n, 8, 8, channels) and out.flags.carray:
        return out
    return output_buffer(out, (n, 8, 8, channels), np.bool_)


def mask_buffer(out: NDArray[Any], n: int) -> NDArray[Any]:
    """A buffer for masks of n games, packed if it is uint8.

    Raises:
        TypeError: If it is no array of int8 or of uint8.
        ValueError: If it has another shape, is not C-contiguous, or cannot be written.
    """
    if type(out) is np.ndarray and out.dtype is _INT8 and out.shape == (n, NUM_ACTIONS) and out.flags.carray:
        return out
    if isinstance(out, np.ndarray) and out.dtype == np.uint8:
        return output_buffer(out, (n, PACKED_MASK_BYTES), np.uint8)
    return output_buffer(out, (n, NUM_ACTIONS), np.int8)
