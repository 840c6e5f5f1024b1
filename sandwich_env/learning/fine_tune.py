"""H, fitted to the examples of a round from where it stands; stopped at any step, it goes on to the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sandwich_env.learning.fitting import Fitting
from sandwich_env.learning.supervised import Fit, FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.weights import load_network, load_tensors, save_tensors

if TYPE_CHECKING:
    from sandwich_env.learning.examples import Examples

Progress = Callable[[int, int], None]
"""Called with how many steps are done, and how many there are."""


def steps_for(examples: int, epochs: float, batch_size: int) -> int:
    """How many steps show each example `epochs` times, on average; one at least."""
    return max(1, math.ceil(examples * epochs / batch_size))


def fine_tune(
    start: str | Path,
    examples: Examples,
    config: FitConfig,
    *,
    checkpoint: Path,
    checkpoint_every: int,
    on_progress: Progress | None = None,
    fitting: Callable[[PolicyValueNetwork, Examples, FitConfig], Fitting] = Fit,
) -> PolicyValueNetwork:
    """Fit the network at `start` to examples.

    Args:
        start: weights to begin from.
        examples: what is learnt.
        config: how.
        checkpoint: where the fit is kept while it goes on; one that is there already is gone on from. It must be of
            the same start, examples and config: who calls gives each fit a path of its own, and removes it after.
        checkpoint_every: steps between checkpoints.
        on_progress: is told after each step.
        fitting: makes the fit; a method that learns otherwise than by supervision gives its own.

    Raises:
        DivergedError: the loss is no finite number any more.
        WeightsError: the checkpoint is no whole safetensors file.
        OSError: a checkpoint cannot be written.
    """
    fit = fitting(load_network(start), examples, config)
    if checkpoint.is_file():
        state, _ = load_tensors(checkpoint)
        fit.load_state(state)
    while fit.step < config.steps:
        for _ in fit.advance(until=fit.step + checkpoint_every):
            if on_progress is not None:
                on_progress(fit.step, config.steps)
        if fit.step < config.steps:
            save_tensors(fit.state(), checkpoint, {})
    fit.network.eval()
    return fit.network
