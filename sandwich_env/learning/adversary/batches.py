"""Batches of a table as tensors: planes, and the legal moves padded to one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sandwich_env.learning.adversary.tables import MoveTable
from sandwich_env.rules import Games


@dataclass(frozen=True)
class Batch:
    """B positions with K moves each, of which `legal` [B, K] are some.

    Attributes:
        planes: float32 [B, 20, 8, 8].
        actions: int64 [B, K], 0 in places without a move.
        legal: bool [B, K].
        values: for each name asked for, float32 [B, K], 0 in places without a move.
    """

    planes: Tensor
    actions: Tensor
    legal: Tensor
    values: dict[str, Tensor]


class Batches:
    """A table whose batches are drawn by seed and step, so that a fit that is stopped goes on to the same weights.

    Args:
        table: the positions.
        values: float32 [M] each, what else is wanted of the moves.
        seed: of the order.
    """

    def __init__(self, table: MoveTable, values: dict[str, NDArray[np.float32]], seed: int) -> None:
        self.table = table
        self._planes = Games.from_fens(table.fens).observe(history=1)
        self._values = values
        self._seed = seed
        self._starts = table.starts

    def __len__(self) -> int:
        return len(self.table)

    def draw(self, step: int, size: int) -> NDArray[np.int64]:
        """The rows of a step's batch: each epoch goes through the table in a new order."""
        places = step * size + np.arange(size)
        rows = np.empty(size, dtype=np.int64)
        for epoch in np.unique(places // len(self)):
            order = np.random.default_rng((self._seed, int(epoch))).permutation(len(self))
            here = places // len(self) == epoch
            rows[here] = order[places[here] % len(self)]
        return rows

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Some positions (indices)."""
        counts, starts = self.table.counts[rows], self._starts[rows]
        columns = np.arange(counts.max())
        legal = columns < counts[:, None]
        at = np.where(legal, starts[:, None] + columns, 0)

        def padded(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.where(legal, array[at], 0).astype(array.dtype))

        return Batch(
            planes=torch.from_numpy(self._planes[rows]).to(torch.float32).permute(0, 3, 1, 2),
            actions=padded(self.table.actions.astype(np.int64)),
            legal=torch.from_numpy(legal),
            values={name: padded(array) for name, array in self._values.items()},
        )


def log_policy(logits: Tensor, batch: Batch) -> Tensor:
    """Log-probabilities of the legal moves, [B, K]; very low in places without a move.

    Args:
        logits: float [B, 4672].
    """
    return logits.gather(1, batch.actions).masked_fill(~batch.legal, -1e9).log_softmax(dim=1)
