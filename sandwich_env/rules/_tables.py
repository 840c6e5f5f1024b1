"""Attack tables, index tables and Zobrist keys, built once from a few lines of geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules.actions import (
    NUM_PLANES,
    PLANE_VECTORS,
    UNDERPROMOTION_OFFSET,
    square_to_cell,
)

NUM_LINES = 4  # through each square: file, rank, diagonal, antidiagonal
_LINE_STEPS = ((0, 1), (1, 0), (1, 1), (-1, 1))
_KNIGHT_STEPS = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))
_KING_STEPS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def _bit(file: int, rank: int) -> int:
    return 1 << (rank * 8 + file) if 0 <= file < 8 and 0 <= rank < 8 else 0


def _leaper(steps: tuple[tuple[int, int], ...]) -> NDArray[np.uint64]:
    """Squares a leaper attacks. Returns uint64 [64]."""
    return np.array([sum(_bit(s % 8 + x, s // 8 + y) for x, y in steps) for s in range(64)], dtype=np.uint64)


def _half_lines(sign: int) -> NDArray[np.uint64]:
    """The half of each line above (+1) or below (-1) each square. Returns uint64 [NUM_LINES * 64]."""
    halves = [
        sum(_bit(s % 8 + sign * i * x, s // 8 + sign * i * y) for i in range(1, 8))
        for x, y in _LINE_STEPS
        for s in range(64)
    ]
    return np.array(halves, dtype=np.uint64)


def _vector_planes() -> NDArray[np.uint8]:
    """Action plane of a displacement that is no underpromotion. Returns uint8 [256], by `(x + 7) + 16 * (y + 7)`."""
    planes = np.zeros(256, dtype=np.uint8)
    for plane, (x, y) in enumerate(PLANE_VECTORS[:UNDERPROMOTION_OFFSET]):
        planes[(x + 7) + 16 * (y + 7)] = plane
    return planes


def _splitmix64(count: int, seed: int) -> NDArray[np.uint64]:
    """Well-mixed constants for hashing (Steele, Lea, Flood 2014, https://doi.org/10.1145/2714064.2660195)."""
    mask, out = (1 << 64) - 1, []
    for i in range(1, count + 1):
        z = (seed + i * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append(z ^ (z >> 31))
    return np.array(out, dtype=np.uint64)


KNIGHT_ATTACKS = _leaper(_KNIGHT_STEPS)
KING_ATTACKS = _leaper(_KING_STEPS)
UPPER = _half_lines(+1)
LOWER = _half_lines(-1)

ACTION_BASE = np.array([square_to_cell(s) * NUM_PLANES for s in range(64)], dtype=np.uint64)
"""First action of each square, in the mover's view. uint64 [64]."""
VECTOR_PLANE = _vector_planes()
PLANE_STEP = np.array([(8 * y + x) % (1 << 64) for x, y in PLANE_VECTORS], dtype=np.uint64)
"""What to add to the square of departure, modulo 2**64. uint64 [NUM_PLANES]."""


def _castling_kept() -> NDArray[np.uint64]:
    """Rights that survive a move from or to each square, in the mover's view. Returns uint64 [64]."""
    kept = np.full(64, 15, dtype=np.uint64)
    kept[[4, 7, 0]] = [12, 14, 13]  # the mover's king on e1, rooks on h1 and a1
    kept[[60, 63, 56]] = [3, 11, 7]
    return kept


CASTLING_KEPT = _castling_kept()
SWAPPED_RIGHTS = np.array([(r >> 2) | ((r & 3) << 2) for r in range(16)], dtype=np.uint64)
"""Castling rights seen from the other side. uint64 [16]."""

_KEYS = _splitmix64(12 * 64 + 16 + 8, seed=20261121)
PIECE_KEYS = _KEYS[: 12 * 64].copy()
"""By `((0 for White, 6 for Black) + kind) * 64 + square`, in White's view."""
CASTLING_KEYS = _KEYS[12 * 64 : 12 * 64 + 16].copy()
EP_FILE_KEYS = _KEYS[12 * 64 + 16 :].copy()
