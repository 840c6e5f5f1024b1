"""The losses of B and of the detector.

B: over all legal moves of a position, with its policy p, maximise

    sum_m p(m) (loss(m) - weight * suspicion(m)) + entropy * H(p)

where `loss` is the chance of winning that the move gives away by E's reckoning and `suspicion` the mean of what the
league sees for itself and of the detector's probability that the move is B's and not E's. Since all moves are known,
the expectation is exact and needs no sampled gradient. B's value stays E's: it says of the position what E would.

The detector is a network that sees what H sees, the position, and gives each move a logit of being B's rather than E's
(a discriminator; Goodfellow et al. 2014, arXiv:1406.2661).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sandwich_env.learning.adversary.batches import Batch, Batches, log_policy
from sandwich_env.nets.residual import PolicyValueNetwork

_VALUE_WEIGHT = 1.0
"""What the squared error of B's value against E's counts."""


@dataclass(frozen=True)
class Weights:
    """What counts how much in B's objective; see `AdversaryConfig`."""

    suspicion: float
    detector: float
    entropy: float


def adversary_loss(
    network: PolicyValueNetwork,
    detector: PolicyValueNetwork | None,
    batches: Batches,
    rows: NDArray[np.int64],
    weights: Weights,
) -> Tensor:
    """The loss of B on some positions. The batches carry `loss` and `seen` [M]; no detector, no part of it."""
    batch = batches.batch(rows)
    logits, value = network(batch.planes)
    log_p = log_policy(logits, batch)
    p = log_p.exp()
    reward = batch.values["loss"] - weights.suspicion * suspicion(detector, batch, weights.detector)
    gained = (p * reward).sum(dim=1)
    entropy = -(p * log_p.masked_fill(~batch.legal, 0.0)).sum(dim=1)
    honest = torch.from_numpy(batches.table.expert_value[rows])
    return -(gained + weights.entropy * entropy).mean() + _VALUE_WEIGHT * functional.mse_loss(value, honest)


def suspicion(detector: PolicyValueNetwork | None, batch: Batch, detector_weight: float) -> Tensor:
    """How suspicious each move looks, 0 to 1, [B, K]; no gradient flows through it."""
    seen = batch.values["seen"]
    if detector is None or detector_weight == 0:
        return seen
    with torch.no_grad():
        detected = torch.sigmoid(detector(batch.planes)[0].gather(1, batch.actions))
    return (1 - detector_weight) * seen + detector_weight * detected


def detector_loss(
    detector: PolicyValueNetwork, batches: Batches, rows: NDArray[np.int64], draw: tuple[int, int]
) -> Tensor:
    """Binary cross-entropy of telling a move drawn from another policy from one drawn from E's, on the same positions.

    Args:
        detector: is trained.
        batches: carry `theirs` and `honest` [M], the logits of both.
        rows: the positions.
        draw: a seed and a step, of the moves drawn.
    """
    batch = batches.batch(rows)
    uniform = torch.from_numpy(np.random.default_rng((*draw, 2)).random((2, len(rows), 1)))
    theirs, ours = (
        _draw(batch.values[name].masked_fill(~batch.legal, -1e9).log_softmax(dim=1), uniform[k])
        for k, name in enumerate(("theirs", "honest"))
    )
    logits = detector(batch.planes)[0].gather(1, batch.actions)
    of_b, of_e = logits.gather(1, theirs), logits.gather(1, ours)
    return (functional.softplus(-of_b) + functional.softplus(of_e)).mean() / 2


def _draw(log_p: Tensor, uniform: Tensor) -> Tensor:
    """An index from each row's distribution, [B, 1]."""
    total = log_p.to(torch.float64).exp().cumsum(dim=1)
    return torch.searchsorted(total, uniform * total[:, -1:], right=True).clamp(max=log_p.shape[1] - 1)
