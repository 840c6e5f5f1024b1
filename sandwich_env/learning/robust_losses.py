"""Losses of moves that wrong ones among them mislead less than they mislead the cross-entropy.

Each is a function of the logits over the legal moves and of the moves to learn, [B, 4672] and [B], and gives a loss for
each of them, [B]. With p the policy and y the move to learn, the cross-entropy is -log p_y: a move that H holds for
hopeless pulls the hardest. These losses pull less, the less likely the move: they are bounded where it is not.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sandwich_env.learning.examples import Examples
from sandwich_env.learning.supervised import Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork

LOG_ZERO = -4.0
"""What takes the place of log 0 in the reverse cross-entropy, as Wang et al. take it: a number that is finite."""

PolicyLosses = Callable[[Tensor, Tensor], Tensor]
"""Logits [B, 4672] and actions [B] to losses [B]."""


def generalized_cross_entropy(logits: Tensor, action: Tensor, q: float) -> Tensor:
    """(1 - p_y^q) / q, [B]: the cross-entropy where q tends to 0, the absolute error at q = 1.

    Zhang and Sabuncu 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    equation 6. Its gradient is that of the cross-entropy, times p_y^q.

    Args:
        logits: float [B, 4672].
        action: int64 [B].
        q: above 0, to 1.
    """
    losses: Tensor = -torch.expm1(q * _log_probability(logits, action)) / q
    return losses


def symmetric_cross_entropy(logits: Tensor, action: Tensor, alpha: float, beta: float) -> Tensor:
    """alpha * CE + beta * RCE, [B], where RCE = -sum_k p_k log [k = y] = 4 (1 - p_y), with log 0 taken for -4.

    Wang et al. 2019, "Symmetric Cross Entropy for Robust Learning with Noisy Labels", equations 4 to 7.

    Args:
        logits: float [B, 4672].
        action: int64 [B].
        alpha: what the cross-entropy counts.
        beta: what the reverse cross-entropy counts.
    """
    log_p = _log_probability(logits, action)
    return -alpha * log_p + beta * LOG_ZERO * torch.expm1(log_p)


def _log_probability(logits: Tensor, action: Tensor) -> Tensor:
    return -functional.cross_entropy(logits, action, reduction="none")


class RobustFit(Fit):
    """A fit to another loss of moves than the cross-entropy.

    Args:
        network: is trained in place.
        examples: what is learnt.
        config: how.
        losses: of moves.
    """

    def __init__(
        self, network: PolicyValueNetwork, examples: Examples, config: FitConfig, losses: PolicyLosses
    ) -> None:
        super().__init__(network, examples, config)
        self._losses = losses

    def policy_losses(self, logits: Tensor, action: Tensor) -> Tensor:
        return self._losses(logits, action)
