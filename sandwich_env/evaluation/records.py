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
    exporter = chess.pgn.StringExporter(columns=_COLUMNS)
    exporter.begin_headers()
    for name, value in game.headers.items():
        exporter.visit_header(name, value)
    exporter.end_headers()
    played: NDArray[np.int64] = np.asarray(actions, dtype=np.int64)
    for ply, action in enumerate(played):
        _write_move(exporter, board, action_to_move(action, board))
        if comments and comments[ply]:
            exporter.visit_comment(comments[ply])
    exporter.visit_result(game.headers["Result"])
    exporter.end_game()
    return f"{exporter.result()}\n\n"


def _write_move(exporter: chess.pgn.StringExporter, board: chess.Board, move: chess.Move) -> None:
    """Write a move as the exporter does, and push it: once, where a tree of moves would be pushed four times."""
    if board.turn == chess.WHITE:
        exporter.write_token(f"{board.fullmove_number}. ")
    elif exporter.force_movenumber:
        exporter.write_token(f"{board.fullmove_number}... ")
    exporter.write_token(f"{board.san_and_push(move)} ")
    exporter.force_movenumber = False
