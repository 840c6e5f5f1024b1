"""The exact truth about positions of few men, from Syzygy endgame tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.children import legal_moves
from sandwich_env.experts.legal import as_policy
from sandwich_env.reading.books import FIFTY_MOVES
from sandwich_env.reading.tables import Tables
from sandwich_env.rules import Games
from sandwich_env.rules.actions import complete_move

LOGITS_PER_RESULT = 20.0
PROGRESS = 10.0
"""Logits that a result is worth, and the most that getting on with it is: never enough to change the result."""

_MATED = -1_000
"""A distance that no table has: the player to move is mated."""

_MOST_REMEMBERED = 1 << 17

_Key: TypeAlias = tuple[int, int, int, int, int, int, int, int, bool, int | None]


class SyzygyExpert(Expert):
    """Knows the result of every position that its tables have, by best play, and every move that keeps it.

    The value is 1, 0 or -1, by the fifty-move rule: what the clock on the board no longer lets anyone win is a draw.
    Repetitions are not looked at. Of the moves that win, the policy prefers those nearer to the next capture, pawn move
    or mate (the tables' DTZ, which may be off by one), and mate before all; of those that lose, those further away.
    Following it wins every won position. Results differ by 20 logits.

    Args:
        folder: of Syzygy tables, .rtbw and .rtbz. A position from which men can be captured or promoted needs the
            tables of what it may become, too.

    Raises:
        DataError: the folder is not there or has no tables; when it is asked: a position that they do not have.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder
        self._tables = Tables(folder)
        self._known: dict[_Key, int] = {}  # by positions that stand for all that turn into them
        self._latest: dict[_Key, int] = {}  # by positions as they are, which is quicker to look up

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        moves = legal_moves(games)
        ends = np.cumsum(moves.counts)
        logits = np.zeros(len(moves.actions), dtype=np.float32)
        fens = games.fens()
        for row in np.flatnonzero(~over).tolist():
            at = slice(int(ends[row] - moves.counts[row]), int(ends[row]))
            results, progress = self._judge(chess.Board(fens[row]), moves.actions[at])
            logits[at] = LOGITS_PER_RESULT * results + PROGRESS * progress
            value[row] = results.max()
        return Evaluation(policy=as_policy(moves.with_logits(logits)), value=value)

    def _judge(
        self, board: chess.Board, actions: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each action leads to, for who plays it: the result, and how near it is, from -1 to 1. [M], [M]"""
        results, progress = np.zeros(len(actions)), np.zeros(len(actions))
        for k, action in enumerate(actions.tolist()):
            move = complete_move(action, board)
            assert move is not None  # it is legal
            board.push(move)
            distance = self._distance(board)
            clock = board.halfmove_clock
            board.pop()
            if distance == _MATED:
                results[k] = progress[k] = 1.0
            elif distance and abs(distance) + clock <= FIFTY_MOVES:
                results[k] = -np.sign(distance)
                # Plies to the next capture, pawn move or mate: this one is such a move itself where the clock is at 0.
                progress[k] = results[k] / (2 + (abs(distance) if clock else 0))
        return results, progress

    def _distance(self, board: chess.Board) -> int:
        """The distance of the player to move, as in `Tables.distance`, or `_MATED`."""
        key = _key(board)
        distance = self._latest.get(key)
        if distance is None:
            distance = _remember(self._latest, key, lambda: self._distance_of_alike(board))
        return distance

    def _distance_of_alike(self, board: chess.Board) -> int:
        key = _key_of_alike(board)
        distance = self._known.get(key)
        if distance is None:
            distance = _remember(
                self._known, key, lambda: _MATED if board.is_checkmate() else self._tables.distance(board)
            )
        return distance

    def close(self) -> None:
        self._tables.close()

    def __reduce__(self) -> tuple[type[SyzygyExpert], tuple[str | Path]]:
        """A copy in another process begins with nothing in mind."""
        return SyzygyExpert, (self.folder,)


def _remember(known: dict[_Key, int], key: _Key, ask: Callable[[], int]) -> int:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    found = known[key] = ask()
    return found


def _key(board: chess.Board) -> _Key:
    """What a position is known by: the men, those of the player to move, and what may be captured or castled."""
    kinds = (board.pawns, board.knights, board.bishops, board.rooks, board.queens, board.kings)
    return (*kinds, board.occupied_co[board.turn], board.castling_rights, board.turn, board.ep_square)


def _key_of_alike(board: chess.Board) -> _Key:
    """The key of a position of the same distance, the same for most of those that turn into each other.

    The player to move becomes White; then his king is brought to the left half of the board and, where there are no
    pawns, to the triangle of a1, d1 and d4. Tables take a long time to read, and this is a tenth of them.
    """
    if board.castling_rights or board.ep_square is not None:
        return _key(board)
    flips = [] if board.turn else [chess.flip_vertical]
    king = board.king(board.turn)
    assert king is not None  # every legal position has one
    file, rank = chess.square_file(king), chess.square_rank(king if board.turn else chess.square_mirror(king))
    if file > 3:
        flips.append(chess.flip_horizontal)
        file = 7 - file
    if not board.pawns:
        if rank > 3:
            flips.append(chess.flip_vertical)
            rank = 7 - rank
        if rank > file:
            flips.append(chess.flip_diagonal)
    bitboards = [board.pawns, board.knights, board.bishops, board.rooks, board.queens, board.kings]
    bitboards.append(board.occupied_co[board.turn])
    for flip in flips:
        bitboards = [flip(bitboard) if bitboard else 0 for bitboard in bitboards]
    pawns, knights, bishops, rooks, queens, kings, ours = bitboards
    return (pawns, knights, bishops, rooks, queens, kings, ours, 0, True, None)
