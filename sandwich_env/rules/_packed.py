"""The kernels of packed observations and masks, compiled when they are first asked for; see `_kernels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import kernel
from sandwich_env.rules._bits import ALL, ONE, ZERO, clear_bytes, flip_ranks, store_word
from sandwich_env.rules._kernels import auxiliary_word
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
    BOARDS,
    HALFMOVES,
    HISTORY,
    LEGAL_COUNT,
    PLY,
    WHITE_TO_MOVE,
)
from sandwich_env.rules.actions import NUM_ACTIONS

U64 = np.uint64

_3, _7, _8, _63, _255 = U64(3), U64(7), U64(8), U64(63), U64(255)
_AUXILIARY, _BOARD, _BOARDS = U64(AUXILIARY_CHANNELS), U64(BOARD_CHANNELS), U64(BOARDS)
_HISTORY_MASK, _KINDS, _REPEATED = U64(HISTORY - 1), U64(6), U64(BOARD_CHANNELS - 1)
_CLOCK_CHANNEL = U64(5)
_MASK_BYTES = U64(NUM_ACTIONS // 8)


@kernel("void(uint64[:, ::1], uint8[:, :, ::1], int64, int64, int64)")
def write_packed_planes(state: NDArray[np.uint64], out: NDArray[np.uint8], view: int, first: int, last: int) -> None:
    """Write observations with eight squares to a byte: a rank row each, the a-file its lowest bit.

    Args:
        state: uint64 [N, STATE_WORDS].
        out: uint8 [N, channels, 8], where channels is 7, and 13 for each position that an observation holds.
        view: 0 as the mover sees it, 1 as White, 2 as Black.
        first: The first game.
        last: Behind the last game.
    """
    channels = U64(out.shape[1])
    boards = (channels - _AUXILIARY) // _BOARD
    for i in range(first, last):
        g = U64(i)
        at = g * channels * _8
        for_black = ONE - state[g, WHITE_TO_MOVE] if view == 0 else U64(view - 1)
        word = auxiliary_word(state, g, for_black)
        for k in range(AUXILIARY_CHANNELS):
            store_word(out, at + _8 * U64(k), ALL if (word >> (_8 * U64(k))) & _255 else ZERO)
        store_word(out, at + _8 * _CLOCK_CHANNEL, ONE << min(state[g, HALFMOVES] >> ONE, _63))
        at += _8 * _AUXILIARY

        ply = state[g, PLY]
        shown = min(boards, ply + ONE)
        for back in range(shown):
            slot = _BOARDS + ((ply - U64(back)) & _HISTORY_MASK) * _BOARD
            if for_black:
                for k in range(6):
                    store_word(out, at + _8 * U64(k), flip_ranks(state[g, slot + _KINDS + U64(k)]))
                for k in range(6):
                    store_word(out, at + _8 * (_KINDS + U64(k)), flip_ranks(state[g, slot + U64(k)]))
            else:
                for k in range(12):
                    store_word(out, at + _8 * U64(k), state[g, slot + U64(k)])
            store_word(out, at + _8 * _REPEATED, state[g, slot + _REPEATED])
            at += _8 * _BOARD
        clear_bytes(out, at, (boards - shown) * _BOARD * _8)


@kernel("void(uint64[:, ::1], uint16[:, ::1], uint8[:, ::1], int64, int64)")
def write_packed_mask(
    state: NDArray[np.uint64], legal: NDArray[np.uint16], mask: NDArray[np.uint8], first: int, last: int
) -> None:
    """Write uint8 [N, NUM_ACTIONS / 8]: action a is bit a % 8 of byte a // 8."""
    for i in range(first, last):
        g = U64(i)
        base = g * _MASK_BYTES
        clear_bytes(mask, base, _MASK_BYTES)
        for k in range(state[g, LEGAL_COUNT]):
            action = U64(legal[g, U64(k)])
            mask[g, action >> _3] |= np.uint8(ONE << (action & _7))
