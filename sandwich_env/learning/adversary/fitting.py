"""A fit of a network to a loss, with checkpoints. B's and the detector's differ in the loss alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from sandwich_env.nets.residual import PolicyValueNetwork

Loss = Callable[[PolicyValueNetwork, int], Tensor]
"""The loss of a network at a step."""


class NetworkFit:
    """A fit in progress, which a checkpoint takes up at any step.

    Args:
        network: is trained in place.
        loss: of a step; all that is random in it depends on the step.
        steps: in all.
        learning_rate: the highest, after a warm-up over the first twentieth; it falls to zero along a cosine.
    """

    def __init__(self, network: PolicyValueNetwork, loss: Loss, steps: int, learning_rate: float) -> None:
        self.network = network
        self.steps = steps
        self.step = 0
        self._loss = loss
        self._rate = learning_rate
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)

    def run(self, until: int) -> float:
        """Step until the given step, or to the end; returns the mean loss of these steps (0 where there were none)."""
        losses = []
        self.network.train()
        _freeze_norms(self.network)
        while self.step < min(until, self.steps):
            for group in self._optimizer.param_groups:
                group["lr"] = self._learning_rate()
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._loss(self.network, self.step)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self._optimizer.step()
            losses.append(float(loss.detach()))
            self.step += 1
        self.network.eval()
        return math.fsum(losses) / max(1, len(losses))

    def _learning_rate(self) -> float:
        warm_up = max(1, self.steps // 20)
        if self.step < warm_up:
            return self._rate * (self.step + 1) / warm_up
        return self._rate * 0.5 * (1 + math.cos(math.pi * (self.step - warm_up) / max(1, self.steps - warm_up)))

    def state(self) -> dict[str, Tensor]:
        """Weights, optimizer and step, for a checkpoint."""
        state = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for index, moments in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": torch.as_tensor(tensor) for name, tensor in moments.items()}
        return state | {"step": torch.tensor(self.step)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(
            {name.removeprefix("network."): t for name, t in state.items() if name.startswith("network.")}
        )
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = tensor
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": moments})
        self.step = int(state["step"])


def _freeze_norms(network: PolicyValueNetwork) -> None:
    """Keep the running statistics of the norms, which a fit to a few thousand positions would shift."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
