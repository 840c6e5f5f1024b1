"""Making a move, and what follows from it: the position's key, its history, and whether the game is over."""

# ruff: noqa: PLR0917 (kernels take their arrays by position)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules._bits import ONE, ZERO, flip_ranks, trailing_zeros
from sandwich_env.rules._jit import inlined
from sandwich_env.rules._layout import (
    BISHOP,
    CASTLING,
    CHECK,
    EP_LEGAL,
    EP_SQUARE,
    FIFTY_MOVES,
    HALFMOVES,
    HASH,
    HISTORY,
    HISTORY_COUNT,
    HISTORY_REPEATED,
    KEYS,
    KNIGHT,
    LEGAL_COUNT,
    NO_SQUARE,
    OURS,
    PAWN,
    PLY,
    QUEEN,
    REPETITIONS,
    RESULT,
    REVERSIBLE,
    ROOK,
    SEVENTY_FIVE_MOVES,
    TERMINATION,
    THEIRS,
    WHITE_TO_MOVE,
)
from sandwich_env.rules._movegen import LAST_RANK, generate
from sandwich_env.rules._tables import (
    CASTLING_KEPT,
    CASTLING_KEYS,
    EP_FILE_KEYS,
    PIECE_KEYS,
    PLANE_STEP,
    SWAPPED_RIGHTS,
)
from sandwich_env.rules.actions import NUM_PLANES, UNDERPROMOTION_OFFSET

U64 = np.uint64
Words = NDArray[np.uint64]
Actions = NDArray[np.uint16]

_2, _3, _4, _6, _7, _8, _16 = U64(2), U64(3), U64(4), U64(6), U64(7), U64(8), U64(16)
_FLIP = U64(56)
_NO_SQUARE, _KEYS, _HISTORY_MASK = U64(NO_SQUARE), U64(KEYS), U64(HISTORY - 1)
_PAWN, _KNIGHT, _BISHOP, _ROOK, _QUEEN, _KING = U64(0), U64(1), U64(2), U64(3), U64(4), U64(5)
_PLANES, _UNDERPROMOTIONS = U64(NUM_PLANES), U64(UNDERPROMOTION_OFFSET)
_LIGHT_SQUARES = U64(0x55AA_55AA_55AA_55AA)
_FIFTY, _SEVENTY_FIVE = U64(FIFTY_MOVES), U64(SEVENTY_FIVE_MOVES)

# The values of `games.Termination`, in the order in which they take precedence but for stalemate.
CHECKMATE, STALEMATE, MATERIAL, MOVES_75, FIVEFOLD, MOVES_50, THREEFOLD, PLY_CAP = (U64(i) for i in range(1, 9))
BLACK_WON, DRAWN, WHITE_WON = U64(0), U64(1), U64(2)


@inlined
def piece_key(white: np.uint64, theirs: np.uint64, kind: np.uint64, square: np.uint64) -> np.uint64:
    """Zobrist key of a man: `white` says whether White moves, `theirs` whether the man is the opponent's."""
    flip = _FLIP * (ONE - white)
    black = (ONE - white) ^ theirs
    key: np.uint64 = PIECE_KEYS[(black * _6 + kind) * U64(64) + (square ^ flip)]
    return key


@inlined
def castling_key(white: np.uint64, rights: np.uint64) -> np.uint64:
    key: np.uint64 = CASTLING_KEYS[rights if white else SWAPPED_RIGHTS[rights]]
    return key


@inlined
def kind_on(state: Words, g: np.uint64, bit: np.uint64) -> np.uint64:
    """What stands on an occupied square."""
    if state[g, PAWN] & bit:
        return _PAWN
    if state[g, KNIGHT] & bit:
        return _KNIGHT
    if state[g, BISHOP] & bit:
        return _BISHOP
    if state[g, ROOK] & bit:
        return _ROOK
    if state[g, QUEEN] & bit:
        return _QUEEN
    return _KING


@inlined
def remove_captured(state: Words, g: np.uint64, square: np.uint64) -> np.uint64:
    """Take an opponent's man off the board; returns its key."""
    bit = ONE << square
    kind = kind_on(state, g, bit)
    state[g, kind] ^= bit
    state[g, THEIRS] ^= bit
    return piece_key(state[g, WHITE_TO_MOVE], ONE, kind, square)


@inlined
def turn_around(state: Words, g: np.uint64) -> None:
    """Show the board from the other side, whose turn it now is."""
    for k in range(6):
        state[g, k] = flip_ranks(state[g, k])
    ours = flip_ranks(state[g, OURS])
    state[g, OURS] = flip_ranks(state[g, THEIRS])
    state[g, THEIRS] = ours
    state[g, CASTLING] = SWAPPED_RIGHTS[state[g, CASTLING]]
    state[g, WHITE_TO_MOVE] ^= ONE


@inlined
def make_move(state: Words, g: np.uint64, action: np.uint64) -> None:
    """Play a legal action: men, rights, en passant square, hash and clocks; then turn the board around."""
    cell = action // _PLANES
    plane = action - cell * _PLANES
    start = ((cell & _7) << _3) | (cell >> _3)
    end = start + PLANE_STEP[plane]
    start_bit, end_bit = ONE << start, ONE << end
    white = state[g, WHITE_TO_MOVE]
    kind = kind_on(state, g, start_bit)
    ep_square = state[g, EP_SQUARE]
    state[g, EP_SQUARE] = _NO_SQUARE
    key = ZERO
    zeroing = kind == _PAWN

    if state[g, THEIRS] & end_bit:
        key ^= remove_captured(state, g, end)
        zeroing = True
    placed = kind
    if kind == _PAWN:
        if end == ep_square:
            key ^= remove_captured(state, g, end - _8)
        elif end - start == _16:
            state[g, EP_SQUARE] = (start + _8) ^ _FLIP
        elif end_bit & LAST_RANK:
            placed = _QUEEN if plane < _UNDERPROMOTIONS else ONE + (plane - _UNDERPROMOTIONS) % _3
    elif kind == _KING and (end - start == _2 or start - end == _2):
        rook_start, rook_end = (end + ONE, end - ONE) if end > start else (end - _2, end + ONE)
        rook = (ONE << rook_start) | (ONE << rook_end)
        state[g, ROOK] ^= rook
        state[g, OURS] ^= rook
        key ^= piece_key(white, ZERO, _ROOK, rook_start) ^ piece_key(white, ZERO, _ROOK, rook_end)

    state[g, kind] ^= start_bit
    state[g, placed] |= end_bit
    state[g, OURS] ^= start_bit | end_bit
    key ^= piece_key(white, ZERO, kind, start) ^ piece_key(white, ZERO, placed, end)
    rights = state[g, CASTLING]
    kept = rights & CASTLING_KEPT[start] & CASTLING_KEPT[end]
    if kept != rights:
        key ^= castling_key(white, rights) ^ castling_key(white, kept)
        state[g, CASTLING] = kept
    state[g, HASH] ^= key

    state[g, PLY] += ONE
    state[g, HALFMOVES] = ZERO if zeroing else state[g, HALFMOVES] + ONE
    state[g, REVERSIBLE] = ZERO if zeroing else state[g, REVERSIBLE] + ONE
    turn_around(state, g)


@inlined
def count_repetitions(state: Words, g: np.uint64) -> None:
    """Store this position's key, and how often it came before: only every second ply has the same side to move.

    As in python-chess, an en passant square counts only where such a capture is legal.
    """
    key = state[g, HASH]
    if state[g, EP_LEGAL]:
        key ^= EP_FILE_KEYS[state[g, EP_SQUARE] & _7]
    last = state[g, REVERSIBLE]
    state[g, _KEYS + last] = key
    count = ZERO
    back = _4
    while back <= last:
        if state[g, _KEYS + last - back] == key:
            count += ONE
        back += _2
    state[g, REPETITIONS] = count


@inlined
def insufficient_material(state: Words, g: np.uint64) -> bool:
    """Neither side can ever mate: bare kings, one knight, or bishops all on one colour (python-chess's rule)."""
    if (state[g, PAWN] | state[g, ROOK] | state[g, QUEEN]) != ZERO:
        return False
    knights, bishops = state[g, KNIGHT], state[g, BISHOP]
    if knights != ZERO:
        return bool(knights & (knights - ONE) == ZERO and bishops == ZERO)
    return bool(bishops & _LIGHT_SQUARES == ZERO or bishops & ~_LIGHT_SQUARES == ZERO)


@inlined
def judge(state: Words, g: np.uint64, max_plies: np.uint64, claim_draws: bool) -> None:
    """Set TERMINATION and RESULT of a position whose moves are listed; a finished game has no legal actions left."""
    reason = ZERO
    if state[g, LEGAL_COUNT] == ZERO:
        reason = CHECKMATE if state[g, CHECK] else STALEMATE
    if reason != CHECKMATE and insufficient_material(state, g):
        reason = MATERIAL
    if reason == ZERO:
        halfmoves, repetitions = state[g, HALFMOVES], state[g, REPETITIONS]
        if halfmoves >= _SEVENTY_FIVE:
            reason = MOVES_75
        elif repetitions >= _4:
            reason = FIVEFOLD
        elif claim_draws and halfmoves >= _FIFTY:
            reason = MOVES_50
        elif claim_draws and repetitions >= _2:
            reason = THREEFOLD
        elif state[g, PLY] >= max_plies:
            reason = PLY_CAP
    state[g, TERMINATION] = reason
    state[g, RESULT] = DRAWN
    if reason == CHECKMATE:
        state[g, RESULT] = BLACK_WON if state[g, WHITE_TO_MOVE] else WHITE_WON
    if reason != ZERO:
        state[g, LEGAL_COUNT] = ZERO


@inlined
def record_history(state: Words, history: Actions, g: np.uint64) -> None:
    """Write down where the men stand, for the planes of this and the next seven observations.

    A man's code is `cell * 16 + 8 * black + kind`, where `cell` numbers the observation's squares as White sees them
    (a8 = 0, b8 = 1, ..., h1 = 63): Black's view is one exclusive-or away. chess_v6 shows a pawn that has just
    advanced by two on its own first rank instead.
    """
    slot = state[g, PLY] & _HISTORY_MASK
    white = state[g, WHITE_TO_MOVE]
    flip = _FLIP * white
    n = ZERO
    for kind in range(6):
        for theirs in range(2):
            men = state[g, kind] & state[g, OURS + theirs]
            if kind == PAWN and theirs == 1 and state[g, EP_SQUARE] != _NO_SQUARE:
                square = state[g, EP_SQUARE]
                men ^= (ONE << (square - _8)) | (ONE << (square + _16))
            tail = U64(kind) | (((ONE - white) ^ U64(theirs)) << _3)
            while men != ZERO:
                history[g, slot, n] = ((trailing_zeros(men) ^ flip) << _4) | tail
                men &= men - ONE
                n += ONE
    history[g, slot, HISTORY_COUNT] = n
    history[g, slot, HISTORY_REPEATED] = ONE if state[g, REPETITIONS] else ZERO


@inlined
def arrive(
    state: Words, legal: Actions, history: Actions, g: np.uint64, max_plies: np.uint64, claim_draws: bool
) -> None:
    """All that follows from a new position."""
    generate(state, legal, g)
    count_repetitions(state, g)
    judge(state, g, max_plies, claim_draws)
    record_history(state, history, g)
