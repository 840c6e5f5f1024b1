"""What a player is shown: its spaces, in either format, and the arrays that it is written to."""

from __future__ import annotations

import sys
from typing import Any, Literal, TypeAlias

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.rules import NUM_ACTIONS, OBSERVATION_SHAPE, Games
from sandwich_env.rules.sight import View

Observations: TypeAlias = dict[str, NDArray[np.generic]]
"""What is seen in N games: an array with a first axis of N for each key of the observation space."""

ObservationFormat = Literal["planes", "packed"]
"""How planes and mask are laid out: one byte for each bit, or eight bits to a byte, the lowest first."""

_CHANNELS = OBSERVATION_SHAPE[-1]
PACKED_SHAPE = (_CHANNELS, 8)
PACKED_MASK_SHAPE = (NUM_ACTIONS // 8,)

Layout: TypeAlias = tuple[tuple[int, ...], type[np.generic]]
LAYOUTS: dict[str, tuple[Layout, Layout]] = {
    "planes": ((OBSERVATION_SHAPE, np.bool_), ((NUM_ACTIONS,), np.int8)),
    "packed": ((PACKED_SHAPE, np.uint8), (PACKED_MASK_SHAPE, np.uint8)),
}
"""For each format, shape and dtype of `observation` and of `action_mask`."""


def observation_space(observation_format: ObservationFormat = "planes") -> spaces.Dict:
    """What a player sees; the same whatever the advisor, and with none."""
    (shape, dtype), (mask_shape, mask_dtype) = LAYOUTS[observation_format]
    high = 255 if observation_format == "packed" else 1
    return spaces.Dict(
        {
            "observation": spaces.Box(0, high, shape, dtype=dtype),
            "action_mask": spaces.Box(0, high, mask_shape, dtype=mask_dtype),
            "advice_move": spaces.Discrete(NUM_ACTIONS + 1),
            "advice_value": spaces.Box(-1.0, 1.0, (1,), dtype=np.float32),
            "advice_available": spaces.MultiBinary(2),
        }
    )


def action_space() -> spaces.Discrete:
    """The 4672 actions."""
    return spaces.Discrete(NUM_ACTIONS)


class Sight:
    """Writes what is seen in games, in one of the formats.

    Args:
        observation_format: "planes" or "packed".
    """

    def __init__(self, observation_format: ObservationFormat) -> None:
        self.packed = observation_format == "packed"
        (self._shape, self._dtype), (self._mask_shape, self._mask_dtype) = LAYOUTS[observation_format]

    def new(self, count: int) -> Observations:
        """Arrays for the planes and masks of so many games; what is in them is arbitrary."""
        return {
            "observation": np.empty((count, *self._shape), self._dtype),
            "action_mask": np.empty((count, *self._mask_shape), self._mask_dtype),
        }

    def write(
        self, games: Games, seen: Observations, view: View = "mover", rows: NDArray[np.int64] | None = None
    ) -> Observations:
        """Write the planes and masks of all games, or of the games `rows` [K], to arrays for all of them."""
        planes: NDArray[Any] = seen["observation"]
        mask: NDArray[Any] = seen["action_mask"]
        if rows is None:
            games.show(planes, mask, view)
        else:
            games.show_at(rows, planes, mask, view)
        return seen

    def look(self, games: Games, view: View = "mover", rows: NDArray[np.int64] | None = None) -> Observations:
        """The planes and masks of all games, or of those with the indices `rows` [K], in new arrays."""
        if rows is None:
            planes, mask = games.look(view, packed=self.packed)
        else:
            planes, mask = games.look_at(rows, view, packed=self.packed)
        return {"observation": planes, "action_mask": mask}


def hide_advice(seen: Observations, rows: NDArray[np.bool_]) -> None:
    """Take the advice away where `rows` [N] is true."""
    seen["advice_move"][rows] = NO_MOVE
    seen["advice_value"][rows] = 0
    seen["advice_available"][rows] = 0


def show_no_advice(seen: Observations) -> None:
    """Put beside the planes what is seen of no advice."""
    count = len(seen["observation"])
    move = np.empty(count, np.int64)
    move.fill(NO_MOVE)
    seen["advice_move"] = move
    seen["advice_value"] = np.zeros((count, 1), np.float32)
    seen["advice_available"] = np.zeros((count, 2), np.int8)


class ArrayPool:
    """Arrays for observations that look new at every call, but lie where others lay that nobody holds any more.

    Memory fresh from the system costs as much as all the rest of a step. So the pool keeps the arrays that own the
    memory, hands out views of them, and uses one again only when its reference count says that no view of it is left:
    whoever keeps an observation, or anything that was made of it without a copy, keeps it unchanged.

    Args:
        sight: makes the arrays.
        count: for how many games.
        size: how many sets of arrays are kept at the most.
    """

    def __init__(self, sight: Sight, count: int, size: int = 4) -> None:
        self._sight = sight
        self._count = count
        self._size = size
        self._sets: list[list[NDArray[np.generic]]] = []
        self._keys = tuple(sight.new(0))
        self._alone = _held([np.empty(1)])

    def take(self) -> Observations:
        """A set of arrays that nobody else holds; what is in them is arbitrary."""
        for owned in self._sets:
            if _held(owned) == self._alone:
                break
        else:
            owned = list(self._sight.new(self._count).values())
            self._sets = [*self._sets[1 - self._size :], owned]
        return {key: array.view() for key, array in zip(self._keys, owned, strict=True)}


def _held(owned: list[NDArray[np.generic]]) -> int:
    """The largest reference count of some arrays, as it is seen from here."""
    return max([sys.getrefcount(array) for array in owned])


def unbatch(seen: Observations, i: int) -> dict[str, Any]:
    """What is seen in game i, as an element of `observation_space()`: views of the arrays."""
    return {
        "observation": seen["observation"][i],
        "action_mask": seen["action_mask"][i],
        "advice_move": seen["advice_move"][i],
        "advice_value": seen["advice_value"][i],
        "advice_available": seen["advice_available"][i],
    }
