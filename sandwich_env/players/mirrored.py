"""Games with the colours changed: the same to chess, and another question to who does not know chess that well."""

from __future__ import annotations

import functools

import chess
import numpy as np

from sandwich_env.rules import Games


def mirrored(games: Games) -> Games:
    """The same games from the other side: colours and ranks mirrored, moves and repetitions included.

    Actions are written down as their mover sees the board, so the same ones are legal, and have been played.
    """
    state = games.state()
    state["starts"] = np.array([_mirrored_fen(fen) for fen in state["starts"].tolist()], dtype=np.str_)
    return Games.from_state(state)


@functools.lru_cache(maxsize=4096)
def _mirrored_fen(fen: str) -> str:
    return chess.Board(fen).mirror().fen(en_passant="fen")
