"""Co-teaching: two networks, each of which learns those moves that the other finds likely enough.

Han et al. 2018, "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels", algorithm 1. A
network learns what is regular before it learns wrong labels by heart, so that an example of great loss is likelier to
be wrong. What one network errs in, the other, which saw other batches, does not confirm.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sandwich_env.learning.examples import Examples
from sandwich_env.learning.supervised import ILLEGAL, Batch, Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.randomness import mix

_PEER = "peer."


class _Pupil(Fit):
    """A fit to the batch that somebody else has looked through."""

    lesson: tuple[Batch, Tensor]

    def loss(self) -> Tensor:
        return self.loss_on(*self.lesson)


class CoTeachingFit(_Pupil):
    """A fit of two networks that begin as one and see the examples in different orders; the first is the result.

    In each step each network looks at the other's batch, and the examples of small loss among these are all whose moves
    the other learns. The losses are compared as they are, not weighed, and among the examples that count (those of
    weight above 0) alone: what does not count is neither kept nor dropped. Values are learnt from all examples.

    A step costs two steps and two looks.

    Args:
        network: is trained in place.
        examples: what is learnt.
        config: how.
        forget: the share that is dropped of every batch in the end, about as many as are thought to be wrong.
        ramp: the share of the steps over which the dropped share rises from 0 in a straight line; 0 for at once.
    """

    def __init__(
        self, network: PolicyValueNetwork, examples: Examples, config: FitConfig, forget: float, ramp: float
    ) -> None:
        twin = copy.deepcopy(network)
        super().__init__(network, examples, config)
        self.forget = forget
        self.ramp = ramp
        self.peer = _Pupil(twin, examples, replace(config, seed=int(mix(config.seed, "peer")[0])))

    def dropped(self) -> float:
        """The share that is dropped in this step."""
        whole = self.ramp * self.steps
        return self.forget * min(1.0, self.step / whole) if whole > 0 else self.forget

    def loss(self) -> Tensor:
        mine, theirs = self.batch(), self.peer.batch()
        self.lesson = mine, self._chosen_by(self.peer.network, mine)
        self.peer.lesson = theirs, self._chosen_by(self.network, theirs)
        for _ in self.peer.advance(self.peer.step + 1):  # after both have chosen
            pass
        return super().loss()

    def _chosen_by(self, network: PolicyValueNetwork, batch: Batch) -> Tensor:
        """How much each example's move counts once a network has dropped those that surprise it the most, [B]."""
        network.eval()  # it looks at a batch that it does not learn from: its norms shall not either
        with torch.no_grad():
            logits, _ = network(batch.planes)
            losses = self.policy_losses(logits.masked_fill(~batch.legal, ILLEGAL), batch.action)
        network.train()
        weight = self.examples.policy_weight[batch.rows]
        kept = small_losses(losses.numpy(), weight > 0, self.dropped())
        # As many as before pull as hard as all did, so that the rate of learning does not fall with the ramp.
        scale = float((weight > 0).sum()) / max(1.0, float(kept.sum()))
        return torch.from_numpy((weight * kept * scale).astype(np.float32))

    def state(self) -> dict[str, Tensor]:
        return super().state() | {f"{_PEER}{name}": tensor for name, tensor in self.peer.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self.peer.load_state({k.removeprefix(_PEER): tensor for k, tensor in state.items() if k.startswith(_PEER)})
        super().load_state({k: tensor for k, tensor in state.items() if not k.startswith(_PEER)})


def small_losses(losses: NDArray[np.float32], counts: NDArray[np.bool_], dropped: float) -> NDArray[np.bool_]:
    """Which examples have small losses among those that count.

    Args:
        losses: float32 [B].
        counts: bool [B].
        dropped: the share of those that count which is left out, rounded to whole examples.

    Returns:
        bool [B], false for all that do not count; of equal losses the first are kept.
    """
    rows = np.flatnonzero(counts)
    least = rows[np.argsort(losses[rows], kind="stable")]
    kept = np.zeros(len(losses), dtype=np.bool_)
    kept[least[: len(rows) - round(dropped * len(rows))]] = True
    return kept
