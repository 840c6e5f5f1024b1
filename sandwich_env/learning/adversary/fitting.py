"""A fit of a network to a loss, with checkpoints. B's and the detector's differ in the loss alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sandwich_env.learning.fitting import Fitting
from sandwich_env.nets.residual import PolicyValueNetwork

Loss = Callable[[PolicyValueNetwork, int], Tensor]
"""The loss of a network at a step."""


class NetworkFit(Fitting):
    """A fit in progress to a function, which a checkpoint takes up at any step.

    The running statistics of the norms are kept, which a fit to a few thousand positions would shift.

    Args:
        network: is trained in place.
        loss: of a step; all that is random in it depends on the step.
        steps, learning_rate: see `Fitting`.
    """

    def __init__(self, network: PolicyValueNetwork, loss: Loss, steps: int, learning_rate: float) -> None:
        optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
        super().__init__(network, optimizer, steps, learning_rate)
        self._loss = loss

    def loss(self) -> Tensor:
        return self._loss(self.network, self.step)

    def to_training(self) -> None:
        super().to_training()
        for module in self.network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()

    def run(self, until: int) -> float:
        """Step until the given step, or to the end; returns the mean loss of these steps (0 where there were none)."""
        losses = list(self.advance(until))
        return math.fsum(losses) / max(1, len(losses))
