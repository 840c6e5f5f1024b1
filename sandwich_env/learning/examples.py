"""What a network is trained on: positions with a move and a value, packed to a few hundred bytes each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.errors import DataError
from sandwich_env.nets.shape import INPUT_PLANES
from sandwich_env.rules import NUM_ACTIONS, Games


@dataclass(frozen=True)
class Examples:
    """N training examples.

    Attributes:
        planes: uint8 [N, 160], the bits of `Games.observe(history=1)`.
        legal: uint8 [N, 584], the bits of `Games.legal_mask()`.
        action: int64 [N], the move to learn.
        value: float32 [N], the result to expect for the player to move, -1 to 1.
        policy_weight: float32 [N], how much the move counts; 0 for a position that teaches only its value.
        value_weight: float32 [N], how much the value counts.
    """

    planes: NDArray[np.uint8]
    legal: NDArray[np.uint8]
    action: NDArray[np.int64]
    value: NDArray[np.float32]
    policy_weight: NDArray[np.float32]
    value_weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.action)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Examples:
        """Some of the examples, by index, boolean mask or slice."""
        return Examples(*(column[rows] for column in self._columns()))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return (self.planes, self.legal, self.action, self.value, self.policy_weight, self.value_weight)

    @classmethod
    def join(cls, parts: Iterable[Examples]) -> Examples:
        """Several sets of examples as one.

        Raises:
            DataError: there is nothing to join.
        """
        parts = list(parts)
        if not parts:
            raise DataError("there are no examples: the data held no position to learn from")
        return cls(*(np.concatenate(columns) for columns in zip(*(p._columns() for p in parts), strict=True)))

    @classmethod
    def of(
        cls,
        games: Games,
        action: ArrayLike,
        value: ArrayLike,
        policy_weight: ArrayLike = 1.0,
        value_weight: ArrayLike = 1.0,
    ) -> Examples:
        """Examples of the games' present positions.

        Raises:
            DataError: an action is not legal in its position.
        """
        legal = games.legal_mask()
        action = np.asarray(action, dtype=np.int64)
        weights = [np.broadcast_to(np.asarray(w, np.float32), (len(games),)) for w in (policy_weight, value_weight)]
        wrong = (legal[np.arange(len(games)), action] == 0) & (weights[0] > 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(f"action {int(action[row])} is to be learnt in {games.fens()[row]!r}, where it is illegal")
        return cls(
            planes=np.packbits(games.observe(history=1).reshape(len(games), -1), axis=1),
            legal=np.packbits(legal.astype(np.bool_), axis=1),
            action=action,
            value=np.asarray(value, dtype=np.float32),
            policy_weight=weights[0].copy(),
            value_weight=weights[1].copy(),
        )


def unpack_planes(packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool [N, 8, 8, 20] from `Examples.planes`."""
    bits = np.unpackbits(packed, axis=1, count=64 * INPUT_PLANES)
    return bits.view(np.bool_).reshape(-1, 8, 8, INPUT_PLANES)


def unpack_legal(packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool [N, 4672] from `Examples.legal`."""
    return np.unpackbits(packed, axis=1, count=NUM_ACTIONS).view(np.bool_)
