"""Losses that wrong moves mislead less: worked out by hand, and what a fit to them takes from its data."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sandwich_env.learning.examples import Examples
from sandwich_env.learning.robust_losses import (
    RobustFit,
    generalized_cross_entropy,
    symmetric_cross_entropy,
)
from sandwich_env.learning.supervised import ILLEGAL, Fit, FitConfig
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games

SHAPE = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)
LOGITS = torch.tensor([[math.log(0.5), math.log(0.25), math.log(0.25), ILLEGAL]]).repeat(2, 1)
"""Probabilities 1/2, 1/4, 1/4 and an action that is not legal."""
ACTIONS = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (1.0, [0.5, 0.75]),  # 1 - p
        (0.5, [2 * (1 - math.sqrt(0.5)), 1.0]),  # (1 - sqrt(1/4)) / (1/2) = 1
        (1e-6, [math.log(2), math.log(4)]),  # the cross-entropy
    ],
)
def test_generalized_cross_entropy(q: float, expected: list[float]) -> None:
    assert generalized_cross_entropy(LOGITS, ACTIONS, q).tolist() == pytest.approx(expected, rel=1e-4)


def test_symmetric_cross_entropy() -> None:
    # CE: log 2 and log 4. RCE, with log 0 for -4: the others hold 1/2 and 3/4 of the probability, so 2 and 3.
    expected = [0.1 * math.log(2) + 2, 0.1 * math.log(4) + 3]
    assert symmetric_cross_entropy(LOGITS, ACTIONS, 0.1, 1.0).tolist() == pytest.approx(expected, rel=1e-5)
    assert symmetric_cross_entropy(LOGITS, ACTIONS, 1.0, 0.0).tolist() == pytest.approx([math.log(2), math.log(4)])
    assert symmetric_cross_entropy(LOGITS, ACTIONS, 0.0, 0.5).tolist() == pytest.approx([1.0, 1.5], rel=1e-5)


def gradient(losses: Tensor, logits: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(losses.sum(), logits)
    return found


def test_the_pull_of_an_unlikely_move_is_the_less() -> None:
    """Of the generalized cross-entropy it is that of the cross-entropy times p^q, as the paper says."""
    logits = LOGITS.clone().requires_grad_()
    plain = gradient(symmetric_cross_entropy(logits, ACTIONS, 1.0, 0.0), logits)
    pull = gradient(generalized_cross_entropy(logits, ACTIONS, 0.7), logits)
    torch.testing.assert_close(pull, plain * torch.tensor([[0.5], [0.25]]) ** 0.7)
    # d/dz of 4 (1 - p_y) is 4 p_y (p - [y]): for y = 1 by hand -4 * 1/4 * 3/4.
    reverse = gradient(symmetric_cross_entropy(logits, ACTIONS, 0.0, 1.0), logits)
    assert reverse[1].tolist() == pytest.approx([0.5, -0.75, 0.25, 0.0])


def test_a_move_that_is_not_legal_and_does_not_count_does_no_harm() -> None:
    logits = LOGITS.clone().requires_grad_()
    for losses in (
        generalized_cross_entropy(logits, torch.tensor([3, 3]), 0.7),
        symmetric_cross_entropy(logits, torch.tensor([3, 3]), 0.1, 1.0),
    ):
        assert torch.isfinite(losses).all()
        assert not gradient(losses * 0.0, logits).any()


def examples() -> Examples:
    games = Games(32)
    for ply in range(9):
        games.step(games.sample(np.arange(32) + ply))
    weight = np.where(np.arange(32) % 4 == 0, 0.5, 1.0)
    return Examples.of(games, games.sample(np.arange(32)), np.where(games.turn, 1.0, -1.0), weight)


def test_a_fit_weighs_these_losses_and_those_of_the_values() -> None:
    taught, config = examples(), FitConfig(steps=4, batch_size=8, value_weight=0.5)
    fit = RobustFit(new_network(SHAPE, 0), taught, config, functools.partial(generalized_cross_entropy, q=0.5))
    plain = Fit(new_network(SHAPE, 0), taught, config)
    batch = plain.batch()
    logits, value = plain.network(batch.planes)
    p = logits.masked_fill(~batch.legal, ILLEGAL).softmax(dim=1)[torch.arange(8), batch.action]
    weight = torch.from_numpy(taught.policy_weight[batch.rows])
    expected = (weight * 2 * (1 - p.sqrt())).mean()
    expected += 0.5 * (value - torch.from_numpy(taught.value[batch.rows])).square().mean()
    assert float(fit.loss().detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert float(plain.loss().detach()) != pytest.approx(float(expected.detach()), rel=1e-2)
