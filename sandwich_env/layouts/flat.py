"""All that is seen as one vector, for networks of dense layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import SpecError
from sandwich_env.layouts.base import BOARD, MASK, Arrays, Layout, need

_MOVES = NO_MOVE + 1


class Flat(Layout):
    """One float32 vector of everything but the mask, under `observation`; `action_mask` stays beside it.

    The board's planes come first, then the other keys in alphabetical order. A move is a one among 4673 zeros: with
    `AdvicePlanes` before it, it is two ones among 128, and with `ChannelsFirst(history=1)` before that, the vector
    has 1,920 numbers.
    """

    def space(self, space: spaces.Dict) -> spaces.Dict:
        need(self, space, BOARD, "it goes over what the environment shows")
        low, high = [], []
        for key in _order(space.spaces):
            part = space.spaces[key]
            if isinstance(part, spaces.Box) and part.dtype != np.int64:
                low.append(part.low.reshape(-1))
                high.append(part.high.reshape(-1))
            elif isinstance(part, spaces.MultiBinary) or _is_moves(part):
                size = int(np.prod(part.shape or ())) * (1 if isinstance(part, spaces.MultiBinary) else _MOVES)
                low.append(np.zeros(size))
                high.append(np.ones(size))
            else:
                raise SpecError(f"Flat cannot make a part of a vector of {key!r}, which is {part}: put it first")
        least, most = (np.concatenate(part).astype(np.float32) for part in (low, high))
        vector = {BOARD: spaces.Box(least, most, dtype=np.float32)}
        return spaces.Dict(vector | {key: part for key, part in space.spaces.items() if key == MASK})

    def __call__(self, seen: Arrays) -> Arrays:
        count = len(seen[BOARD])
        parts = []
        for key in _order(seen):
            part = seen[key]
            if part.dtype == np.int64:
                part = _one_hot(part)
            parts.append(part.reshape(count, -1))
        vector = {BOARD: np.concatenate(parts, axis=1, dtype=np.float32, casting="unsafe")}
        return vector | {key: part for key, part in seen.items() if key == MASK}


def _order(keys: Iterable[str]) -> list[str]:
    return [BOARD, *sorted(key for key in keys if key not in (BOARD, MASK))]


def _is_moves(part: spaces.Space[Any]) -> bool:
    """Whether a space is that of an action or none, or of several of these."""
    if isinstance(part, spaces.Discrete):
        return bool(part.n == _MOVES and part.start == 0)
    return isinstance(part, spaces.MultiDiscrete) and bool((part.nvec == _MOVES).all())


def _one_hot(moves: NDArray[np.int64]) -> NDArray[np.float32]:
    hot = np.zeros((*moves.shape, _MOVES), dtype=np.float32)
    np.put_along_axis(hot, moves[..., None], 1, axis=-1)
    return hot
