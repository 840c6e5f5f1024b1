"""How the 4672 actions lie on the board, for heads that read a move from its squares and for mirrored training.

An action is `(file * 8 + rank) * 73 + plane`, the square it leaves in the mover's view, and a plane that says where to:

    planes 0-55   a queen's move: plane = (distance - 1) * 8 + direction
    planes 56-63  a knight's move
    planes 64-72  an underpromotion: 64 + 3 * (file step + 1) + (knight 0, bishop 1, rook 2)

Directions and knight moves are numbered by file step, then by rank step, both ascending.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PLANES = 73
QUEEN_STEPS = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0)]
KNIGHT_STEPS = [(dx, dy) for dx in range(-2, 3) for dy in range(-2, 3) if abs(dx) + abs(dy) == 3]


def _steps() -> list[tuple[int, int]]:
    """The file step and rank step of each of the 73 planes."""
    queen = [(dx * distance, dy * distance) for distance in range(1, 8) for dx, dy in QUEEN_STEPS]
    return queen + KNIGHT_STEPS + [(dx, 1) for dx in (-1, 0, 1) for _ in range(3)]


def from_to_pairs() -> NDArray[np.int64]:
    """For each action, `row_from * 512 + column_from * 64 + row_to * 8 + column_to` on the planes' 8x8 image. [4672]

    An action that leaves the board is given the square it leaves as its target: no position makes it legal.
    """
    pairs = np.zeros(64 * PLANES, dtype=np.int64)
    for file in range(8):
        for rank in range(8):
            for plane, (dx, dy) in enumerate(_steps()):
                to_file, to_rank = file + dx, rank + dy
                if not (0 <= to_file < 8 and 0 <= to_rank < 8):
                    to_file, to_rank = file, rank
                source = (7 - rank) * 8 + file  # the image's first row is the eighth rank
                target = (7 - to_rank) * 8 + to_file
                pairs[(file * 8 + rank) * PLANES + plane] = source * 64 + target
    return pairs


def mirrored_actions() -> NDArray[np.int64]:
    """For each action, the same action with the a-file and the h-file exchanged. [4672]"""
    steps = _steps()
    underpromotion = range(64, PLANES)
    plane_of = {step: plane for plane, step in enumerate(steps) if plane not in underpromotion}
    mirrored = np.zeros(64 * PLANES, dtype=np.int64)
    for plane, (dx, dy) in enumerate(steps):
        twin = 64 + 3 * (1 - dx) + (plane - 64) % 3 if plane in underpromotion else plane_of[-dx, dy]
        for file in range(8):
            for rank in range(8):
                mirrored[(file * 8 + rank) * PLANES + plane] = ((7 - file) * 8 + rank) * PLANES + twin
    return mirrored
