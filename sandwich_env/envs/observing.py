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


def observation_space(observation_format: ObservationFormat = "planes", asks: int = 0) -> spaces.Dict:
    """What a player sees; the same whatever the advisor, and with none.

    Args:
        observation_format: "planes" or "packed".
        asks: how many actions, after the moves, ask the advisor something: the mask speaks of them too.
    """
    (shape, dtype), (mask_shape, mask_dtype) = layout_of(observation_format, asks)
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


def layout_of(observation_format: ObservationFormat, asks: int = 0) -> tuple[Layout, Layout]:
    """Shape and dtype of `observation` and of `action_mask` with so many actions that ask."""
    planes, ((moves,), dtype) = LAYOUTS[observation_format]
    return planes, ((moves + (-(-asks // 8) if observation_format == "packed" else asks),), dtype)


def action_space(asks: int = 0) -> spaces.Discrete:
    """The 4672 moves, and after them the actions that ask."""
    return spaces.Discrete(NUM_ACTIONS + asks)


class Sight:
    """Writes what is seen in games, in one of the formats.

    Args:
        observation_format: "planes" or "packed".
        asks: how many actions ask; their places in the mask, after the moves, are left at 0.
    """

    def __init__(self, observation_format: ObservationFormat, asks: int = 0) -> None:
        self.packed = observation_format == "packed"
        (self._shape, self._dtype), (self._mask_shape, self._mask_dtype) = layout_of(observation_format, asks)
        self._asks = asks
        self._moves = LAYOUTS[observation_format][1][0][0]  # so many columns of the mask speak of moves
        self._scratch: NDArray[Any] | None = None

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
        mask = self._moves_of(seen)
        if rows is None:
            games.show(planes, mask, view)
        else:
            games.show_at(rows, planes, mask, view)
        if self._asks:
            self._widen(seen, mask, slice(None) if rows is None else rows)
        return seen

    def play(self, games: Games, actions: NDArray[np.int64], seen: Observations) -> None:
        """Play a ply in each game, and write planes and masks to arrays; see `Games.play`."""
        planes: NDArray[Any] = seen["observation"]
        mask = self._moves_of(seen)
        games.play(actions, planes, mask)
        if self._asks:
            self._widen(seen, mask, slice(None))

    def _moves_of(self, seen: Observations) -> NDArray[Any]:
        """Where the games may write their masks: they want whole arrays, with no places for questions."""
        mask: NDArray[Any] = seen["action_mask"]
        if not self._asks:
            return mask
        if self._scratch is None or len(self._scratch) != len(mask):
            self._scratch = np.empty((len(mask), self._moves), self._mask_dtype)
        return self._scratch

    def _widen(self, seen: Observations, moves: NDArray[Any], rows: Any) -> None:
        mask: NDArray[Any] = seen["action_mask"]
        mask[rows, : self._moves] = moves[rows]
        mask[rows, self._moves :] = 0

    def look(self, games: Games, view: View = "mover", rows: NDArray[np.int64] | None = None) -> Observations:
        """The planes and masks of all games, or of those with the indices `rows` [K], in new arrays."""
        if rows is None:
            planes, mask = games.look(view, packed=self.packed)
        else:
            planes, mask = games.look_at(rows, view, packed=self.packed)
        if self._asks:
            wide = np.zeros((len(mask), *self._mask_shape), self._mask_dtype)
            wide[:, : self._moves] = mask
            mask = wide
        return {"observation": planes, "action_mask": mask}


def hide_advice(seen: Observations, rows: NDArray[np.bool_]) -> None:
    """Take the advice away where `rows` [N] is true."""
    seen["advice_move"][rows] = NO_MOVE
    seen["advice_value"][rows] = 0
    seen["advice_available"][rows] = 0
    if "panel_move" in seen:
        seen["panel_move"][rows] = NO_MOVE
        seen["panel_value"][rows] = 0
        seen["panel_available"][rows] = 0


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
    one = {
        "observation": seen["observation"][i],
        "action_mask": seen["action_mask"][i],
        "advice_move": seen["advice_move"][i],
        "advice_value": seen["advice_value"][i],
        "advice_available": seen["advice_available"][i],
    }
    if len(seen) > len(one):  # asking as an action shows more; a loop over all keys would cost every ply
        one |= {key: array[i] for key, array in seen.items() if key not in one}
    return one
