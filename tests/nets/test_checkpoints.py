"""Checkpoints of a training: what goes on is what would have gone on."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import nn, optim

from sandwich_env.errors import WeightsError
from sandwich_env.nets.checkpoints import load_training, save_training


def train(network: nn.Module, optimizer: optim.Optimizer, steps: range) -> None:
    for step in steps:
        optimizer.zero_grad()
        network(torch.full((2, 3), float(step))).square().sum().backward()
        optimizer.step()


def fresh() -> tuple[nn.Module, optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    return network, optim.Adam(network.parameters(), lr=0.1)


def test_a_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole, optimizer = fresh()
    train(whole, optimizer, range(6))
    first, optimizer = fresh()
    train(first, optimizer, range(3))
    save_training(tmp_path / "c.safetensors", first, optimizer, 3)
    second, optimizer = fresh()
    assert load_training(tmp_path / "c.safetensors", second, optimizer) == 3
    train(second, optimizer, range(3, 6))
    assert torch.equal(whole.weight, second.weight)
    assert not torch.equal(whole.weight, first.weight)


def test_what_is_no_checkpoint_of_it_is_refused(tmp_path: Path) -> None:
    network, optimizer = fresh()
    with pytest.raises(WeightsError, match=r"no checkpoint at .*c\.safetensors"):
        load_training(tmp_path / "c.safetensors", network, optimizer)
    save_training(tmp_path / "c.safetensors", network, optimizer, 1)
    other = nn.Linear(4, 2)
    with pytest.raises(WeightsError, match="of another network"):
        load_training(tmp_path / "c.safetensors", other, optim.Adam(other.parameters()))
    from sandwich_env.nets.weights import save_tensors

    save_tensors(network.state_dict(), tmp_path / "d.safetensors", {})
    with pytest.raises(WeightsError, match="names no step"):
        load_training(tmp_path / "d.safetensors", network, optimizer)
