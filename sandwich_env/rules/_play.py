"""Making a move, and what follows from it: the position's key, its history, and whether the game is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined
from sandwich_env.rules._bits import ALL, ONE, ZERO, copy_halves, flip_ranks, trailing_zeros
from sandwich_env.rules._layout import (
    BISHOP,
    BOARD_CHANNELS,
    BOARDS,
    CASTLING,
    CHANNELS,
    CHECK,
    EP_LEGAL,
    EP_SQUARE,
    FIFTY_MOVES,
    FULLMOVE,
    HALFMOVES,
    HASH,
    HISTORY,
    KEYS,
    KNIGHT,
    LEGAL_COUNT,
    NO_SQUARE,
    OURS,
    PAWN,
    PLACES,
    PLY,
    QUEEN,
    REPETITIONS,
    RESULT,
    REVERSIBLE,
    ROOK,
    ROSTER,
    ROSTER_COUNT,
    ROSTER_USED,
    SEVENTY_FIVE_MOVES,
    SLOT_BLACK,
    SLOT_REPEATED,
    SLOT_WORDS,
    START,
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
_PLACES, _ROSTER, _CHANNELS = U64(PLACES), U64(ROSTER), U64(CHANNELS)
_SLOT_WORDS, _SLOT_BLACK, _SLOT_REPEATED = U64(SLOT_WORDS), U64(SLOT_BLACK), U64(SLOT_REPEATED)
_BOARDS, _BOARD, _REPEATED = U64(BOARDS), U64(BOARD_CHANNELS), U64(BOARD_CHANNELS - 1)
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
def kind_on(state: Words, bit: np.uint64) -> np.uint64:
    """What stands on an occupied square."""
    if state[PAWN] & bit:
        return _PAWN
    if state[KNIGHT] & bit:
        return _KNIGHT
    if state[BISHOP] & bit:
        return _BISHOP
    if state[ROOK] & bit:
        return _ROOK
    if state[QUEEN] & bit:
        return _QUEEN
    return _KING


@inlined
def cell_of(white: np.uint64, square: np.uint64) -> np.uint64:
    """The cell of a square, see `_layout`; `white` says whether White moves."""
    return square ^ (_FLIP * white)


@inlined
def write_entry(history: Actions, at: np.uint64, cell: np.uint64, black: np.uint64, kind: np.uint64) -> None:
    """Write a man down, as White and as Black sees him; `black` says whether he is Black's."""
    history[at] = cell * _CHANNELS + kind + _6 * black
    history[at + _SLOT_BLACK] = (cell ^ _FLIP) * _CHANNELS + kind + _6 * (ONE - black)


@inlined
def strike_off(history: Actions, cell: np.uint64) -> None:
    """Take the man on a cell off the roster; the last one takes his place."""
    place = U64(history[_PLACES + cell])
    count = U64(history[ROSTER_COUNT]) - ONE
    last = U64(history[_ROSTER + count])
    history[_ROSTER + place] = last
    history[_ROSTER + place + _SLOT_BLACK] = history[_ROSTER + count + _SLOT_BLACK]
    history[_PLACES + last // _CHANNELS] = place
    history[ROSTER_COUNT] = count


@inlined
def move_entry(history: Actions, white: np.uint64, kind: np.uint64, start: np.uint64, end: np.uint64) -> None:
    """Move a man of the mover's on the roster; `kind` is what he is from now on."""
    place = U64(history[_PLACES + cell_of(white, start)])
    write_entry(history, _ROSTER + place, cell_of(white, end), ONE - white, kind)
    history[_PLACES + cell_of(white, end)] = place


@inlined
def remove_captured(state: Words, history: Actions, square: np.uint64, recorded: bool) -> np.uint64:
    """Take an opponent's man off the board; returns its key."""
    bit = ONE << square
    kind = kind_on(state, bit)
    state[kind] ^= bit
    state[THEIRS] ^= bit
    white = state[WHITE_TO_MOVE]
    if recorded:
        strike_off(history, cell_of(white, square))
    return piece_key(white, ONE, kind, square)


@inlined
def turn_around(state: Words) -> None:
    """Show the board from the other side, whose turn it now is."""
    for k in range(6):
        state[k] = flip_ranks(state[k])
    ours = flip_ranks(state[OURS])
    state[OURS] = flip_ranks(state[THEIRS])
    state[THEIRS] = ours
    state[CASTLING] = SWAPPED_RIGHTS[state[CASTLING]]
    state[WHITE_TO_MOVE] ^= ONE


@inlined
def make_move(state: Words, history: Actions, action: np.uint64, recorded: bool) -> None:
    """Play a legal action: men, rights, en passant square, hash and clocks; then turn the board around.

    Keeps the roster in `history` if `recorded`.
    """
    cell = action // _PLANES
    plane = action - cell * _PLANES
    start = ((cell & _7) << _3) | (cell >> _3)
    end = start + PLANE_STEP[plane]
    start_bit, end_bit = ONE << start, ONE << end
    white = state[WHITE_TO_MOVE]
    kind = kind_on(state, start_bit)
    ep_square = state[EP_SQUARE]
    state[EP_SQUARE] = _NO_SQUARE
    key = ZERO
    zeroing = kind == _PAWN

    if state[THEIRS] & end_bit:
        key ^= remove_captured(state, history, end, recorded)
        zeroing = True
    placed = kind
    if kind == _PAWN:
        if end == ep_square:
            key ^= remove_captured(state, history, end - _8, recorded)
        elif end - start == _16:
            state[EP_SQUARE] = (start + _8) ^ _FLIP
        elif end_bit & LAST_RANK:
            placed = _QUEEN if plane < _UNDERPROMOTIONS else ONE + (plane - _UNDERPROMOTIONS) % _3
    elif kind == _KING and (end - start == _2 or start - end == _2):
        rook_start, rook_end = (end + ONE, end - ONE) if end > start else (end - _2, end + ONE)
        rook = (ONE << rook_start) | (ONE << rook_end)
        state[ROOK] ^= rook
        state[OURS] ^= rook
        key ^= piece_key(white, ZERO, _ROOK, rook_start) ^ piece_key(white, ZERO, _ROOK, rook_end)
        if recorded:
            move_entry(history, white, _ROOK, rook_start, rook_end)

    state[kind] ^= start_bit
    state[placed] |= end_bit
    state[OURS] ^= start_bit | end_bit
    key ^= piece_key(white, ZERO, kind, start) ^ piece_key(white, ZERO, placed, end)
    if recorded:
        move_entry(history, white, placed, start, end)
    rights = state[CASTLING]
    kept = rights & CASTLING_KEPT[start] & CASTLING_KEPT[end]
    if kept != rights:
        key ^= castling_key(white, rights) ^ castling_key(white, kept)
        state[CASTLING] = kept
    state[HASH] ^= key

    state[PLY] += ONE
    state[HALFMOVES] = ZERO if zeroing else state[HALFMOVES] + ONE
    state[REVERSIBLE] = ZERO if zeroing else state[REVERSIBLE] + ONE
    turn_around(state)


@inlined
def count_repetitions(state: Words) -> None:
    """Store this position's key, and how often it came before: only every second ply has the same side to move.

    As in python-chess, an en passant square counts only where such a capture is legal.
    """
    key = state[HASH]
    if state[EP_LEGAL]:
        key ^= EP_FILE_KEYS[state[EP_SQUARE] & _7]
    last = state[REVERSIBLE]
    state[_KEYS + last] = key
    count = ZERO
    back = _4
    while back <= last:
        if state[_KEYS + last - back] == key:
            count += ONE
        back += _2
    state[REPETITIONS] = count


@inlined
def insufficient_material(state: Words) -> bool:
    """Neither side can ever mate: bare kings, one knight, or bishops all on one colour (python-chess's rule)."""
    if (state[PAWN] | state[ROOK] | state[QUEEN]) != ZERO:
        return False
    knights, bishops = state[KNIGHT], state[BISHOP]
    if knights != ZERO:
        return bool(knights & (knights - ONE) == ZERO and bishops == ZERO)
    return bool(bishops & _LIGHT_SQUARES == ZERO or bishops & ~_LIGHT_SQUARES == ZERO)


@inlined
def judge(state: Words, max_plies: np.uint64, claim_draws: bool) -> None:
    """Set TERMINATION and RESULT of a position whose moves are listed; a finished game has no legal actions left."""
    reason = ZERO
    if state[LEGAL_COUNT] == ZERO:
        reason = CHECKMATE if state[CHECK] else STALEMATE
    if reason != CHECKMATE and insufficient_material(state):
        reason = MATERIAL
    if reason == ZERO:
        halfmoves, repetitions = state[HALFMOVES], state[REPETITIONS]
        if halfmoves >= _SEVENTY_FIVE:
            reason = MOVES_75
        elif repetitions >= _4:
            reason = FIVEFOLD
        elif claim_draws and halfmoves >= _FIFTY:
            reason = MOVES_50
        elif claim_draws and repetitions >= _2:
            reason = THREEFOLD
        elif state[PLY] >= max_plies:
            reason = PLY_CAP
    state[TERMINATION] = reason
    state[RESULT] = DRAWN
    if reason == CHECKMATE:
        state[RESULT] = BLACK_WON if state[WHITE_TO_MOVE] else WHITE_WON
    if reason != ZERO:
        state[LEGAL_COUNT] = ZERO


@inlined
def set_up(state: Words, history: Actions) -> None:
    """Put a game's starting position on the board; hash it and write the roster."""
    for k in range(START):
        state[k] = ZERO
    for k in range(FULLMOVE):
        state[k] = state[START + k]
    white = state[WHITE_TO_MOVE]
    key = castling_key(white, state[CASTLING])
    n = ZERO
    for man in range(12):
        kind, theirs = U64(man >> 1), U64(man & 1)
        men = state[kind] & state[U64(OURS) + theirs]
        while men != ZERO:
            square = trailing_zeros(men)
            men &= men - ONE
            key ^= piece_key(white, theirs, kind, square)
            cell = cell_of(white, square)
            write_entry(history, _ROSTER + n, cell, (ONE - white) ^ theirs, kind)
            history[_PLACES + cell] = n
            n += ONE
    history[ROSTER_COUNT] = n
    state[HASH] = key


@inlined
def record_boards(state: Words) -> None:
    """Write this ply's slot of bitboards, for packed observations; it shows what `record_history` shows."""
    slot = _BOARDS + (state[PLY] & _HISTORY_MASK) * _BOARD
    white = state[WHITE_TO_MOVE]
    ours, theirs = state[OURS], state[THEIRS]
    pawns = state[PAWN] & theirs
    if state[EP_SQUARE] != _NO_SQUARE:
        square = state[EP_SQUARE]
        pawns ^= (ONE << (square - _8)) | (ONE << (square + _16))
    first, second = (slot, slot + _6) if white else (slot + _6, slot)  # the mover's men, the opponent's
    for kind in range(6):
        mine, other = state[kind] & ours, pawns if kind == 0 else state[kind] & theirs
        state[first + U64(kind)] = flip_ranks(mine) if white else mine
        state[second + U64(kind)] = flip_ranks(other) if white else other
    state[slot + _REPEATED] = ALL if state[REPETITIONS] else ZERO


@inlined
def record_history(state: Words, history: Actions) -> None:
    """Copy the roster to this ply's slot, for the planes of this and the next seven observations.

    chess_v6 shows a pawn that has just advanced by two on its own first rank instead.
    """
    slot = (state[PLY] & _HISTORY_MASK) * _SLOT_WORDS
    copy_halves(history, slot, _ROSTER, ROSTER_USED)
    history[slot + _SLOT_REPEATED] = ONE if state[REPETITIONS] else ZERO
    square = state[EP_SQUARE]
    if square != _NO_SQUARE:
        white = state[WHITE_TO_MOVE]
        place = U64(history[_PLACES + cell_of(white, square - _8)])
        write_entry(history, slot + place, cell_of(white, square + _16), white, _PAWN)


@inlined
def arrive(state: Words, legal: Actions, history: Actions, max_plies: np.uint64, claim_draws: bool) -> None:
    """All that follows from a new position."""
    generate(state, legal)
    count_repetitions(state)
    judge(state, max_plies, claim_draws)
    record_history(state, history)
    record_boards(state)
