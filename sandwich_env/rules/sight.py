"""What the players of a batch of games see: planes and masks, plain or packed into bits."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import _layout as layout
from sandwich_env.rules._checks import output_buffer
from sandwich_env.rules.actions import NUM_ACTIONS
from sandwich_env.rules.buffers import (
    MAX_HISTORY,
    OBSERVATION_SHAPE,
    PACKED_MASK_BYTES,
    PACKED_SHAPE,
    mask_buffer,
    observation_buffer,
    observation_shape,
)
from sandwich_env.rules.standing import Standing
from sandwich_env.rules.team import NO_GAME, share

View = Literal["mover", "white", "black"]
_VIEWS: dict[str, int] = {"mover": 0, "white": 1, "black": 2}
_PACKED = layout.PACKED_PLANES | layout.PACKED_MASK
_NO_ACTIONS, _NO_SEEDS = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)


@functools.cache
def playing_kernels() -> Any:
    """The compiled kernels; Numba is imported here, when the first games are made, and not before."""
    from sandwich_env.compiling import alone

    with alone(Path(__file__).parent / "_kernels.py"):
        from sandwich_env.rules import _kernels as kernels

    return kernels


@functools.cache
def _packing() -> Any:
    from sandwich_env.rules import _packing as kernels

    return kernels


class Sight(Standing):
    """The part of `Games` that writes observations and masks."""

    _legal: NDArray[np.uint16]
    _history: NDArray[np.uint16]
    _moves: NDArray[np.uint16]
    _max_plies: int
    _claim_draws: bool
    _threads: int
    _job: NDArray[np.uint64]

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
        self._order(0, mask=mask)
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
        self._order(0, mask=mask)
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
        self._order(0, planes=planes, view=view)
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
        self._order(0, planes=planes, view=view)
        return planes

    def show(
        self, observation: NDArray[np.bool_] | None = None, mask: NDArray[np.int8] | None = None, view: View = "mover"
    ) -> None:
        """Write observations and masks to buffers: `play` without playing."""
        n = len(self)
        planes = None if observation is None else observation_buffer(observation, n)
        self._order(0, planes=planes, mask=None if mask is None else mask_buffer(mask, n), view=view)

    def look(self, view: View = "mover", *, packed: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
        """Observations and masks in new arrays: `show` with no buffers to check, the fastest way for a few games.

        Args:
            view: As in `observe`.
            packed: Whether both are packed.

        Returns:
            bool [N, 8, 8, 111] and int8 [N, 4672]; packed, uint8 [N, 111, 8] and uint8 [N, 584].
        """
        planes, mask = new_arrays(len(self._state), packed=packed)
        self._order(0, planes=planes, mask=mask, view=view)
        return planes, mask

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_job"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lay_out()

    def _lay_out(self) -> None:
        """Write down where the arrays lie, for the kernels; to be called when they are made."""
        address_of = playing_kernels().address_of
        self._job = np.zeros(layout.JOB_WORDS, dtype=np.uint64)
        self._job[layout.JOB_GAMES], self._job[layout.JOB_MAX_PLIES] = (len(self), self._max_plies)
        self._job[layout.JOB_CLAIM_DRAWS] = self._claim_draws
        for word, array in self._addressed:
            self._job[word] = address_of(array)

    @property
    def _addressed(self) -> tuple[tuple[int, NDArray[Any]], ...]:
        """The arrays that a job points to, and at which of its words."""
        return (
            (layout.JOB_STATE, self._state),
            (layout.JOB_LEGAL, self._legal),
            (layout.JOB_HISTORY, self._history),
            (layout.JOB_MOVES, self._moves),
        )

    def _order(
        self,
        tasks: int,
        actions: NDArray[np.int64] = _NO_ACTIONS,
        planes: NDArray[Any] | None = None,
        mask: NDArray[Any] | None = None,
        view: View = "mover",
        *,
        seeds: NDArray[np.uint64] = _NO_SEEDS,
        few: bool = False,
    ) -> int:
        """Have the kernels play (or restart) and write to buffers, which have been checked.

        Returns:
            -1, or the first game whose action is not legal; then no game has changed and nothing has been written.
        """
        try:
            seen_by = _VIEWS[view]
        except (KeyError, TypeError):
            raise ValueError(f"view is 'mover', 'white' or 'black', not {view!r}") from None
        kernels = playing_kernels()
        planes_at = mask_at = boards = 0
        if planes is not None:
            packed = planes.ndim == 3
            planes_at = kernels.address_of(planes)
            boards = (planes.shape[1 if packed else 3] - layout.AUXILIARY_CHANNELS) // layout.BOARD_CHANNELS
            tasks |= layout.PACKED_PLANES if packed else layout.PLANES
        if mask is not None:
            mask_at = kernels.address_of(mask)
            tasks |= layout.MASK if mask.dtype == np.int8 else layout.PACKED_MASK
        alone = self._threads == 1 or few
        bad: int = kernels.order(
            kernels.do, self._job, actions, seeds, tasks, planes_at, mask_at, boards, seen_by, alone
        )
        if bad == kernels.SHARED_BUFFERS:
            raise ValueError("observation and mask share memory")
        if bad == kernels.SHARED_ACTIONS:
            return self._order(tasks, actions.copy(), planes, mask, view, seeds=seeds, few=few)
        if alone and tasks & _PACKED and bad < 0:
            kernels.do_alone(_packing().pack, self._job, tasks & _PACKED)
        return bad if alone else self._share(tasks)

    def _share(self, tasks: int) -> int:
        """Do a job that is filled in, on several threads if they are free; returns what `_order` does."""
        kernels, job = playing_kernels(), self._job
        steps = [(kernels.do, tasks & ~_PACKED)]
        if tasks & layout.PLAY:
            steps.insert(0, (kernels.do, layout.VERIFY))
        if tasks & _PACKED:
            steps.append((_packing().pack, tasks & _PACKED))
        if not share(job, steps, len(self), self._threads):
            for function, task in steps:
                kernels.do_alone(function, job, task)
                if task == layout.VERIFY and job[layout.JOB_BAD] != NO_GAME:
                    break
        return int(job[layout.JOB_BAD].view(np.int64))


def new_arrays(count: int, *, packed: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Arrays for the observations and masks of so many games; what is in them is arbitrary."""
    if packed:
        return np.empty((count, *PACKED_SHAPE), np.uint8), np.empty((count, PACKED_MASK_BYTES), np.uint8)
    return np.empty((count, *OBSERVATION_SHAPE), np.bool_), np.empty((count, NUM_ACTIONS), np.int8)
