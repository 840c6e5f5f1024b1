"""The rules of chess as arrays. `Games` is all that the floors above need; Numba is imported when one is made."""

from __future__ import annotations

from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS, action_to_move, move_to_action
from sandwich_env.rules.games import MAX_HISTORY, MAX_PLIES, OBSERVATION_SHAPE, Games, observation_shape
from sandwich_env.rules.termination import Termination

__all__ = [
    "MAX_HISTORY",
    "MAX_PLIES",
    "NO_ACTION",
    "NUM_ACTIONS",
    "OBSERVATION_SHAPE",
    "Games",
    "Termination",
    "action_to_move",
    "move_to_action",
    "observation_shape",
]
