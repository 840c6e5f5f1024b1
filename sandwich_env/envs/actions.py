"""An action as it comes in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import IllegalActionError
from sandwich_env.rules import NUM_ACTIONS


def as_action(action: object, count: int = NUM_ACTIONS) -> NDArray[np.int64]:
    """One action as int64 [1].

    Args:
        action: as it was given.
        count: how many actions there are.

    Raises:
        IllegalActionError: it is not a whole number from 0 to `count` - 1.
    """
    if type(action) is int and 0 <= action < count:
        return np.array([action])  # the checks below cost more than playing it
    array = np.asarray(action)
    if array.dtype.kind not in "iu" or array.size != 1 or not 0 <= array.item() < count:
        raise IllegalActionError(f"{action!r} is no action: an action is a whole number from 0 to {count - 1}")
    return array.reshape(1).astype(np.int64)
