"""Fitting a network to examples, one step after another, stoppable at any of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sandwich_env.errors import DataError, SpecError
from sandwich_env.learning.examples import Examples, unpack_legal, unpack_planes
from sandwich_env.learning.fitting import Fitting
from sandwich_env.nets.geometry import mirrored_actions
from sandwich_env.nets.residual import PolicyValueNetwork

CASTLING_PLANES = slice(0, 4)
ILLEGAL = -1e9
"""The logit that takes an action's place where it is not legal: times 0 it is 0, which infinity is not."""
_MIRRORED = mirrored_actions()


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a network is fitted."""

    steps: int
    """Gradient steps in all."""
    batch_size: int = 256
    """Examples a step."""
    learning_rate: float = 2e-3
    """The highest, after a warm-up over the first twentieth of the steps; it falls to zero along a cosine."""
    weight_decay: float = 1e-4
    """Of AdamW (Loshchilov and Hutter 2019)."""
    value_weight: float = 1.0
    """What the squared error of the value counts beside the cross-entropy of the policy."""
    mirror: bool = True
    """Show half of the positions without castling rights with the a-file and the h-file exchanged."""
    seed: int = 0
    """Of the order of the examples and of the mirroring."""

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch_size < 1:
            raise SpecError(f"steps is {self.steps!r} and batch_size {self.batch_size!r}: give 0 or more and 1 or more")
        if not self.learning_rate > 0 or self.weight_decay < 0 or self.value_weight < 0:
            raise SpecError(
                f"learning_rate is {self.learning_rate!r}, weight_decay {self.weight_decay!r}, "
                f"value_weight {self.value_weight!r}: they must be positive, and 0 or more"
            )


@dataclass(frozen=True)
class FitScore:
    """How well a network predicts examples.

    Attributes:
        policy_loss: cross-entropy over the legal moves, in nats.
        accuracy: share of positions whose move has the highest logit.
        value_loss: mean squared error of the value.
    """

    policy_loss: float
    accuracy: float
    value_loss: float


class Batch(NamedTuple):
    """B of the examples, as a network takes them.

    Attributes:
        rows: int64 [B], which of the examples they are.
        planes: float [B, 20, 8, 8].
        legal: bool [B, 4672].
        action: int64 [B], the moves to learn.
    """

    rows: NDArray[np.int64]
    planes: Tensor
    legal: Tensor
    action: Tensor


class Fit(Fitting):
    """A fit in progress to examples.

    Everything random is a function of the seed and of the step, so that a fit that is stopped and taken up again ends
    with the same weights.

    Args:
        network: is trained in place.
        config: how.
        groups: int [N], which of the `shares` each example is drawn by; all are drawn alike without it.
        shares: the share of each batch that comes from each group.
    """

    def __init__(
        self,
        network: PolicyValueNetwork,
        examples: Examples,
        config: FitConfig,
        groups: NDArray[np.int64] | None = None,
        shares: tuple[float, ...] = (1.0,),
    ) -> None:
        if len(examples) == 0:
            raise DataError("there are no examples to fit a network to")
        moved: PolicyValueNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decays = [p for p in moved.parameters() if p.ndim > 1]
        others = [p for p in moved.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decays, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.learning_rate,
        )
        super().__init__(moved, optimizer, config.steps, config.learning_rate)
        self.examples = examples
        self.config = config
        groups = np.zeros(len(examples), np.int64) if groups is None else groups
        self._members = [np.flatnonzero(groups == group) for group in range(len(shares))]
        kept = np.array([share if len(rows) else 0.0 for share, rows in zip(shares, self._members, strict=True)])
        self._shares = kept / kept.sum()
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def run(self, until: int | None = None, on_step: Callable[[int, float], None] | None = None) -> None:
        """Step until the given step, or to the end.

        Args:
            until: the step to stop before; the config's `steps` without it.
            on_step: is told the number of steps done and the loss of the last.
        """
        for loss in self.advance(self.steps if until is None else until):
            if on_step is not None:
                on_step(self.step, loss)

    def loss(self) -> Tensor:
        return self.loss_on(self.batch())

    def batch(self) -> Batch:
        """The examples of this step."""
        rows, mirrored = self._draw()
        return Batch(rows, *_batch(self.examples, rows, mirrored))

    def loss_on(self, batch: Batch, policy_weight: Tensor | None = None) -> Tensor:
        """The loss of some examples: the means of the weighed losses of moves and of values.

        Args:
            batch: the B examples.
            policy_weight: float [B], how much each move counts, in the place of what the examples say.
        """
        logits, value = self.network(batch.planes)
        losses = self.policy_losses(logits.masked_fill(~batch.legal, ILLEGAL), batch.action)
        weight = torch.from_numpy(self.examples.policy_weight[batch.rows]) if policy_weight is None else policy_weight
        loss: Tensor = (losses * weight).mean() + self.config.value_weight * self.value_loss(batch.rows, value)
        return loss

    def policy_losses(self, logits: Tensor, action: Tensor) -> Tensor:
        """The loss of each move, before it is weighed, [B]; a subclass may take another than cross-entropy.

        Args:
            logits: float [B, 4672], `ILLEGAL` where an action is not legal.
            action: int64 [B], the moves to learn.
        """
        return functional.cross_entropy(logits, action, reduction="none")

    def value_loss(self, rows: NDArray[np.int64], value: Tensor) -> Tensor:
        """The mean of the weighed squared errors of the values [B] of the examples `rows`."""
        errors = (value - torch.from_numpy(self.examples.value[rows])).square()
        return (errors * torch.from_numpy(self.examples.value_weight[rows])).mean()

    def _draw(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The rows of this step's batch: each group is gone through in a new order at each of its epochs."""
        size = self.config.batch_size
        bounds = np.round(np.cumsum(self._shares) * size).astype(int)
        rows = []
        for group, (start, end) in enumerate(zip([0, *bounds[:-1]], bounds, strict=True)):
            members, quota = self._members[group], end - start
            places = self.step * quota + np.arange(quota)
            for epoch in np.unique(places // max(len(members), 1)):
                order = self._order(group, int(epoch))
                rows.append(members[order[places[places // len(members) == epoch] % len(members)]])
        flips = np.random.default_rng((self.config.seed, self.step, 1)).random(size) < 0.5
        return np.concatenate(rows), flips & self.config.mirror

    def _order(self, group: int, epoch: int) -> NDArray[np.int64]:
        if self._orders.get(group, (-1,))[0] != epoch:
            rng = np.random.default_rng((self.config.seed, group, epoch))
            self._orders[group] = (epoch, rng.permutation(len(self._members[group])))
        return self._orders[group][1]


def _batch(examples: Examples, rows: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> tuple[Tensor, Tensor, Tensor]:
    planes, legal = unpack_planes(examples.planes[rows]), unpack_legal(examples.legal[rows])
    action = examples.action[rows]
    mirrored = mirrored & ~planes[:, 0, 0, CASTLING_PLANES].any(axis=1)
    if mirrored.any():
        # The clock plane marks one square by number, so it must not be turned over with the board.
        clock = planes[mirrored, :, :, 5]
        planes[mirrored] = planes[mirrored, :, ::-1]
        planes[mirrored, :, :, 5] = clock
        legal[mirrored] = legal[mirrored][:, _MIRRORED]
        action = np.where(mirrored, _MIRRORED[action], action)
    floats = torch.from_numpy(planes).to(torch.float32).permute(0, 3, 1, 2)
    return floats, torch.from_numpy(legal), torch.from_numpy(action)


@torch.no_grad()
def score(network: PolicyValueNetwork, examples: Examples, chunk: int = 512) -> FitScore:
    """How well a network predicts examples that it may not have seen."""
    network.eval()
    policy_loss = hits = value_loss = 0.0
    policy_total = float(examples.policy_weight.sum())
    value_total = float(examples.value_weight.sum())
    for start in range(0, len(examples), chunk):
        rows = np.arange(start, min(start + chunk, len(examples)))
        planes, legal, action = _batch(examples, rows, np.zeros(len(rows), np.bool_))
        logits, value = network(planes)
        logits = logits.masked_fill(~legal, ILLEGAL)
        weight = torch.from_numpy(examples.policy_weight[rows])
        policy_loss += float((functional.cross_entropy(logits, action, reduction="none") * weight).sum())
        hits += float(((logits.argmax(dim=1) == action) * weight).sum())
        errors = (value - torch.from_numpy(examples.value[rows])).square()
        value_loss += float((errors * torch.from_numpy(examples.value_weight[rows])).sum())
    return FitScore(
        policy_loss=policy_loss / policy_total if policy_total else math.nan,
        accuracy=hits / policy_total if policy_total else math.nan,
        value_loss=value_loss / value_total if value_total else math.nan,
    )
