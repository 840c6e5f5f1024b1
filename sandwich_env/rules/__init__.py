"""The rules of chess as arrays. `Games` is all that the floors above need; Numba is imported when one is made."""

from __future__ import annotations

from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS, action_to_move, move_to_action
from sandwich_env.rules.buffers import MAX_HISTORY, OBSERVATION_SHAPE, PACKED_MASK_BYTES, observation_shape
from sandwich_env.rules.games import MAX_PLIES, Games
from sandwich_env.rules.standing import Status
from sandwich_env.rules.termination import Termination

__all__ = [
    "MAX_HISTORY",
    "MAX_PLIES",
    "NO_ACTION",
    "NUM_ACTIONS",
    "OBSERVATION_SHAPE",
    "PACKED_MASK_BYTES",
    "Games",
    "Status",
    "Termination",
    "action_to_move",
    "move_to_action",
    "observation_shape",
]
