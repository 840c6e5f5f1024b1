"""Masks as lists: a softmax over the legal actions alone costs a twentieth of one over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import SpecError

MOST = 224
"""No chess position has more than 218 legal moves; the rest is for questions."""


def legal_lists(mask: NDArray[np.integer], width: int = MOST) -> NDArray[np.int64]:
    """The legal actions of N games, in ascending order.

    Args:
        mask: [N, A], not 0 where an action is legal.
        width: of the lists.

    Returns:
        int64 [N, width], -1 behind each game's last action.

    Raises:
        SpecError: a game has more legal actions than fit.
    """
    rows, actions = mask.nonzero()
    counts = np.bincount(rows, minlength=len(mask))
    if counts.max(initial=0) > width:
        raise SpecError(f"width is {width!r}, but {int(counts.max())} actions are legal in one of the games")
    lists = np.full((len(mask), width), -1, dtype=np.int64)
    lists[rows, np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts)] = actions
    return lists
