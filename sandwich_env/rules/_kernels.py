"""The kernels that Python calls: each runs over all games of a batch. Arguments are checked before they come here.

Every array is C-contiguous. `state` is uint64 [N, STATE_WORDS], `legal` uint16 [N, MAX_LEGAL], `history` uint16
[N, HISTORY_WORDS], `moves` uint16 [N, max_plies].
"""

# ruff: noqa: PLR0917 (kernels take their arrays by position)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel
from sandwich_env.rules._bits import ONE, ZERO, store_word, trailing_zeros
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
    CASTLING,
    CHANNELS,
    FULLMOVE,
    HALFMOVES,
    HASH,
    HISTORY,
    LEGAL_COUNT,
    OURS,
    PLY,
    SLOT_BLACK,
    SLOT_COUNT,
    SLOT_REPEATED,
    SLOT_WORDS,
    WHITE_TO_MOVE,
)
from sandwich_env.rules._movegen import generate
from sandwich_env.rules._play import arrive, call_roll, castling_key, make_move, piece_key
from sandwich_env.rules.actions import NO_ACTION

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
_64 = U64(64)

# The first seven channels of each square, packed into a word; the eighth byte is written again later.
_MOVER_QUEEN_SIDE = U64(1)
_MOVER_KING_SIDE = U64(1 << 8)
_OPPONENT_QUEEN_SIDE = U64(1 << 16)
_OPPONENT_KING_SIDE = U64(1 << 24)
_BLACK_VIEW = U64(1 << 32)
_CLOCK_CHANNEL = U64(5)
_EDGES = U64(1 << 48)


@kernel
def restart(
    state: Words,
    legal: Actions,
    history: Actions,
    starts: Words,
    chosen: NDArray[np.bool_],
    max_plies: np.uint64,
    claim_draws: bool,
) -> None:
    """Put the chosen games back to their starting positions. `starts` is uint64 [N, START_WORDS], `chosen` bool [N]."""
    for i in range(state.shape[0]):
        if not chosen[i]:
            continue
        g = U64(i)
        for k in range(state.shape[1]):
            state[g, k] = ZERO
        for k in range(FULLMOVE):
            state[g, k] = starts[g, k]
        white = state[g, WHITE_TO_MOVE]
        key = castling_key(white, state[g, CASTLING])
        for kind in range(6):
            for theirs in range(2):
                men = state[g, kind] & state[g, OURS + theirs]
                while men != ZERO:
                    key ^= piece_key(white, U64(theirs), U64(kind), trailing_zeros(men))
                    men &= men - ONE
        state[g, HASH] = key
        call_roll(state, history, g)
        arrive(state, legal, history, g, max_plies, claim_draws)


@kernel
def find_illegal(state: Words, legal: Actions, actions: Integers) -> int:
    """The first game whose action is neither legal nor NO_ACTION; -1 if there is none."""
    for i in range(state.shape[0]):
        if actions[i] == NO_ACTION:
            continue
        g = U64(i)
        wanted = np.uint16(actions[i])  # compared in 16 bits, many at a time
        found = False
        for k in range(state[g, LEGAL_COUNT]):
            found |= legal[g, U64(k)] == wanted
        if not found or actions[i] != wanted:
            return i
    return -1


@kernel
def find_legal(state: Words, legal: Actions, actions: Integers, found: NDArray[np.bool_]) -> None:
    """Write bool [N]: whether each game's action is legal."""
    for i in range(state.shape[0]):
        g = U64(i)
        wanted = np.uint16(actions[i])
        here = False
        for k in range(state[g, LEGAL_COUNT]):
            here |= legal[g, U64(k)] == wanted
        found[i] = here and actions[i] == wanted


@kernel
def advance(
    state: Words,
    legal: Actions,
    history: Actions,
    moves: Actions,
    actions: Integers,
    max_plies: np.uint64,
    claim_draws: bool,
) -> None:
    """Play legal actions, int64 [N]; NO_ACTION leaves a game as it is."""
    for i in range(state.shape[0]):
        if actions[i] == NO_ACTION:
            continue
        g = U64(i)
        action = U64(actions[i])
        moves[g, state[g, PLY]] = action
        make_move(state, history, g, action, True)
        arrive(state, legal, history, g, max_plies, claim_draws)


@kernel
def write_mask(state: Words, legal: Actions, mask: NDArray[np.int8]) -> None:
    """Write int8 [N, NUM_ACTIONS]: 1 where an action is legal."""
    for i in range(state.shape[0]):
        g = U64(i)
        mask[g, :] = 0
        for k in range(state[g, LEGAL_COUNT]):
            mask[g, U64(legal[g, U64(k)])] = 1


@kernel
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


@kernel
def write_planes(state: Words, history: Actions, out: NDArray[np.uint8], boards: np.uint64, view: np.uint64) -> None:
    """Write observations.

    Args:
        state: As ever.
        history: As ever.
        out: uint8 [N, 64 * channels], where channels = 7 + 13 * boards.
        boards: How many positions each observation holds.
        view: 0 as the mover sees it, 1 as White, 2 as Black.
    """
    channels = _AUXILIARY + _BOARD * boards
    row = channels * _64
    flat = out.reshape(-1)
    for i in range(state.shape[0]):
        g = U64(i)
        out[g, :] = 0
        base = g * row
        for_black = ONE - state[g, WHITE_TO_MOVE] if view == ZERO else view - ONE
        word = auxiliary_word(state, g, for_black)
        for cell in range(64):
            store_word(flat, base + U64(cell) * channels, word)
        clock = min(state[g, HALFMOVES] >> ONE, U64(63))
        flat[base + clock * channels + _CLOCK_CHANNEL] = 1

        ply = state[g, PLY]
        for back in range(min(boards, ply + ONE)):
            slot = ((ply - U64(back)) & _HISTORY_MASK) * _SLOT_WORDS
            men, count = slot + _SLOT_BLACK * for_black, U64(history[g, slot + _SLOT_COUNT])
            first = base + _AUXILIARY + _BOARD * U64(back)
            if channels == _CHANNELS:
                for k in range(count):
                    flat[first + U64(history[g, men + U64(k)])] = 1
            else:
                for k in range(count):
                    entry = U64(history[g, men + U64(k)])
                    stands = entry // _CHANNELS
                    flat[first + stands * channels + (entry - stands * _CHANNELS)] = 1
            if history[g, slot + _SLOT_REPEATED]:
                for k in range(64):
                    flat[first + U64(k) * channels + _REPEATED_CHANNEL] = 1


@kernel
def count_leaves(state: Words, legal: Actions, history: Actions, depth: int) -> int:
    """Perft: the legal move sequences of `depth` >= 1 plies from the position in row 0; all else is scratch."""
    nodes = ZERO
    generate(state, legal, ZERO)
    if depth == 1:
        return int(state[0, LEGAL_COUNT])
    next_move = np.zeros(depth, dtype=np.uint64)
    level = 0
    last = depth - 2
    while level >= 0:
        g = U64(level)
        if next_move[level] == state[g, LEGAL_COUNT]:
            next_move[level] = ZERO
            level -= 1
            continue
        action = U64(legal[g, next_move[level]])
        next_move[level] += ONE
        child = g + ONE
        for k in range(LEGAL_COUNT):
            state[child, k] = state[g, k]
        make_move(state, history, child, action, False)
        generate(state, legal, child)
        if level == last:
            nodes += state[child, LEGAL_COUNT]
        else:
            level += 1
    return int(nodes)
