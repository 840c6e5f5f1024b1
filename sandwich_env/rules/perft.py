"""Perft: count the legal move sequences from a position, the usual proof that a move generator is right and fast."""

from __future__ import annotations

import numpy as np

from sandwich_env.rules._checks import integer
from sandwich_env.rules._layout import MAX_LEGAL, START_WORDS, STATE_WORDS
from sandwich_env.rules.positions import parse_start

MAX_DEPTH = 16
_COPIED_WORDS = START_WORDS - 2  # all of a starting position but the full-move number and padding


def perft(fen: str, depth: int) -> int:
    """How many sequences of `depth` legal moves there are from a position; repetitions and clocks end nothing.

    Args:
        fen: Where to start.
        depth: Plies, 0 to 16; the last ply is counted without being played.

    Raises:
        InvalidPositionError: If the FEN is refused.

    See https://www.chessprogramming.org/Perft.
    """
    from sandwich_env.rules import _perft as kernels

    depth = integer("depth", depth, 0, MAX_DEPTH)
    start = parse_start(fen)
    if depth == 0:
        return 1
    state = np.zeros((depth, STATE_WORDS), dtype=np.uint64)
    state[0, :_COPIED_WORDS] = start[:_COPIED_WORDS]
    legal = np.zeros((depth, MAX_LEGAL), dtype=np.uint16)
    return int(kernels.count_leaves(state, legal, np.zeros(depth, dtype=np.uint64), depth))
