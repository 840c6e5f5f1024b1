"""A policy gradient on recorded games: clipped ratios to the probabilities that the moves were drawn with (PPO)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from sandwich_env.learning.played_examples import PlayedExamples
from sandwich_env.learning.supervised import ILLEGAL, Batch, Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork


def clipped_losses(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """-min(r A, clip(r, 1 - clip, 1 + clip) A), [B], with the ratio r = exp(log_ratio).

    Schulman et al. 2017, "Proximal Policy Optimization Algorithms", equation 7: once a move is that much likelier than
    when it was drawn, its doing well does not make it likelier still; likewise for one that did badly.

    Args:
        log_ratio: float [B], log p(now) - log p(when it was drawn).
        advantage: float [B].
        clip: above 0.
    """
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)


def divergence(log_ratio: Tensor) -> Tensor:
    """The estimate r - 1 - log r of KL(then || now) from each move, [B]; never below 0 (Schulman 2020).

    http://joschu.net/blog/kl-approx.html, "k3".
    """
    return torch.expm1(log_ratio) - log_ratio


class PolicyGradientFit(Fit):
    """A fit of moves to how the games ended, and of values to the results.

    The moves' losses are those of `clipped_losses`, under the advice that was seen: the advised move's logit is raised
    by `lean` as when H played. Once the moves' probabilities are too far from those that they were drawn with, the
    ratios mean little: from the first step whose batch diverges by more than `max_kl` on average the policy and the
    trunk below it are left as they are, and only the value's head goes on.

    The norms keep their statistics, else the ratios would not begin at 1. Nothing is mirrored, since H may draw a move
    and its mirror image with different probabilities. Weights do not decay: a round that teaches nothing changes
    nothing.

    Args:
        network: is trained in place.
        examples: what was played.
        config: how; `mirror` and `weight_decay` do not count.
        lean: what the advised move's logit was raised by.
        temperature: that the logits were divided by.
        clip: how far a ratio may go from 1 before it stops to pull.
        max_kl: the divergence, in nats, at which the policy is let alone.
    """

    def __init__(
        self,
        network: PolicyValueNetwork,
        examples: PlayedExamples,
        config: FitConfig,
        *,
        lean: float,
        temperature: float,
        clip: float,
        max_kl: float,
    ) -> None:
        super().__init__(network, examples, replace(config, mirror=False, weight_decay=0.0))
        self.played = examples
        self.lean = lean
        self.temperature = temperature
        self.clip = clip
        self.max_kl = max_kl
        self.stopped = False

    def to_training(self) -> None:
        super().to_training()
        for module in self.network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()

    def loss(self) -> Tensor:
        batch, network = self.batch(), self.network
        policy_loss = torch.zeros(())
        with torch.set_grad_enabled(not self.stopped):
            seen = network.tower(functional.relu(network.stem(batch.planes)))
        if not self.stopped:
            logits, value = network.heads(seen)
            policy_loss, diverged = self._policy_loss(logits, batch)
            self.stopped = diverged > self.max_kl
        if self.stopped:
            # What has no gradient is not stepped at all, so that no momentum carries the policy on.
            policy_loss, value = torch.zeros(()), network.heads(seen.detach())[1]
        loss: Tensor = policy_loss + self.config.value_weight * self.value_loss(batch.rows, value)
        return loss

    def _policy_loss(self, logits: Tensor, batch: Batch) -> tuple[Tensor, float]:
        """The mean of the weighed losses of moves, and the mean divergence of those that count."""
        weight, advantage, before, advised = (
            torch.from_numpy(column[batch.rows])
            for column in (
                self.played.policy_weight,
                self.played.advantage,
                self.played.log_probability,
                self.played.advised,
            )
        )
        leaning = logits.masked_fill(~batch.legal, ILLEGAL) / self.temperature
        lean = self.lean * (advised >= 0)[:, None].to(leaning.dtype)
        leaning = leaning.scatter_add(1, advised.clamp(min=0)[:, None], lean)
        log_ratio = -functional.cross_entropy(leaning, batch.action, reduction="none") - before
        diverged = float((divergence(log_ratio.detach()) * weight).sum() / weight.sum().clamp(min=1e-9))
        return (clipped_losses(log_ratio, advantage, self.clip) * weight).mean(), diverged

    def state(self) -> dict[str, Tensor]:
        return super().state() | {"stopped": torch.tensor(self.stopped)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        super().load_state(state)
        self.stopped = bool(state["stopped"])
