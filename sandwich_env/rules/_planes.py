"""Writing down what a player of one game sees, plain or packed into bits, to an address in memory.

`state`, `legal` and `history` point to the game's rows, see `_layout`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined
from sandwich_env.rules._bits import ALL, ONE, ZERO, clear_bytes, flip_ranks, set_bit, set_byte, store_word
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
    BOARDS,
    CASTLING,
    CHANNELS,
    HALFMOVES,
    HISTORY,
    LEGAL_COUNT,
    PLY,
    SLOT_BLACK,
    SLOT_COUNT,
    SLOT_REPEATED,
    SLOT_WORDS,
    WHITE_TO_MOVE,
)
from sandwich_env.rules.actions import NUM_ACTIONS

U64 = np.uint64
Words = NDArray[np.uint64]
Actions = NDArray[np.uint16]

_HISTORY_MASK, _SLOT_WORDS = U64(HISTORY - 1), U64(SLOT_WORDS)
_SLOT_BLACK, _SLOT_COUNT, _SLOT_REPEATED = U64(SLOT_BLACK), U64(SLOT_COUNT), U64(SLOT_REPEATED)
_AUXILIARY, _BOARD, _CHANNELS = U64(AUXILIARY_CHANNELS), U64(BOARD_CHANNELS), U64(CHANNELS)
_BOARDS, _KINDS, _REPEATED = U64(BOARDS), U64(6), U64(BOARD_CHANNELS - 1)
_3, _7, _8, _63, _64, _255 = U64(3), U64(7), U64(8), U64(63), U64(64), U64(255)
_ACTIONS, _MASK_BYTES = U64(NUM_ACTIONS), U64(NUM_ACTIONS // 8)

# The first seven channels of each square, packed into a word; the eighth byte is written again later.
_MOVER_QUEEN_SIDE = U64(1)
_MOVER_KING_SIDE = U64(1 << 8)
_OPPONENT_QUEEN_SIDE = U64(1 << 16)
_OPPONENT_KING_SIDE = U64(1 << 24)
_BLACK_VIEW = U64(1 << 32)
_CLOCK_CHANNEL = U64(5)
_EDGES = U64(1 << 48)


@inlined
def auxiliary_word(state: Words, for_black: np.uint64) -> np.uint64:
    """The first seven channels that every square shares (all but the clock), one byte each."""
    rights = state[CASTLING]
    if for_black == state[WHITE_TO_MOVE]:  # the viewer is not the mover
        rights = (rights >> U64(2)) | ((rights & U64(3)) << U64(2))
    word = _EDGES
    if rights & U64(2):
        word |= _MOVER_QUEEN_SIDE
    if rights & U64(1):
        word |= _MOVER_KING_SIDE
    if rights & U64(8):
        word |= _OPPONENT_QUEEN_SIDE
    if rights & U64(4):
        word |= _OPPONENT_KING_SIDE
    if for_black:
        word |= _BLACK_VIEW
    return word


@inlined
def is_for_black(state: Words, view: np.uint64) -> np.uint64:
    """1 if Black looks: `view` is 0 for the mover, 1 for White, 2 for Black."""
    return ONE - state[WHITE_TO_MOVE] if view == ZERO else view - ONE


@inlined
def write_planes(state: Words, history: Actions, out: np.uint64, boards: np.uint64, view: np.uint64) -> None:
    """Write bool [8, 8, 7 + 13 * boards] to the address `out`."""
    channels = _AUXILIARY + _BOARD * boards
    clear_bytes(out, channels * _64)
    for_black = is_for_black(state, view)
    word = auxiliary_word(state, for_black)
    for cell in range(64):
        store_word(out + U64(cell) * channels, word)
    clock = min(state[HALFMOVES] >> ONE, _63)
    set_byte(out + clock * channels + _CLOCK_CHANNEL)

    ply = state[PLY]
    for back in range(min(boards, ply + ONE)):
        slot = ((ply - U64(back)) & _HISTORY_MASK) * _SLOT_WORDS
        men, count = slot + _SLOT_BLACK * for_black, U64(history[slot + _SLOT_COUNT])
        at = out + _AUXILIARY + _BOARD * U64(back)
        if channels == _CHANNELS:
            for k in range(count):
                set_byte(at + U64(history[men + U64(k)]))
        else:
            for k in range(count):
                entry = U64(history[men + U64(k)])
                stands = entry // _CHANNELS
                set_byte(at + stands * channels + (entry - stands * _CHANNELS))
        if history[slot + _SLOT_REPEATED]:
            for k in range(64):
                set_byte(at + U64(k) * channels + _REPEATED)


@inlined
def write_packed_planes(state: Words, out: np.uint64, boards: np.uint64, view: np.uint64) -> None:
    """Write uint8 [7 + 13 * boards, 8] to the address `out`: eight squares to a byte, the a-file its lowest bit."""
    for_black = is_for_black(state, view)
    word = auxiliary_word(state, for_black)
    for k in range(AUXILIARY_CHANNELS):
        store_word(out + _8 * U64(k), ALL if (word >> (_8 * U64(k))) & _255 else ZERO)
    store_word(out + _8 * _CLOCK_CHANNEL, ONE << min(state[HALFMOVES] >> ONE, _63))
    at = out + _8 * _AUXILIARY

    ply = state[PLY]
    shown = min(boards, ply + ONE)
    for back in range(shown):
        slot = _BOARDS + ((ply - U64(back)) & _HISTORY_MASK) * _BOARD
        if for_black:
            for k in range(6):
                store_word(at + _8 * U64(k), flip_ranks(state[slot + _KINDS + U64(k)]))
                store_word(at + _8 * (_KINDS + U64(k)), flip_ranks(state[slot + U64(k)]))
        else:
            for k in range(12):
                store_word(at + _8 * U64(k), state[slot + U64(k)])
        store_word(at + _8 * _REPEATED, state[slot + _REPEATED])
        at += _8 * _BOARD
    clear_bytes(at, (boards - shown) * _BOARD * _8)


@inlined
def write_mask(state: Words, legal: Actions, out: np.uint64) -> None:
    """Write int8 [NUM_ACTIONS] to the address `out`: 1 where an action is legal."""
    clear_bytes(out, _ACTIONS)
    for k in range(state[LEGAL_COUNT]):
        set_byte(out + U64(legal[U64(k)]))


@inlined
def write_packed_mask(state: Words, legal: Actions, out: np.uint64) -> None:
    """Write uint8 [NUM_ACTIONS / 8] to the address `out`: action a is bit a % 8 of byte a // 8."""
    clear_bytes(out, _MASK_BYTES)
    for k in range(state[LEGAL_COUNT]):
        action = U64(legal[U64(k)])
        set_bit(out + (action >> _3), action & _7)
