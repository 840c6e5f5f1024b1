"""One recorded game as PGN, for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import chess
import chess.pgn
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.rules import Termination, action_to_move

_COLUMNS = 80
_RESULTS = {1.0: "1-0", -1.0: "0-1", 0.0: "1/2-1/2"}


def result_text(outcome: float) -> str:
    """PGN's word for an outcome from White's side: "1-0", "0-1", "1/2-1/2"; "*" for NaN, a game not finished."""
    return _RESULTS.get(float(outcome), "*")


def termination_text(code: int) -> str:
    """A `rules.Termination` in words: "checkmate", "ply cap", ..."""
    return Termination(int(code)).name.lower().replace("_", " ")


def game_to_pgn(
    start_fen: str,
    actions: ArrayLike,
    *,
    outcome: float,
    headers: Mapping[str, str],
    comments: Sequence[str] = (),
) -> str:
    """A game in PGN, with an empty line after it.

    Args:
        start_fen: where it began.
        actions: [plies], what was played.
        outcome: from White's side, NaN for a game not finished.
        headers: tags; those of PGN's Seven Tag Roster come first, whatever their order here.
        comments: one for each ply, "" for none; or none at all.

    Raises:
        IllegalActionError: an action is not legal.
    """
    game = chess.pgn.Game()
    board = chess.Board(start_fen)
    if board.fen() != chess.STARTING_FEN:
        game.setup(board)
    for name, value in headers.items():
        game.headers[name] = value
    game.headers["Result"] = result_text(outcome)
    node: chess.pgn.GameNode = game
    played: NDArray[np.int64] = np.asarray(actions, dtype=np.int64)
    for ply, action in enumerate(played):
        move = action_to_move(action, board)
        node = node.add_variation(move, comment=comments[ply] if comments else "")
        board.push(move)
    exporter = chess.pgn.StringExporter(columns=_COLUMNS)
    return f"{game.accept(exporter)}\n\n"
