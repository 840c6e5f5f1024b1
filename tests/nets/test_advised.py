"""`AdvisedNetwork`: H with eyes for the advisor channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from sandwich_env.nets.advised import ADVICE_PLANES, AdvisedNetwork
from sandwich_env.nets.geometry import from_to_pairs
from sandwich_env.nets.shape import INPUT_PLANES, NetworkShape
from sandwich_env.nets.weights import load_network, save_network
from sandwich_env.rules import Games

SMALL = NetworkShape(blocks=1, channels=8, policy_channels=4, value_channels=2, value_hidden=8)


def boards(count: int = 3) -> torch.Tensor:
    games = Games(count)
    for ply in range(4):
        games.step(games.sample(np.arange(count, dtype=np.uint64) + ply))
    return torch.from_numpy(games.observe(history=1)).float().permute(0, 3, 1, 2)


def said(action: int, underpromotion: int | None = None, value: float = 0.0) -> torch.Tensor:
    """Advice planes [1, 10, 8, 8], written by hand."""
    planes = torch.zeros(1, ADVICE_PLANES, 8, 8)
    source, target = divmod(int(from_to_pairs()[action]), 64)
    planes[0, 0].view(-1)[source] = 1
    planes[0, 1].view(-1)[target] = 1
    if underpromotion is not None:
        planes[0, 2 + underpromotion] = 1
    planes[0, 5] = 1
    planes[0, 6], planes[0, 7] = 1, value
    return planes


def test_it_starts_as_the_network_it_comes_from_whatever_it_is_told() -> None:
    novice = load_network("novice").eval()
    advised = AdvisedNetwork.from_weights("novice", asks=2)
    planes = boards()
    advice = torch.cat([said(100), said(2000, value=0.7), torch.zeros(1, ADVICE_PLANES, 8, 8)])
    with torch.no_grad():
        logits, value = advised(torch.cat([planes, advice], dim=1))
        expected, expected_value = novice(planes)
    assert logits.shape == (3, 4674)
    torch.testing.assert_close(logits[:, :4672], expected)
    torch.testing.assert_close(value, expected_value)
    assert (logits[:, 4672:] == 0).all()


def test_it_may_begin_with_some_trust() -> None:
    planes = boards(1)
    for action in np.flatnonzero(from_to_pairs() // 64 != from_to_pairs() % 64)[[3, 900]].tolist():
        told = torch.cat([planes, said(action)], dim=1)
        with torch.no_grad():
            raised = (
                AdvisedNetwork.from_weights("novice", trust=2.0)(told)[0] - load_network("novice").eval()(planes)[0]
            )[0]
        assert raised[action].item() == pytest.approx(2.0, abs=1e-4)
        raised[action] = 0
        assert raised.abs().max().item() < 1e-4


def test_the_advised_move_is_read_from_the_planes() -> None:
    network = AdvisedNetwork(SMALL)
    pairs = from_to_pairs()
    on_the_board = np.flatnonzero(pairs // 64 != pairs % 64)
    for action in on_the_board[::97].tolist() + [64 + 73 * (8 * 3 + 6) + k for k in range(9)]:
        plane = action % 73
        under = None if plane < 64 else (plane - 64) % 3
        assert network.advised_move(said(action, under)).item() == action


def test_what_is_said_reaches_policy_and_value_once_trained() -> None:
    torch.manual_seed(0)
    network = AdvisedNetwork(SMALL, asks=1)
    planes, action = boards(1), 2000
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    told, silent = torch.cat([planes, said(action)], 1), torch.cat([planes, torch.zeros(1, ADVICE_PLANES, 8, 8)], 1)
    first = network(told)[0].detach()
    for _ in range(60):
        optimizer.zero_grad()
        logits, value = network(told)
        quiet = network(silent)[0]
        loss = -logits.log_softmax(1)[0, action] + (value - 0.9).square().mean() - quiet.log_softmax(1)[0, -1]
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits, value = network(told)
        assert logits.argmax() == action
        assert first.argmax() != action
        assert value.item() > 0.5
        assert network(silent)[0].argmax() == 4672, "with nothing said it asks"


def test_the_norms_stay_as_they_are_in_training() -> None:
    network = AdvisedNetwork(SMALL)
    before = network.board.stem[1].running_mean.clone()
    network.train()
    network(torch.cat([boards(), torch.zeros(3, ADVICE_PLANES, 8, 8)], 1))
    assert torch.equal(network.board.stem[1].running_mean, before)


def test_plain_weights_are_a_network_like_any_other(tmp_path: Path) -> None:
    advised = AdvisedNetwork(SMALL, asks=2, seed=3)
    save_network(advised.plain(), tmp_path / "h.safetensors")
    loaded, planes = load_network(tmp_path / "h.safetensors").eval(), boards()
    with torch.no_grad():
        logits, _ = advised(torch.cat([planes, torch.zeros(3, ADVICE_PLANES, 8, 8)], 1))
        torch.testing.assert_close(loaded(planes)[0], logits[:, :4672])


def test_another_number_of_planes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B, 30, 8, 8\]"):
        AdvisedNetwork(SMALL)(torch.zeros(1, INPUT_PLANES, 8, 8))
