"""Where the men of a batch of games stand, as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.rules import Games
from sandwich_env.rules.sight import View

PIECES = ("pawn", "knight", "bishop", "rook", "queen", "king")
PAWNS_WORTH = np.array([1, 3, 3, 5, 9, 0])
"""The worth of each of `PIECES` in pawns; a king cannot be taken."""

_FIRST = 7  # the first channel of the viewer's men in an observation; the opponent's follow


def men_on(games: Games, view: View = "mover") -> NDArray[np.bool_]:
    """The men on the board, bool [N, rank, file, 12]: `PIECES` of the viewer, then those of the other side.

    Args:
        games: N positions.
        view: whose first rank is rank 0, as in `Games.observe`.
    """
    men = games.observe(history=1, view=view)[:, ::-1, :, _FIRST : _FIRST + 12].copy()
    # An observation shows a pawn that has just advanced by two on its owner's first rank; no other pawn is there.
    for channel, shown, stands in ((0, 0, 3), (6, 7, 4)):
        men[:, stands, :, channel] |= men[:, shown, :, channel]
        men[:, shown, :, channel] = False
    return men
