"""What is wrong with a position, in words."""

from __future__ import annotations

import chess


def status_text(board: chess.Board) -> str:
    """What is wrong with a position that is not legal, in words: "no white king, opposite check"."""
    return str(board.status().name).lower().replace("_", " ").replace("|", ", ")
