"""The compiled network: torch's answers but for rounding, in any shape, with any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.running import NetworkRunner
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_network
from sandwich_env.nets.winograd import WinogradNetwork, chunks_of
from sandwich_env.rules import Games

SHAPES = [
    NetworkShape(),
    NetworkShape(blocks=1, channels=16, policy_channels=8, value_channels=4, value_hidden=16),
    NetworkShape(blocks=2, channels=7, policy_channels=5, value_channels=3, value_hidden=9),  # nothing fits a register
    NetworkShape(blocks=1, channels=1, policy_channels=1, value_channels=1, value_hidden=1),
]


def positions(count: int) -> Games:
    games = Games(count)
    for _ in range(25):
        games.step(np.where(games.finished, -1, games.sample(np.arange(count, dtype=np.uint64))))
    return games.select(np.flatnonzero(~games.finished))


def trained_a_little(shape: NetworkShape) -> PolicyValueNetwork:
    network = new_network(shape, 3)
    torch.manual_seed(3)
    for _ in range(3):
        network(torch.rand(32, 20, 8, 8))
    return network.eval()


def torchs_answers(network: PolicyValueNetwork, games: Games) -> tuple[np.ndarray, np.ndarray]:
    """In float64, the whole policy at once."""
    with torch.no_grad():
        seen = torch.from_numpy(games.observe(history=1)).double().permute(0, 3, 1, 2)
        logits, values = network.double()(seen)
    actions, counts = games.legal_actions()
    return logits.numpy()[np.repeat(np.arange(len(games)), counts), actions], values.numpy()


def question(games: Games):
    return games.observe(history=1), *games.legal_actions()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")  # half of one channel is none
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.blocks}x{shape.channels}")
def test_its_answers_are_torchs(shape):
    network, games = trained_a_little(shape), positions(45)
    runner = NetworkRunner(network, "cpu", "float32")
    assert isinstance(runner._network, WinogradNetwork)
    logits, values = runner.run_legal(*question(games))
    expected_logits, expected_values = torchs_answers(network, games)
    assert np.allclose(logits, expected_logits, atol=2e-5, rtol=1e-5)
    assert np.allclose(values, expected_values, atol=1e-5)


def test_the_shipped_experts_answers_are_torchs():
    games = positions(60)
    logits, values = NetworkRunner(load_network("expert"), "cpu", "float32").run_legal(*question(games))
    expected_logits, expected_values = torchs_answers(load_network("expert"), games)
    assert np.abs(logits - expected_logits).max() < 1e-4  # logits of up to 15
    assert np.abs(values - expected_values).max() < 1e-5


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_bits_are_the_same_in_chunks_of_any_size(threads):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        runner = NetworkRunner(load_network("novice"), "cpu", "float32")
        games = positions(150)
        planes, actions, counts = question(games)
        ends = np.cumsum(counts)
        logits, values = runner.run_legal(planes, actions, counts)
        for size in (1, 3, 5, 12, 13, 28, 31, 57, 64, 65, 100):
            some = runner.run_legal(planes[-size:], actions[ends[-size] - counts[-size] :], counts[-size:])
            assert np.array_equal(some[0], logits[ends[-size] - counts[-size] :]), size
            assert np.array_equal(some[1], values[-size:]), size
    finally:
        torch.set_num_threads(before)


def test_positions_without_actions_have_values_all_the_same():
    runner = NetworkRunner(trained_a_little(SHAPES[1]), "cpu", "float32")
    planes, actions, counts = question(positions(6))
    _, values = runner.run_legal(planes, actions, counts)
    logits, alone = runner.run_legal(planes, actions[:0], np.zeros(6, dtype=np.int64))
    assert len(logits) == 0
    assert np.array_equal(alone, values)


@pytest.mark.parametrize("sizes", [{128: 97, 32: 13, 4: 1}, WinogradNetwork.SIZES], ids=["torch", "winograd"])
def test_chunks_cover_everything_once(sizes):
    for count in range(300):
        chunks = list(chunks_of(count, sizes))
        assert [row for start, stop, _ in chunks for row in range(start, stop)] == list(range(count))
        assert all(stop - start <= size for start, stop, size in chunks)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p, a, c: (p[:, :, :, :19], a, c), "planes"),
        (lambda p, a, c: (p.astype(np.uint8), a, c), "planes"),
        (lambda p, a, c: (p[::-1], a, c), "planes"),
        (lambda p, a, c: (p, a.astype(np.int64), c), "actions"),
        (lambda p, a, c: (p, a + np.uint16(4672), c), "4672"),
        (lambda p, a, c: (p, a[1:], c), "counts"),
        (lambda p, a, c: (p, a, np.append(c[:-2], [c[-2] + c[-1] + 1, -1])), "counts"),
        (lambda p, a, c: (p[1:], a, c), "counts"),
    ],
)
def test_arrays_that_would_lead_a_kernel_astray_are_refused(change, named):
    runner = NetworkRunner(trained_a_little(SHAPES[1]), "cpu", "float32")
    with pytest.raises(ValueError, match=named):
        runner.run_legal(*change(*question(positions(5))))
