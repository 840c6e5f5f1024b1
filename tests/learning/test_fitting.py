"""The steps that all fits share, against a loop written out by hand: the same bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sandwich_env.learning.adversary.fitting import NetworkFit
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.supervised import Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games

SHAPE = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)
STEPS = 30


def some_games() -> Games:
    games = Games(32)
    for ply in range(9):
        games.step(games.sample(np.arange(32) + ply))
    return games


def loss_of(network: PolicyValueNetwork, step: int) -> Tensor:
    planes = torch.from_numpy(some_games().observe(history=1)[step % 4 :: 4]).float().permute(0, 3, 1, 2)
    logits, value = network(planes)
    return logits.square().mean() + (value - 0.3).square().mean()


def by_hand(network: Any, optimizer: Any, loss: Any, rate: float) -> list[float]:
    """Warm-up over a twentieth of the steps, a cosine to zero, gradients cut to length 5."""
    losses, warm_up = [], STEPS // 20
    for step in range(STEPS):
        falling = 0.5 * (1 + math.cos(math.pi * ((step - warm_up) / (STEPS - warm_up))))
        for group in optimizer.param_groups:
            group["lr"] = rate * (step + 1) / warm_up if step < warm_up else rate * falling
        optimizer.zero_grad()
        one = loss(step)
        one.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses.append(float(one.detach()))
    return losses


def assert_same_weights(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for (name, mine), theirs in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), name


def test_a_fit_to_a_function_takes_these_steps() -> None:
    network, other = new_network(SHAPE, 1), new_network(SHAPE, 1)
    mean = NetworkFit(network, loss_of, STEPS, 0.01).run(STEPS)
    other.eval()  # its norms keep their statistics
    losses = by_hand(
        other,
        torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=1e-4),
        lambda step: loss_of(other, step),
        0.01,
    )
    assert mean == math.fsum(losses) / STEPS
    assert_same_weights(network, other)
    assert losses[-1] < 0.5 * losses[0]


def test_a_fit_to_examples_takes_these_steps() -> None:
    games = some_games()
    examples = Examples.of(games, games.sample(np.arange(32)), np.where(games.turn, 1.0, -1.0))
    config = FitConfig(steps=STEPS, batch_size=8, learning_rate=0.01, weight_decay=0.05, seed=3)
    fit, hand = (Fit(new_network(SHAPE, 1), examples, config) for _ in range(2))
    told: list[float] = []
    fit.run(on_step=lambda step, loss: told.append(loss))

    def loss(step: int) -> Tensor:
        hand.step = step
        return hand.loss()

    hand.network.train()
    assert by_hand(hand.network, hand.optimizer, loss, 0.01) == told
    assert_same_weights(fit.network, hand.network)
    assert [group["weight_decay"] for group in fit.optimizer.param_groups] == [0.05, 0.0]


@pytest.mark.parametrize("until", [1, 13])
def test_a_fit_to_a_function_goes_on_from_a_checkpoint(until: int) -> None:
    whole, first = new_network(SHAPE, 1), NetworkFit(new_network(SHAPE, 1), loss_of, STEPS, 0.01)
    NetworkFit(whole, loss_of, STEPS, 0.01).run(STEPS)
    first.run(until)
    state = first.state()
    assert set(state) >= {"step", "network.stem.0.weight", "optimizer.0.exp_avg", "optimizer.0.step"}
    later = NetworkFit(new_network(SHAPE, 7), loss_of, STEPS, 0.01)
    later.load_state({name: tensor.clone() for name, tensor in state.items()})
    later.run(STEPS)
    assert_same_weights(whole, later.network)
