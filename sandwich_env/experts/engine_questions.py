"""What a UCI engine is asked: a position with as much of its game as matters, and which moves are legal there.

An engine plays through the moves that it is sent, one by one, which takes longer than a short search does. Only the
moves since the last capture, pawn move or loss of a castling right can be repeated, so it gets the position after that
and the moves since. The cost of a question does not grow with the game.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import IllegalActionError
from sandwich_env.rules import NUM_ACTIONS, Games
from sandwich_env.rules.actions import decode_action, encode_move

_EXPAND = str.maketrans({str(run): "." * run for run in range(1, 9)} | {"/": ""})
_RIGHT_SQUARES = {
    "K": (chess.E1, chess.H1),
    "Q": (chess.E1, chess.A1),
    "k": (chess.E8, chess.H8),
    "q": (chess.E8, chess.A8),
}
"""The squares that a castling right depends on: it is lost with the first move from or to one of them."""
_NAMES = chess.SQUARE_NAMES
_CORNERS = frozenset(square for squares in _RIGHT_SQUARES.values() for square in squares)

DOUBLE_PUSH = 16
"""Squares that a pawn passes when it advances by two."""


@dataclass(frozen=True)
class Question:
    """A position for an engine.

    Attributes:
        position: the UCI command that sets it up.
        fen: the position itself, for error texts.
        is_legal: whether a move is legal in it.
        moves: how many moves are.
    """

    position: str
    fen: str
    is_legal: Callable[[chess.Move], bool]
    moves: int


def about_board(board: chess.Board) -> Question:
    """The question about a board, the moves on its stack included."""
    fen, moves = board.fen(), board.move_stack
    starts, ends = [move.from_square for move in moves], [move.to_square for move in moves]
    position = position_command(fen, board.root().fen(), starts, ends)
    return Question(position, fen, board.is_legal, board.legal_moves.count())


class GameQuestions:
    """The questions about the games of a batch."""

    def __init__(self, games: Games) -> None:
        self._games = games
        self._fens = games.fens()
        self._start_fens = games.start_fens()
        self._mask = games.legal_mask()
        _, self._counts = games.legal_actions()
        self._turns = games.turn.tolist()
        self._clocks = games.halfmove_clock.tolist()

    def about(self, i: int) -> Question:
        """The question about game i."""
        fen, start_fen = self._fens[i], self._start_fens[i]
        position = f"position fen {fen}"
        if self._clocks[i] > 0 and fen != start_fen:  # otherwise no earlier position can come again
            played = self._games.played(i)
            # Row 1 of the tables is White's; the last move was played by the side that is not to move.
            movers = (np.arange(self._turns[i], self._turns[i] + len(played)) + len(played)) & 1
            starts, ends = _squares()[:, movers, played].tolist()
            position = position_command(fen, start_fen, starts, ends)
        return Question(position, fen, functools.partial(self._is_legal, i), int(self._counts[i]))

    def action(self, i: int, move: chess.Move) -> int:
        """The action of a legal move of game i; -1 of what is the move of no piece."""
        return _action(move.from_square, move.to_square, move.promotion, self._turns[i])

    def _is_legal(self, i: int, move: chess.Move) -> bool:
        action = self.action(i, move)
        if action < 0 or not self._mask[i, action]:
            return False
        # An action does not say whether it is a promotion to a queen; a move does.
        if chess.square_rank(move.to_square) in (0, 7):
            promotes = _men(self._fens[i])[move.from_square] in "Pp"
            return promotes == (move.promotion is not None)
        return move.promotion is None


@functools.cache
def _action(start: int, end: int, promotion: int | None, turn: bool) -> int:
    try:
        return encode_move(chess.Move(start, end, promotion), turn)
    except IllegalActionError:
        return -1


@functools.cache
def _squares() -> NDArray[np.int8]:
    """Squares that each action leaves and goes to, int8 [2, 2, 4672], then Black's and White's; 0 if off the board."""
    squares = np.zeros((2, 2, NUM_ACTIONS), dtype=np.int8)
    for turn in (False, True):
        for action in range(NUM_ACTIONS):
            move = decode_action(action, turn)
            if move is not None:
                squares[:, int(turn), action] = move.from_square, move.to_square
    return squares


def position_command(fen: str, start_fen: str, starts: Sequence[int], ends: Sequence[int]) -> str:
    """The shortest UCI command for a position with all of its game that can be repeated.

    Args:
        fen: the position.
        start_fen: where the game began.
        starts: the square that each move since then left.
        ends: the square that it went to.
    """
    _, turn, castling, _, clock, number = fen.split()
    at = len(starts) - min(int(clock), len(starts))
    at = max(at, _after_null_moves(starts, ends, at), _after_lost_rights(start_fen, starts, ends, at))
    if at == len(starts):
        return f"position fen {fen}"
    board = list(_men(fen))
    for start, end in zip(reversed(starts[at:]), reversed(ends[at:]), strict=True):
        board[start], board[end] = board[end], "."
    reversible, since = len(starts) - at, at
    if at > 0 and abs(ends[at - 1] - starts[at - 1]) == DOUBLE_PUSH and board[ends[at - 1]] in "Pp":
        # What may be captured en passant makes the position another one; the pawn's move itself tells it best.
        since -= 1
        board[starts[since]], board[ends[since]] = board[ends[since]], "."
    moves = " ".join(map(_uci, starts[since:], ends[since:]))
    if since == 0:
        return f"position {_name_of(start_fen)} moves {moves}"
    half_moves = 2 * int(number) + (turn == "b") - (len(starts) - since)
    whole, black = divmod(half_moves, 2)
    earlier_clock = int(clock) - reversible if since == at else 0
    return f"position fen {_placement(board)} {'wb'[black]} {castling} - {earlier_clock} {whole} moves {moves}"


def _after_null_moves(starts: Sequence[int], ends: Sequence[int], at: int) -> int:
    """Behind the last null move (which python-chess's boards may hold) from `at` on; 0 without one."""
    pairs = enumerate(zip(starts[at:], ends[at:], strict=True), start=at + 1)
    return max((behind for behind, (start, end) in pairs if start == end), default=0)


def _after_lost_rights(start_fen: str, starts: Sequence[int], ends: Sequence[int], at: int) -> int:
    """Behind the last move from `at` on with which a castling right was lost; 0 without one."""
    if _CORNERS.isdisjoint(starts[at:]) and _CORNERS.isdisjoint(ends[at:]):
        return 0
    lost = 0
    for right, squares in _RIGHT_SQUARES.items():
        if right in start_fen.split()[2]:
            seen = [moves.index(square) for moves in (starts, ends) for square in squares if square in moves]
            first = min(seen, default=-1)
            if first >= at:
                lost = max(lost, first + 1)
    return lost


def _name_of(start_fen: str) -> str:
    return "startpos" if start_fen == chess.STARTING_FEN else f"fen {start_fen}"


def _uci(start: int, end: int) -> str:
    return _NAMES[start] + _NAMES[end]


def _men(fen: str) -> str:
    """The men by square, 64 letters from a1 to h8, "." where there is none."""
    ranks = fen[: fen.index(" ")].split("/")
    return "".join(reversed(ranks)).translate(_EXPAND)


def _placement(board: Sequence[str]) -> str:
    placement = "/".join("".join(board[first : first + 8]) for first in range(56, -1, -8))
    for run in range(8, 0, -1):
        placement = placement.replace("." * run, str(run))
    return placement
