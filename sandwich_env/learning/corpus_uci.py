"""The UCI names of the moves in a corpus, for many plies at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.corpus_replay import replay
from sandwich_env.rules import NUM_ACTIONS
from sandwich_env.rules.actions import decode_action

_OUR_PAWNS = 7
"""The channel of the planes that shows the mover's pawns."""


def action_names(corpus: VisibleCorpus, actions: Sequence[NDArray[np.int64]]) -> list[NDArray[np.object_]]:
    """The UCI names of actions at the plies of a corpus.

    Args:
        corpus: P plies.
        actions: arrays int64 [P], -1 for no action.

    Returns:
        For each of the arrays an object (str) [P], None where there is no action.
    """
    names = [np.full(len(corpus), None, dtype=object) for _ in actions]
    table, cells = _table(), _pawn_promotes()
    for batch in replay(corpus):
        pawns = batch.planes[:, :, :, _OUR_PAWNS].reshape(len(batch), 64)
        for column, name in zip(actions, names, strict=True):
            action = column[batch.rows]
            given = np.maximum(action, 0)
            by_pawn = pawns[np.arange(len(batch)), cells[given]] & (cells[given] >= 0)
            text = table[corpus.mover[batch.rows], by_pawn.astype(np.int64), given]
            text[action < 0] = None
            name[batch.rows] = text
    return names


@functools.cache
def _table() -> NDArray[np.object_]:
    """Names by mover (0 White), by whether a pawn reaches the last rank, and by action; None if it leaves the board."""
    table = np.full((2, 2, NUM_ACTIONS), None, dtype=object)
    for mover, turn in enumerate((chess.WHITE, chess.BLACK)):
        for action in range(NUM_ACTIONS):
            move = decode_action(action, turn)
            if move is not None:
                table[mover, 0, action] = move.uci()
                move.promotion = move.promotion or chess.QUEEN
                table[mover, 1, action] = move.uci()
    return table


@functools.cache
def _pawn_promotes() -> NDArray[np.int64]:
    """For an action that leads from the seventh rank to the eighth, the planes' cell that it leaves; else -1."""
    cells = np.full(NUM_ACTIONS, -1, dtype=np.int64)
    for action in range(NUM_ACTIONS):
        move = decode_action(action, chess.WHITE)
        if move is not None and chess.square_rank(move.from_square) == 6 and chess.square_rank(move.to_square) == 7:
            cells[action] = chess.square_mirror(move.from_square)  # the planes begin with the eighth rank
    return cells
