"""The 4672 actions: where each move of chess lies in the action space, in AlphaZero's 8x8x73 layout as chess_v6 has it.

Everything is in the mover's view: for Black the board is mirrored top to bottom, so the mover's pawns always go up.

    action = cell * 73 + plane          cell = 8 * file + rank of the square of departure (a1 = 0, a2 = 1, ..., h8 = 63)

    planes 0-55   a queen's move of `length` 1..7 in one of 8 directions: plane = 8 * (length - 1) + direction
                  (all moves but those below: kings, castling as the king's two steps, pawns, a promotion to a queen)

                      2  4  7        up left    up    up right
                      1  .  6        left       .     right
                      0  3  5        down left  down  down right

    planes 56-63  a knight's jump:  57: (-2, +1)   59: (-1, +2)   61: (+1, +2)   63: (+2, +1)
                                    56: (-2, -1)   58: (-1, -2)   60: (+1, -2)   62: (+2, -1)

    planes 64-72  a promotion to less than a queen: 64 + 3 * direction + piece

                      direction: 0 captures to the left, 1 straight on, 2 captures to the right
                      piece:     0 knight, 1 bishop, 2 rook

The functions here are for the edges, where a single `chess.Move` is at hand; batches go through `Games`.
Reference: Silver et al. 2018, https://doi.org/10.1126/science.aar6404, and PettingZoo's `chess_utils.py`.
"""

from __future__ import annotations

import operator
from typing import SupportsIndex

import chess

from sandwich_env.errors import IllegalActionError, InvalidPositionError

NUM_PLANES = 73
NUM_ACTIONS = 64 * NUM_PLANES
NO_ACTION = -1
"""Leaves a game as it is."""

KNIGHT_OFFSET = 56
UNDERPROMOTION_OFFSET = 64

_DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_JUMPS = ((-2, -1), (-2, 1), (-1, -2), (-1, 2), (1, -2), (1, 2), (2, -1), (2, 1))
_UNDERPROMOTIONS = (chess.KNIGHT, chess.BISHOP, chess.ROOK)

PLANE_VECTORS: tuple[tuple[int, int], ...] = (
    tuple((length * x, length * y) for length in range(1, 8) for x, y in _DIRECTIONS)
    + _JUMPS
    + tuple((x, 1) for x in (-1, 0, 1) for _ in _UNDERPROMOTIONS)
)
"""Displacement (files, ranks) of each plane."""

_PLANE_OF_VECTOR = {vector: plane for plane, vector in enumerate(PLANE_VECTORS[:UNDERPROMOTION_OFFSET])}


def square_to_cell(square: int) -> int:
    """The place of a square (a1 = 0, b1 = 1, ...) in the action space (a1 = 0, a2 = 1, ...); its own inverse."""
    return square % 8 * 8 + square // 8


def describe_legal(board: chess.Board) -> str:
    moves = sorted(move.uci() for move in board.legal_moves)
    if not moves:
        return "no move is legal here"
    shown = ", ".join(moves[:12])
    return f"{len(moves)} moves are legal: {shown}{', ...' if len(moves) > 12 else ''}"


def encode_move(move: chess.Move, turn: chess.Color) -> int:
    """The action of a move by the side `turn`, whether or not it is legal anywhere.

    Args:
        move: A move that some piece of chess could make.
        turn: Who moves: `chess.WHITE` or `chess.BLACK`.

    Raises:
        IllegalActionError: If no piece moves like that (the null move, say).
    """
    start = move.from_square if turn == chess.WHITE else chess.square_mirror(move.from_square)
    end = move.to_square if turn == chess.WHITE else chess.square_mirror(move.to_square)
    vector = (end % 8 - start % 8, end // 8 - start // 8)
    if move.promotion in _UNDERPROMOTIONS:
        if vector[1] != 1 or abs(vector[0]) > 1:
            raise IllegalActionError(f"no pawn moves like {move.uci()!r}, so it is none of the {NUM_ACTIONS} actions")
        plane = UNDERPROMOTION_OFFSET + 3 * (vector[0] + 1) + _UNDERPROMOTIONS.index(move.promotion)
    elif vector in _PLANE_OF_VECTOR and not move.drop:
        plane = _PLANE_OF_VECTOR[vector]
    else:
        raise IllegalActionError(f"no piece moves like {move.uci()!r}, so it is none of the {NUM_ACTIONS} actions")
    return square_to_cell(start) * NUM_PLANES + plane


def decode_action(action: SupportsIndex, turn: chess.Color) -> chess.Move | None:
    """The move of an action by the side `turn`, a promotion to a queen as a plain move; None if off the board.

    Raises:
        IllegalActionError: If `action` is outside [0, 4672).
    """
    index = operator.index(action)
    if not 0 <= index < NUM_ACTIONS:
        raise IllegalActionError(f"action {index!r} is out of range: actions are 0 to {NUM_ACTIONS - 1}")
    cell, plane = divmod(index, NUM_PLANES)
    start = square_to_cell(cell)
    file, rank = start % 8 + PLANE_VECTORS[plane][0], start // 8 + PLANE_VECTORS[plane][1]
    if not (0 <= file < 8 and 0 <= rank < 8):
        return None
    promotion = None
    if plane >= UNDERPROMOTION_OFFSET:
        if rank != 7:
            return None
        promotion = _UNDERPROMOTIONS[(plane - UNDERPROMOTION_OFFSET) % 3]
    end = rank * 8 + file
    if turn == chess.BLACK:
        start, end = chess.square_mirror(start), chess.square_mirror(end)
    return chess.Move(start, end, promotion)


def complete_move(action: SupportsIndex, board: chess.Board) -> chess.Move | None:
    """The move of an action on a board, promotions to a queen named, whether or not it is legal; None off the board."""
    move = decode_action(action, board.turn)
    if move is None or move.promotion is not None:
        return move
    if board.pawns & chess.BB_SQUARES[move.from_square] and chess.square_rank(move.to_square) in (0, 7):
        move.promotion = chess.QUEEN
    return move


def _check_variant(board: chess.Board) -> None:
    if not isinstance(board, chess.Board):
        raise TypeError(f"board is a chess.Board, not {type(board).__name__}")
    if board.chess960 or type(board).uci_variant != "chess":
        raise InvalidPositionError(f"{board!r} is not of standard chess, which alone is supported")


def move_to_action(move: chess.Move, board: chess.Board) -> int:
    """The action of a legal move.

    Args:
        move: A legal move of `board`. Castling is the king's move of two squares; his move to the rook's square, which
            python-chess takes as well, means the same.
        board: Any position of standard chess.

    Returns:
        The action, in [0, 4672).

    Raises:
        IllegalActionError: If the move is not legal on this board; the message names the moves that are.
        InvalidPositionError: If the board is of another variant, Chess960 included.
        TypeError: If they are no move and no board.
    """
    _check_variant(board)
    if not isinstance(move, chess.Move):
        raise TypeError(f"move is a chess.Move, not {move!r}")
    if not board.is_legal(move):
        raise IllegalActionError(f"move {move.uci()!r} is not legal in {board.fen()!r}: {describe_legal(board)}")
    if board.is_castling(move):
        step = 2 if move.to_square > move.from_square else -2
        move = chess.Move(move.from_square, move.from_square + step)
    return encode_move(move, board.turn)


def action_to_move(action: SupportsIndex, board: chess.Board) -> chess.Move:
    """The legal move of an action.

    Args:
        action: In [0, 4672).
        board: Any position of standard chess.

    Raises:
        IllegalActionError: If the action is out of range, or its move is not legal on this board; the message names
            the moves that are.
        InvalidPositionError: If the board is of another variant, Chess960 included.
        TypeError: If they are no integer and no board.
    """
    _check_variant(board)
    move = complete_move(action, board)
    if move is None:
        raise IllegalActionError(
            f"action {operator.index(action)} leads off the board, so it is no move in {board.fen()!r}: "
            f"{describe_legal(board)}"
        )
    # python-chess also takes the king's move to his own rook's square for castling; here it is no action.
    to_own_rook = board.is_castling(move) and abs(move.to_square - move.from_square) != 2
    if to_own_rook or not board.is_legal(move):
        raise IllegalActionError(
            f"action {operator.index(action)} is move {move.uci()!r}, which is not legal in {board.fen()!r}: "
            f"{describe_legal(board)}"
        )
    return move
