"""What the players of a batch of games see: planes and masks, plain or packed into bits."""

from __future__ import annotations

import functools
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules._checks import output_buffer
from sandwich_env.rules.actions import NUM_ACTIONS
from sandwich_env.rules.buffers import (
    MAX_HISTORY,
    PACKED_MASK_BYTES,
    mask_buffer,
    observation_buffer,
    observation_shape,
)
from sandwich_env.rules.standing import Standing
from sandwich_env.rules.team import GAMES_PER_THREAD, Work, share

View = Literal["mover", "white", "black"]
_VIEWS: dict[str, int] = {"mover": 0, "white": 1, "black": 2}


@functools.cache
def playing_kernels() -> Any:
    """The compiled kernels; Numba is imported here, when the first games are made, and not before."""
    from sandwich_env.rules import _kernels as kernels

    return kernels


@functools.cache
def packed_kernels() -> Any:
    from sandwich_env.rules import _packed as kernels

    return kernels


class Sight(Standing):
    """The part of `Games` that writes observations and masks."""

    _legal: NDArray[np.uint16]
    _history: NDArray[np.uint16]
    _threads: int

    def __len__(self) -> int:
        return len(self._state)

    def legal_mask(self, out: NDArray[np.int8] | None = None) -> NDArray[np.int8]:
        """Which actions are legal.

        Args:
            out: A buffer to write to: int8 [N, 4672], C-contiguous. None makes a new one.

        Returns:
            int8 [N, 4672]: 1 where legal. All 0 once a game is over.
        """
        mask = output_buffer(out, (len(self), NUM_ACTIONS), np.int8)
        self._share(self._mask_writer(mask), len(self))
        return mask

    def legal_actions(self) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """The legal actions of all games, one game after the other: what the mask holds, in a fraction of the bytes.

        Returns:
            uint16 [M], and how many of them each game has, int64 [N]. Equal positions have theirs in the same order.
        """
        counts = self.legal_counts
        listed = np.arange(counts.max(initial=0)) < counts[:, None]
        return self._legal[:, : listed.shape[1]][listed], counts

    def legal_mask_packed(self, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """`legal_mask` with eight actions to a byte: `numpy.packbits(mask, axis=-1, bitorder="little")`.

        Args:
            out: A buffer to write to: uint8 [N, 584], C-contiguous. None makes a new one.

        Returns:
            uint8 [N, 584]. `sandwich_env.nets.packed.unpack_mask` unpacks it on the device.
        """
        mask = output_buffer(out, (len(self), PACKED_MASK_BYTES), np.uint8)
        self._share(self._mask_writer(mask), len(self))
        return mask

    def observe(
        self, out: NDArray[np.bool_] | None = None, history: int = MAX_HISTORY, view: View = "mover"
    ) -> NDArray[np.bool_]:
        """The planes of chess_v6, its defects mended; `docs/rules.md` draws them.

        Args:
            out: A buffer to write to: bool [N, 8, 8, 7 + 13 * history], C-contiguous. None makes a new one.
            history: How many positions to show, 1 to 8, the current one first. Networks here look at one.
            view: Whose eyes: the side to move's, or always White's or Black's.

        Returns:
            bool [N, 8, 8, 7 + 13 * history], the viewer's first rank in row 7 and the a-file in column 0.
        """
        planes = output_buffer(out, (len(self), *observation_shape(history)), np.bool_)
        self._share(self._planes_writer(planes, view), len(self))
        return planes

    def observe_packed(
        self, out: NDArray[np.uint8] | None = None, history: int = MAX_HISTORY, view: View = "mover"
    ) -> NDArray[np.uint8]:
        """`observe` with eight squares to a byte, an eighth of its size: channel, row, and a bit for each column.

        Bit j (the lowest is 0) of `observe_packed()[n, c, r]` is `observe()[n, r, j, c]`.

        Args:
            out: A buffer to write to: uint8 [N, 7 + 13 * history, 8], C-contiguous. None makes a new one.
            history: As in `observe`.
            view: As in `observe`.

        Returns:
            uint8 [N, 7 + 13 * history, 8]. `numpy.unpackbits(packed, axis=-1, bitorder="little")` gives [N, C, 8, 8];
            `sandwich_env.nets.packed.unpack_planes` does the same on the device.
        """
        channels = observation_shape(history)[-1]
        planes = output_buffer(out, (len(self), channels, 8), np.uint8)
        self._share(self._planes_writer(planes, view), len(self))
        return planes

    def show(
        self, observation: NDArray[np.bool_] | None = None, mask: NDArray[np.int8] | None = None, view: View = "mover"
    ) -> None:
        """Write observations and masks to buffers: `play` without playing."""
        writers = self._writers(observation, mask, view)

        def work(first: int, last: int) -> None:
            for write in writers:
                write(first, last)

        self._share(work, len(self))

    def _writers(self, observation: NDArray[Any] | None, mask: NDArray[Any] | None, view: View) -> list[Work]:
        """What writes games [first, last) to buffers, which are checked here and now."""
        writers: list[Work] = []
        n = len(self)
        if observation is not None:
            writers.append(self._planes_writer(observation_buffer(observation, n), view))
        if mask is not None:
            writers.append(self._mask_writer(mask_buffer(mask, n)))
            if observation is not None and np.may_share_memory(observation, mask):
                raise ValueError("observation and mask share memory")
        return writers

    def _planes_writer(self, planes: NDArray[Any], view: View) -> Work:
        if view not in _VIEWS:
            raise ValueError(f"view is 'mover', 'white' or 'black', not {view!r}")
        if planes.ndim == 3:
            write = packed_kernels().write_packed_planes
            return lambda first, last: write(self._state, planes, _VIEWS[view], first, last)
        write = playing_kernels().write_planes
        return lambda first, last: write(self._state, self._history, planes, _VIEWS[view], first, last)

    def _mask_writer(self, mask: NDArray[Any]) -> Work:
        packed = mask.dtype == np.uint8
        write = packed_kernels().write_packed_mask if packed else playing_kernels().write_mask
        return lambda first, last: write(self._state, self._legal, mask, first, last)

    def _share(self, work: Work, games_concerned: int) -> None:
        """Do some work for all games, on the threads that it is worth."""
        n = len(self)
        if self._threads == 1 or games_concerned < 2 * GAMES_PER_THREAD:
            work(0, n)
        else:
            share(work, n, self._threads)
