"""Fine-tuning: stopped at any step and gone on with, it ends with the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sandwich_env.errors import DataError, WeightsError
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.fine_tune import fine_tune, steps_for
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork, new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_network, save_network
from sandwich_env.rules import Games

TINY = NetworkShape(blocks=1, channels=8)
CONFIG = FitConfig(steps=5, batch_size=8, seed=5)


class StopError(Exception):
    """What a test stops a fit with."""


@pytest.fixture(scope="module")
def examples() -> Examples:
    games = Games(48)
    seeds = np.arange(48, dtype=np.uint64)
    for _ in range(5):
        games.step(games.sample(seeds))
    return Examples.of(games, np.argmax(games.legal_mask(), axis=1), np.where(games.turn, 1.0, -1.0))


@pytest.fixture
def start(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    save_network(new_network(TINY, 0), tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def weights(network: PolicyValueNetwork) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]


@pytest.mark.parametrize("every", [2, 100])
def test_stopped_after_any_step_it_ends_with_the_same_weights(
    start: Path, tmp_path: Path, examples: Examples, every: int
) -> None:
    whole = fine_tune(start, examples, CONFIG, checkpoint=tmp_path / "never", checkpoint_every=100)
    assert weights(whole) != weights(load_network(start))
    for stop in range(1, CONFIG.steps):
        kept = tmp_path / f"fit_{stop}"
        done: list[int] = []

        def show(step: int, total: int, stop: int = stop, done: list[int] = done) -> None:
            done.append(step)
            if step == stop and len(done) == stop:
                raise StopError

        with pytest.raises(StopError):
            fine_tune(start, examples, CONFIG, checkpoint=kept, checkpoint_every=every, on_progress=show)
        kept_steps = (stop - 1) // every * every
        assert kept.is_file() == (kept_steps > 0)
        again: list[tuple[int, int]] = []
        ended = fine_tune(
            start,
            examples,
            CONFIG,
            checkpoint=kept,
            checkpoint_every=every,
            on_progress=lambda step, total, again=again: again.append((step, total)),
        )
        assert again == [(step, CONFIG.steps) for step in range(kept_steps + 1, CONFIG.steps + 1)]
        assert weights(ended) == weights(whole), stop


def test_a_fit_comes_back_ready_to_be_used(start: Path, tmp_path: Path, examples: Examples) -> None:
    network = fine_tune(start, examples, CONFIG, checkpoint=tmp_path / "fit", checkpoint_every=2)
    assert not network.training


def test_a_damaged_checkpoint_is_refused(start: Path, tmp_path: Path, examples: Examples) -> None:
    (tmp_path / "fit").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match=r"fit.*no whole safetensors"):
        fine_tune(start, examples, CONFIG, checkpoint=tmp_path / "fit", checkpoint_every=2)


def test_nothing_to_learn_from_is_refused(start: Path, tmp_path: Path, examples: Examples) -> None:
    with pytest.raises(DataError, match="no examples"):
        fine_tune(start, examples.select(slice(0, 0)), CONFIG, checkpoint=tmp_path / "fit", checkpoint_every=2)


@pytest.mark.parametrize(
    ("examples", "epochs", "batch_size", "steps"),
    [(100, 1.0, 10, 10), (101, 1.0, 10, 11), (100, 0.25, 10, 3), (3, 1.0, 256, 1)],
)
def test_steps_show_each_example_so_often(examples: int, epochs: float, batch_size: int, steps: int) -> None:
    assert steps_for(examples, epochs, batch_size) == steps
