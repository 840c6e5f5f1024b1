"""A fit of a network in progress: its gradient steps, the rate of each, and checkpoints at any of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from sandwich_env.errors import DivergedError
from sandwich_env.nets.checkpoints import load_training_state, training_state
from sandwich_env.nets.residual import PolicyValueNetwork

_LONGEST_GRADIENT = 5.0


class Fitting(ABC):
    """A network, its optimizer, and the step that they have reached. A subclass says what the loss of a step is.

    Args:
        network: is trained in place.
        optimizer: of its parameters.
        steps: in all.
        learning_rate: the highest, after a warm-up over the first twentieth; it falls to zero along a cosine.
    """

    def __init__(
        self, network: PolicyValueNetwork, optimizer: torch.optim.Optimizer, steps: int, learning_rate: float
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.steps = steps
        self.learning_rate = learning_rate
        self.step = 0

    @abstractmethod
    def loss(self) -> Tensor:
        """The loss of this step; all that is random in it depends on `step`."""

    def to_training(self) -> None:
        """Put the network into the mode that it is trained in."""
        self.network.train()

    def advance(self, until: int) -> Iterator[float]:
        """Step until the given step, or to the end; gives the loss of each, once it is done.

        Raises:
            DivergedError: the loss or its gradient is no finite number; the step was not taken.
        """
        self.to_training()
        while self.step < min(until, self.steps):
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss()
            self._check(loss, "loss")
            loss.backward()  # type: ignore[no-untyped-call]
            self._check(torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LONGEST_GRADIENT), "gradient")
            self.optimizer.step()
            self.step += 1
            yield float(loss.detach())
        self.network.eval()

    def _check(self, number: Tensor, name: str) -> None:
        if not bool(torch.isfinite(number.detach()).all()):
            raise DivergedError(
                f"the {name} of step {self.step + 1} of {self.steps} is {float(number.detach())}, at a learning rate "
                f"of {self.rate():g}: take a lower learning_rate, and see that the examples hold finite numbers"
            )

    def rate(self) -> float:
        """The learning rate of this step."""
        warm_up = max(1, self.steps // 20)
        if self.step < warm_up:
            return self.learning_rate * (self.step + 1) / warm_up
        done = (self.step - warm_up) / max(1, self.steps - warm_up)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))

    def state(self) -> dict[str, Tensor]:
        """Weights, optimizer and step as tensors, for a checkpoint."""
        return training_state(self.network, self.optimizer) | {"step": torch.tensor(self.step)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint of a fit to the same loss."""
        load_training_state(state, self.network, self.optimizer)
        self.step = int(state["step"])
