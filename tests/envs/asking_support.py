"""Advisors, options and small loops for the tests of asking as an action."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

ID = "sandwich_env:sandwich/Chess-v0"
MOVES = 4672
ASK_MOVE, ASK_VALUE = 4672, 4673
HONEST = {"kind": "honest", "expert": {"kind": "uniform"}}
LYING = {"kind": "value_noise", "scale": 0.3, "inner": {"kind": "random_move", "epsilon": 0.5, "inner": HONEST}}
PANEL = {"kind": "panel", "members": [LYING, HONEST, LYING]}
MATE_IN_ONE = "7k/8/5KQ1/8/8/8/8/8 w - - 0 1"


def on_demand(budget: int | None = 3, cost: float = 0.0) -> dict[str, Any]:
    return {"kind": "on_demand", "budget": budget, "cost": cost}


def options(**more: Any) -> dict[str, Any]:
    return {"advisor": LYING, "protocol": on_demand(), "max_plies": 40} | more


def single(**more: Any) -> Any:
    return gymnasium.make(ID, **options(**more))


def vector(num_envs: int = 3, **more: Any) -> Any:
    return gymnasium.make_vec(ID, num_envs=num_envs, **options(**more))


def choose(mask: Any, rng: np.random.Generator, asks: float = 0.4) -> int:
    """A question that the mask allows, with some probability, or else a move."""
    moves, questions = np.flatnonzero(mask[:MOVES]), np.flatnonzero(mask[MOVES:])
    if len(questions) and rng.random() < asks:
        return MOVES + int(rng.choice(questions))
    return int(rng.choice(moves))
