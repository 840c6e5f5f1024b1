"""The board's planes as convolutions want them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.layouts.base import BOARD, Arrays, Layout, board_axis, box
from sandwich_env.rules import OBSERVATION_SHAPE
from sandwich_env.rules.buffers import MAX_HISTORY, observation_shape
from sandwich_env.specs import check_count

_CHANNELS = OBSERVATION_SHAPE[-1]


class ChannelsFirst(Layout):
    """The board's planes as float32 [C, 8, 8], of as many positions back as one likes.

    Planes that another layout put behind the board's stay behind them.

    Args:
        history: how many positions are kept, from the present one back: 8 (default) are all 111 planes, 1 are the 20
            that the shipped networks see (`Games.observe(history=1)`).
    """

    def __init__(self, history: int = MAX_HISTORY) -> None:
        self.history = check_count("history", history)
        if history > MAX_HISTORY:
            raise SpecError(f"history is {history!r}: an observation holds {MAX_HISTORY} positions")

    def space(self, space: spaces.Dict) -> spaces.Dict:
        if board_axis(self, space) == 0:
            raise SpecError(f"ChannelsFirst is given planes with the channels first already: {space.spaces[BOARD]}")
        board = box(self, space)
        if board.shape[-1] < _CHANNELS:
            raise SpecError(f"ChannelsFirst wants the {_CHANNELS} planes of a board, not {board}")
        low, high = (self._turn(bound[None])[0] for bound in (board.low, board.high))
        return spaces.Dict(dict(space.spaces) | {BOARD: spaces.Box(low, high, dtype=np.float32)})

    def __call__(self, seen: Arrays) -> Arrays:
        return seen | {BOARD: self._turn(seen[BOARD])}

    def _turn(self, planes: NDArray[Any]) -> NDArray[np.float32]:
        """[N, 8, 8, C] to float32 [N, C', 8, 8]."""
        first = np.moveaxis(planes, 3, 1)
        kept = observation_shape(self.history)[-1]
        if kept < _CHANNELS:
            first = np.concatenate([first[:, :kept], first[:, _CHANNELS:]], axis=1)
        return np.ascontiguousarray(first, dtype=np.float32)
