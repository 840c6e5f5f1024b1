"""The kernels that Python calls: each runs over games [first, last) of a batch. Arguments are checked before they come.

Every array is C-contiguous and can be written. `state` is uint64 [N, STATE_WORDS], `legal` uint16 [N, MAX_LEGAL],
`history` uint16 [N, HISTORY_WORDS], `moves` uint16 [N, max_plies], `actions` int64 [N].
"""

# ruff: noqa: PLR0917 (kernels take their arrays by position)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel
from sandwich_env.rules._bits import ONE, ZERO, clear_bytes, set_byte, store_word
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
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
from sandwich_env.rules._play import arrive, make_move, set_up
from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS

U64 = np.uint64
Words = NDArray[np.uint64]
Actions = NDArray[np.uint16]
Integers = NDArray[np.int64]

_MIX_STEP, _MIX_1, _MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
_27, _30, _31, _32 = U64(27), U64(30), U64(31), U64(32)
_HISTORY_MASK, _SLOT_WORDS = U64(HISTORY - 1), U64(SLOT_WORDS)
_SLOT_BLACK, _SLOT_COUNT, _SLOT_REPEATED = U64(SLOT_BLACK), U64(SLOT_COUNT), U64(SLOT_REPEATED)
_AUXILIARY, _BOARD, _CHANNELS = U64(AUXILIARY_CHANNELS), U64(BOARD_CHANNELS), U64(CHANNELS)
_REPEATED_CHANNEL = U64(12)
_64, _ACTIONS = U64(64), U64(NUM_ACTIONS)

# The first seven channels of each square, packed into a word; the eighth byte is written again later.
_MOVER_QUEEN_SIDE = U64(1)
_MOVER_KING_SIDE = U64(1 << 8)
_OPPONENT_QUEEN_SIDE = U64(1 << 16)
_OPPONENT_KING_SIDE = U64(1 << 24)
_BLACK_VIEW = U64(1 << 32)
_CLOCK_CHANNEL = U64(5)
_EDGES = U64(1 << 48)


@inlined
def is_legal(state: Words, legal: Actions, g: np.uint64, action: int) -> bool:
    """Whether an action is legal in game g; NO_ACTION is not."""
    wanted = np.uint16(action)  # compared in 16 bits, many at a time
    found = False
    for k in range(state[g, LEGAL_COUNT]):
        found |= legal[g, U64(k)] == wanted
    return bool(found and action == wanted)


@kernel("int64(uint64[:, ::1], uint16[:, ::1], int64[::1], int64, int64)")
def find_illegal(state: Words, legal: Actions, actions: Integers, first: int, last: int) -> int:
    """The first game whose action is neither legal nor NO_ACTION; -1 if there is none."""
    for i in range(first, last):
        if actions[i] != NO_ACTION and not is_legal(state, legal, U64(i), actions[i]):
            return i
    return -1


@kernel
def find_legal(state: Words, legal: Actions, actions: Integers, found: NDArray[np.bool_]) -> None:
    """Write bool [N]: whether each game's action is legal."""
    for i in range(state.shape[0]):
        found[i] = is_legal(state, legal, U64(i), actions[i])


@kernel(
    "int64(uint64[:, ::1], uint16[:, ::1], uint16[:, ::1], uint16[:, ::1], int64[::1],"
    " int64, boolean, boolean, int64, int64)"
)
def advance(
    state: Words,
    legal: Actions,
    history: Actions,
    moves: Actions,
    actions: Integers,
    max_plies: int,
    claim_draws: bool,
    restart: bool,
    first: int,
    last: int,
) -> int:
    """Play one ply in each game, or start games again: one kernel, so that move generation is compiled once.

    Args:
        state: As ever.
        legal: As ever.
        history: As ever.
        moves: As ever.
        actions: int64 [N]; NO_ACTION leaves a game as it is.
        max_plies: The ply cap.
        claim_draws: Whether claimable draws end a game.
        restart: Whether to start again the games with any other action, instead of playing it.
        first: The first game.
        last: Behind the last game.

    Returns:
        -1, or the first game whose action is not legal; then no game has changed.
    """
    if not restart:
        for i in range(first, last):
            if actions[i] != NO_ACTION and not is_legal(state, legal, U64(i), actions[i]):
                return i
    for i in range(first, last):
        if actions[i] == NO_ACTION:
            continue
        g = U64(i)
        if restart:
            set_up(state, history, g)
        else:
            action = U64(actions[i])
            moves[g, state[g, PLY]] = action
            make_move(state, history, g, action, True)
        arrive(state, legal, history, g, U64(max_plies), claim_draws)
    return -1


@kernel("void(uint64[:, ::1], uint16[:, ::1], int8[:, ::1], int64, int64)")
def write_mask(state: Words, legal: Actions, mask: NDArray[np.int8], first: int, last: int) -> None:
    """Write int8 [N, NUM_ACTIONS]: 1 where an action is legal."""
    for i in range(first, last):
        g = U64(i)
        base = g * _ACTIONS
        clear_bytes(mask, base, _ACTIONS)
        for k in range(state[g, LEGAL_COUNT]):
            set_byte(mask, base + U64(legal[g, U64(k)]))


@kernel("void(uint64[:, ::1], uint16[:, ::1], uint64[::1], int64[::1])")
def draw(state: Words, legal: Actions, seeds: Words, actions: Integers) -> None:
    """Draw a legal action for each game, uniformly, from a hash of its seed and ply; NO_ACTION where it is over.

    The hash is SplitMix64's finalizer; the high half of a product maps it to a range without a division.
    """
    for i in range(state.shape[0]):
        g = U64(i)
        count = state[g, LEGAL_COUNT]
        if count == ZERO:
            actions[g] = NO_ACTION
            continue
        z = seeds[g] + _MIX_STEP * (state[g, PLY] + ONE)
        z = (z ^ (z >> _30)) * _MIX_1
        z = (z ^ (z >> _27)) * _MIX_2
        z ^= z >> _31
        actions[g] = legal[g, ((z >> _32) * count) >> _32]


@inlined
def auxiliary_word(state: Words, g: np.uint64, for_black: np.uint64) -> np.uint64:
    """The first seven channels that every square shares (all but the clock), one byte each."""
    rights = state[g, CASTLING]
    if for_black == state[g, WHITE_TO_MOVE]:  # the viewer is not the mover
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


@kernel("void(uint64[:, ::1], uint16[:, ::1], boolean[:, :, :, ::1], int64, int64, int64)")
def write_planes(state: Words, history: Actions, out: NDArray[np.bool_], view: int, first: int, last: int) -> None:
    """Write observations.

    Args:
        state: As ever.
        history: As ever.
        out: bool [N, 8, 8, channels], where channels is 7, and 13 for each position that an observation holds.
        view: 0 as the mover sees it, 1 as White, 2 as Black.
        first: The first game.
        last: Behind the last game.
    """
    channels = U64(out.shape[3])
    boards = (channels - _AUXILIARY) // _BOARD
    row = channels * _64
    for i in range(first, last):
        g = U64(i)
        base = g * row
        clear_bytes(out, base, row)
        for_black = ONE - state[g, WHITE_TO_MOVE] if view == 0 else U64(view - 1)
        word = auxiliary_word(state, g, for_black)
        for cell in range(64):
            store_word(out, base + U64(cell) * channels, word)
        clock = min(state[g, HALFMOVES] >> ONE, U64(63))
        set_byte(out, base + clock * channels + _CLOCK_CHANNEL)

        ply = state[g, PLY]
        for back in range(min(boards, ply + ONE)):
            slot = ((ply - U64(back)) & _HISTORY_MASK) * _SLOT_WORDS
            men, count = slot + _SLOT_BLACK * for_black, U64(history[g, slot + _SLOT_COUNT])
            at = base + _AUXILIARY + _BOARD * U64(back)
            if channels == _CHANNELS:
                for k in range(count):
                    set_byte(out, at + U64(history[g, men + U64(k)]))
            else:
                for k in range(count):
                    entry = U64(history[g, men + U64(k)])
                    stands = entry // _CHANNELS
                    set_byte(out, at + stands * channels + (entry - stands * _CHANNELS))
            if history[g, slot + _SLOT_REPEATED]:
                for k in range(64):
                    set_byte(out, at + U64(k) * channels + _REPEATED_CHANNEL)
