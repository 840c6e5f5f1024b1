"""Co-teaching: who is dropped, who chooses for whom, that wrong labels mislead it less, and that it can be stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sandwich_env.learning.co_teaching import CoTeachingFit, small_losses
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.supervised import Fit, FitConfig, score
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.rules import Games

SHAPE = NetworkShape(blocks=1, channels=16, policy_channels=4, value_channels=2, value_hidden=8)


def examples(count: int, seed: int, wrong: float) -> Examples:
    """The legal move with the lowest number is right; a share of the moves is drawn from all legal ones instead."""
    parts, rng = [], np.random.default_rng(seed)
    for plies in (4, 10, 16):
        games = Games(count // 3)
        for ply in range(plies):
            games.step(games.sample(np.arange(count // 3) + 1000 * seed + ply))
        legal = games.legal_mask() == 1
        drawn = np.array([rng.choice(np.flatnonzero(row)) for row in legal])
        actions = np.where(rng.random(len(drawn)) < wrong, drawn, np.argmax(legal, axis=1))
        parts.append(Examples.of(games, actions, np.zeros(len(games))))
    return Examples.join(parts)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("dropped", "counts", "kept"),
    [
        (0.0, [1, 1, 1, 1, 1], [0, 1, 2, 3, 4]),
        (0.4, [1, 1, 1, 1, 1], [0, 1, 4]),  # the losses 5 and 3 go
        (0.5, [1, 0, 1, 1, 1], [0, 4]),  # of four, not of five, and the one that does not count is not kept
        (0.4, [0, 0, 0, 0, 0], []),
    ],
)
def test_small_losses_are_those_of_the_examples_that_count(dropped: float, counts: list[int], kept: list[int]) -> None:
    losses = np.array([2, 0, 5, 3, 1], dtype=np.float32)
    found = small_losses(losses, np.array(counts, dtype=np.bool_), dropped)
    assert np.flatnonzero(found).tolist() == kept


def test_of_equal_losses_the_first_are_kept() -> None:
    found = small_losses(np.ones(4, dtype=np.float32), np.ones(4, dtype=np.bool_), 0.5)
    assert found.tolist() == [True, True, False, False]


def test_wrong_labels_mislead_it_less_than_a_plain_fit() -> None:
    taught, clean = examples(150, 1, wrong=0.4), examples(150, 2, wrong=0.0)
    config = FitConfig(steps=120, batch_size=32, learning_rate=1e-2, mirror=False)
    plain, robust = new_network(SHAPE, 0), new_network(SHAPE, 0)
    Fit(plain, taught, config).run()
    CoTeachingFit(robust, taught, config, forget=0.4, ramp=0.3).run()
    assert score(robust, clean).accuracy > score(plain, clean).accuracy + 0.05


def test_the_dropped_share_rises_over_the_ramp() -> None:
    fit = CoTeachingFit(new_network(SHAPE, 0), examples(30, 1, 0.4), FitConfig(steps=10), forget=0.4, ramp=0.5)
    shares = []
    for fit.step in range(10):
        shares.append(fit.dropped())
    assert shares == pytest.approx([0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.4, 0.4, 0.4, 0.4])
    fit.step, fit.ramp = 0, 0.0
    assert fit.dropped() == 0.4


def ranked(network: PolicyValueNetwork, fit: Fit, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by their cross-entropy, the least first."""
    network.eval()
    losses = [score(network, replace(fit.examples.select([row]), policy_weight=np.ones(1, np.float32))) for row in rows]
    return rows[np.argsort([loss.policy_loss for loss in losses], kind="stable")]


def test_each_network_learns_what_the_other_finds_likely() -> None:
    taught = examples(60, 1, wrong=0.4)
    weights = np.tile(np.array([0.0, 0.2, 5.0], dtype=np.float32), 20)
    config = FitConfig(steps=10, batch_size=30, mirror=False, learning_rate=1e-2)
    fit = CoTeachingFit(new_network(SHAPE, 0), replace(taught, policy_weight=weights), config, forget=0.5, ramp=0.0)
    assert fit.peer.network is not fit.network
    fit.peer.network.load_state_dict(new_network(SHAPE, 1).state_dict())  # so that they find different moves likely
    for _ in fit.advance(3):
        pass
    mine, theirs = fit.batch().rows, fit.peer.batch().rows
    assert not np.array_equal(np.sort(mine), np.sort(theirs))
    chosen = {}
    for one, other, rows in ((fit, fit.peer, mine), (fit.peer, fit, theirs)):
        counted = rows[weights[rows] > 0]
        of_other, own = (
            set(ranked(network, one, counted)[: len(counted) - round(0.5 * len(counted))])  # not by weighed losses
            for network in (other.network, one.network)
        )
        assert of_other != own
        chosen[id(one)] = of_other
    for _ in fit.advance(4):
        pass
    for one in (fit, fit.peer):
        batch, weight = one.lesson
        counted = int((weights[batch.rows] > 0).sum())
        kept = batch.rows[weight.numpy() > 0]
        assert set(kept) == chosen[id(one)]
        # Those that are kept pull as hard as all that count: each by its own weight.
        scale = counted / len(kept)
        assert weight.numpy()[weight.numpy() > 0] == pytest.approx(scale * weights[kept])


def state(fit: CoTeachingFit) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in fit.state().items()}


@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_fit_ends_with_the_same_weights_of_both(stop: int) -> None:
    taught, config = examples(30, 1, wrong=0.4), FitConfig(steps=6, batch_size=16, learning_rate=1e-2)
    whole, first = (CoTeachingFit(new_network(SHAPE, 0), taught, config, 0.4, 0.5) for _ in range(2))
    whole.run()
    first.run(until=stop)
    kept = {name: tensor.clone() for name, tensor in first.state().items()}
    second = CoTeachingFit(new_network(SHAPE, 9), taught, config, 0.4, 0.5)
    second.load_state(kept)
    assert (second.step, second.peer.step) == (stop, stop)
    second.run()
    assert state(second) == state(whole)
    assert any(name.startswith("peer.network.") for name in kept)
    assert state(whole)["network.stem.0.weight"] != state(whole)["peer.network.stem.0.weight"]


def test_with_nothing_dropped_the_first_learns_as_alone() -> None:
    taught, config = examples(30, 1, wrong=0.0), FitConfig(steps=4, batch_size=16)
    alone, both = Fit(new_network(SHAPE, 0), taught, config), CoTeachingFit(new_network(SHAPE, 0), taught, config, 0, 0)
    alone.run()
    both.run()
    for name, tensor in alone.network.state_dict().items():
        assert torch.equal(tensor, both.network.state_dict()[name]), name
