"""Legal moves, generated straight as actions: no move is made and taken back.

All in the mover's view, where the mover's pawns go up (see `_layout`). `state` points to a game's uint64 [STATE_WORDS],
`legal` to its uint16 [MAX_LEGAL]: pointers, which compile twice as fast as arrays.
"""

# ruff: noqa: PLR0917 (kernels take their arrays by position)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined
from sandwich_env.rules._bits import ONE, ZERO, bishop_attacks, rook_attacks, trailing_zeros
from sandwich_env.rules._layout import (
    BISHOP,
    CASTLING,
    CHECK,
    EP_LEGAL,
    EP_SQUARE,
    KING,
    KNIGHT,
    LEGAL_COUNT,
    NO_SQUARE,
    OURS,
    PAWN,
    QUEEN,
    ROOK,
    THEIRS,
)
from sandwich_env.rules._tables import ACTION_BASE, KING_ATTACKS, KNIGHT_ATTACKS, VECTOR_PLANE

U64 = np.uint64
Words = NDArray[np.uint64]
Actions = NDArray[np.uint16]

EVERYWHERE = U64(0xFFFF_FFFF_FFFF_FFFF)
NOT_FILE_A = U64(0xFEFE_FEFE_FEFE_FEFE)
NOT_FILE_H = U64(0x7F7F_7F7F_7F7F_7F7F)
THIRD_RANK = U64(0x0000_0000_00FF_0000)
LAST_RANK = U64(0xFF00_0000_0000_0000)
_NO_SQUARE = U64(NO_SQUARE)

# Pawns: how far up the squares each move goes, its plane, and its first plane as an underpromotion.
_PUSH, _PUSH_PLANE, _PUSH_UNDER = U64(8), U64(4), U64(67)
_DOUBLE, _DOUBLE_PLANE = U64(16), U64(12)
_LEFT, _LEFT_PLANE, _LEFT_UNDER = U64(7), U64(2), U64(64)
_RIGHT, _RIGHT_PLANE, _RIGHT_UNDER = U64(9), U64(7), U64(70)

# Castling: the rights, squares that must be empty, squares the king stands on and crosses, and the plane.
_KING_SIDE, _KING_EMPTY, _KING_PATH, _KING_SIDE_PLANE = U64(1), U64(0x60), U64(0x60), U64(14)
_QUEEN_SIDE, _QUEEN_EMPTY, _QUEEN_PATH, _QUEEN_SIDE_PLANE = U64(2), U64(0x0E), U64(0x0C), U64(9)

_3, _7, _8, _9, _112 = U64(3), U64(7), U64(8), U64(9), U64(112)
_NOT_FILE_BITS = U64(0xFFFF_FFFF_FFFF_FFF8)


@inlined
def widened(square: np.uint64) -> np.uint64:
    """The square on a board 16 files wide, where each displacement has a number of its own."""
    return square + (square & _NOT_FILE_BITS)


@inlined
def emit(legal: Actions, n: np.uint64, start: np.uint64, targets: np.uint64) -> np.uint64:
    """Append the actions from `start` to each target; returns how many there are now."""
    base = ACTION_BASE[start]
    origin = _7 + _112 - widened(start)
    while targets != ZERO:
        end = trailing_zeros(targets)
        targets &= targets - ONE
        legal[n] = base + U64(VECTOR_PLANE[origin + widened(end)])
        n += ONE
    return n


@inlined
def emit_pawns(
    legal: Actions, n: np.uint64, targets: np.uint64, step: np.uint64, plane: np.uint64, under: np.uint64
) -> np.uint64:
    """Append the pawn moves that go `step` squares up to each target, with every promotion."""
    while targets != ZERO:
        end = trailing_zeros(targets)
        target = targets & (ZERO - targets)
        targets ^= target
        base = ACTION_BASE[end - step]
        legal[n] = base + plane
        n += ONE
        if target & LAST_RANK:
            legal[n] = base + under
            legal[n + ONE] = base + under + ONE
            legal[n + ONE + ONE] = base + under + ONE + ONE
            n += _3
    return n


@inlined
def attacked_by_opponent(state: Words) -> np.uint64:
    """Squares the opponent attacks, through the mover's king: it cannot hide behind itself."""
    theirs = state[THEIRS]
    occupied = (theirs | state[OURS]) ^ (state[KING] & state[OURS])
    pawns = state[PAWN] & theirs
    attacked: np.uint64 = ((pawns & NOT_FILE_A) >> _9) | ((pawns & NOT_FILE_H) >> _7)
    attacked |= KING_ATTACKS[trailing_zeros(state[KING] & theirs)]
    men = state[KNIGHT] & theirs
    while men != ZERO:
        attacked |= KNIGHT_ATTACKS[trailing_zeros(men)]
        men &= men - ONE
    men = (state[BISHOP] | state[QUEEN]) & theirs
    while men != ZERO:
        attacked |= bishop_attacks(trailing_zeros(men), occupied)
        men &= men - ONE
    men = (state[ROOK] | state[QUEEN]) & theirs
    while men != ZERO:
        attacked |= rook_attacks(trailing_zeros(men), occupied)
        men &= men - ONE
    return attacked


@inlined
def en_passant(state: Words, legal: Actions, n: np.uint64, king: np.uint64, checkers: np.uint64) -> np.uint64:
    """Append the legal en passant captures.

    Two men leave the board at once, so pins do not tell (both pawns may stand between king and rook on one rank):
    look at the lines to the king on the board as it will be.
    """
    square = state[EP_SQUARE]
    ours, theirs = state[OURS], state[THEIRS]
    target = ONE << square
    captured = target >> _8
    if checkers & ~captured & (state[PAWN] | state[KNIGHT]):
        return n
    diagonal = (state[BISHOP] | state[QUEEN]) & theirs
    straight = (state[ROOK] | state[QUEEN]) & theirs
    pawns = state[PAWN] & ours & (((target & NOT_FILE_A) >> _9) | ((target & NOT_FILE_H) >> _7))
    while pawns != ZERO:
        start = trailing_zeros(pawns)
        pawns &= pawns - ONE
        occupied = (ours | theirs) ^ (ONE << start) ^ captured ^ target
        if (bishop_attacks(king, occupied) & diagonal) | (rook_attacks(king, occupied) & straight):
            continue
        n = emit(legal, n, start, target)
        state[EP_LEGAL] = ONE
    return n


@inlined
def pawn_moves(
    state: Words,
    legal: Actions,
    n: np.uint64,
    allowed: np.uint64,
    pin_line: np.uint64,
    pin_diag: np.uint64,
) -> np.uint64:
    """Append pawn moves but en passant. A pinned pawn stays on the line of its pin."""
    ours, theirs = state[OURS], state[THEIRS]
    empty = ~(ours | theirs)
    pawns = state[PAWN] & ours

    movers = pawns & ~pin_diag
    single = (((movers & ~pin_line) << _8) | (((movers & pin_line) << _8) & pin_line)) & empty
    double = ((single & THIRD_RANK) << _8) & empty
    n = emit_pawns(legal, n, single & allowed, _PUSH, _PUSH_PLANE, _PUSH_UNDER)
    n = emit_pawns(legal, n, double & allowed, _DOUBLE, _DOUBLE_PLANE, ZERO)

    free, pinned = pawns & ~pin_line & ~pin_diag, pawns & ~pin_line & pin_diag
    left = ((free & NOT_FILE_A) << _7) | (((pinned & NOT_FILE_A) << _7) & pin_diag)
    right = ((free & NOT_FILE_H) << _9) | (((pinned & NOT_FILE_H) << _9) & pin_diag)
    n = emit_pawns(legal, n, left & theirs & allowed, _LEFT, _LEFT_PLANE, _LEFT_UNDER)
    return emit_pawns(legal, n, right & theirs & allowed, _RIGHT, _RIGHT_PLANE, _RIGHT_UNDER)


@inlined
def piece_moves(
    state: Words,
    legal: Actions,
    n: np.uint64,
    allowed: np.uint64,
    pin_line: np.uint64,
    pin_diag: np.uint64,
) -> np.uint64:
    """Append the moves of knights and sliders."""
    ours = state[OURS]
    occupied = ours | state[THEIRS]
    men = state[KNIGHT] & ours & ~(pin_line | pin_diag)
    while men != ZERO:
        start = trailing_zeros(men)
        men &= men - ONE
        n = emit(legal, n, start, KNIGHT_ATTACKS[start] & allowed)
    men = (state[BISHOP] | state[QUEEN]) & ours & ~pin_line
    while men != ZERO:
        start = trailing_zeros(men)
        targets = bishop_attacks(start, occupied) & allowed
        if men & (ZERO - men) & pin_diag:
            targets &= pin_diag
        men &= men - ONE
        n = emit(legal, n, start, targets)
    men = (state[ROOK] | state[QUEEN]) & ours & ~pin_diag
    while men != ZERO:
        start = trailing_zeros(men)
        targets = rook_attacks(start, occupied) & allowed
        if men & (ZERO - men) & pin_line:
            targets &= pin_line
        men &= men - ONE
        n = emit(legal, n, start, targets)
    return n


@inlined
def king_moves(
    state: Words, legal: Actions, n: np.uint64, king: np.uint64, attacked: np.uint64, checked: np.bool_
) -> np.uint64:
    """Append the king's moves, castling included."""
    n = emit(legal, n, king, KING_ATTACKS[king] & ~state[OURS] & ~attacked)
    rights = state[CASTLING]
    if checked or rights & (_KING_SIDE | _QUEEN_SIDE) == ZERO:
        return n
    occupied = state[OURS] | state[THEIRS]
    if rights & _KING_SIDE and (occupied & _KING_EMPTY) | (attacked & _KING_PATH) == ZERO:
        legal[n] = ACTION_BASE[king] + _KING_SIDE_PLANE
        n += ONE
    if rights & _QUEEN_SIDE and (occupied & _QUEEN_EMPTY) | (attacked & _QUEEN_PATH) == ZERO:
        legal[n] = ACTION_BASE[king] + _QUEEN_SIDE_PLANE
        n += ONE
    return n


@inlined
def generate(state: Words, legal: Actions) -> None:
    """List the legal actions; sets CHECK, EP_LEGAL and LEGAL_COUNT.

    Pinned men are held in two masks, the rays of straight and of diagonal pins from the king to the pinning man. One
    mask for all pins of a kind is enough: a man on one ray can never reach another ray of that kind in one move.
    """
    ours, theirs = state[OURS], state[THEIRS]
    king_bit = state[KING] & ours
    king = trailing_zeros(king_bit)
    attacked = attacked_by_opponent(state)

    # Contact checks can only be answered on the checker's square, sliders' also in between.
    checkers = KNIGHT_ATTACKS[king] & state[KNIGHT] & theirs
    checkers |= (((king_bit & NOT_FILE_A) << _7) | ((king_bit & NOT_FILE_H) << _9)) & state[PAWN] & theirs
    evasions, pin_line, pin_diag = checkers, ZERO, ZERO
    # Snipers see the king, or would but for the mover's own men.
    snipers = rook_attacks(king, theirs) & (state[ROOK] | state[QUEEN]) & theirs
    while snipers != ZERO:
        sniper = snipers & (ZERO - snipers)
        snipers ^= sniper
        between = rook_attacks(king, sniper) & rook_attacks(trailing_zeros(sniper), king_bit)
        blockers = between & ours
        if blockers == ZERO:
            checkers |= sniper
            evasions |= between | sniper
        elif blockers & (blockers - ONE) == ZERO:
            pin_line |= between | sniper
    snipers = bishop_attacks(king, theirs) & (state[BISHOP] | state[QUEEN]) & theirs
    while snipers != ZERO:
        sniper = snipers & (ZERO - snipers)
        snipers ^= sniper
        between = bishop_attacks(king, sniper) & bishop_attacks(trailing_zeros(sniper), king_bit)
        blockers = between & ours
        if blockers == ZERO:
            checkers |= sniper
            evasions |= between | sniper
        elif blockers & (blockers - ONE) == ZERO:
            pin_diag |= between | sniper

    checked = checkers != ZERO
    n = king_moves(state, legal, ZERO, king, attacked, checked)
    state[EP_LEGAL] = ZERO
    if checkers & (checkers - ONE) == ZERO:  # to a double check only the king can answer
        allowed = ~ours & (evasions if checked else EVERYWHERE)
        n = piece_moves(state, legal, n, allowed, pin_line, pin_diag)
        n = pawn_moves(state, legal, n, allowed, pin_line, pin_diag)
        if state[EP_SQUARE] != _NO_SQUARE:
            n = en_passant(state, legal, n, king, checkers)
    state[CHECK] = ONE if checked else ZERO
    state[LEGAL_COUNT] = n
