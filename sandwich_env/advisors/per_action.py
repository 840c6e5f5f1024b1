"""Numbers for each legal action of a batch: probabilities, and random numbers that do not depend on the batch.

All arrays [M] go over the legal actions of all games, one game after the other, as in `LegalLogits`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.legal import LegalLogits
from sandwich_env.randomness import Streams

Floats = NDArray[np.float64]


def of_each(ufunc: np.ufunc, numbers: NDArray[Any], counts: NDArray[np.int64], empty: float) -> Floats:
    """Sum, maximum or another reduction over the actions of each game, [N]; `empty` for a game without any."""
    reduced = np.full(len(counts), empty, dtype=np.float64)
    some = np.flatnonzero(counts)
    if len(some):
        reduced[some] = ufunc.reduceat(numbers, (np.cumsum(counts) - counts)[some])
    return reduced


def log_probabilities(legal: LegalLogits) -> Floats:
    """log softmax of the logits over each game's legal actions, [M]."""
    return _normalized(legal.logits.astype(np.float64), legal.counts)


def log_uniform(rng: Streams, legal: LegalLogits) -> Floats:
    """Logarithms of numbers that are uniform between 0 and 1, [M], each drawn from its game and action alone."""
    return _log_uniform_at(rng, legal.rows(), legal.actions.astype(np.int64))


def log_dirichlet(rng: Streams, legal: LegalLogits, alpha: float) -> Floats:
    """Logarithms of a draw from the symmetric Dirichlet(alpha) over each game's legal actions, [M].

    Gamma variates, divided by their sum. They are kept as logarithms, which a small alpha does not make 0.
    """
    return _normalized(log_gamma(rng, legal.rows(), legal.actions.astype(np.int64), alpha), legal.counts)


def log_gamma(rng: Streams, rows: NDArray[np.int64], columns: NDArray[np.int64], alpha: float) -> Floats:
    """Logarithms of Gamma(alpha, 1) variates for some of the rows and columns, [M].

    Exact, by rejection (Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"; a shape below 1 by
    Gamma(alpha) = Gamma(alpha + 1) * U**(1 / alpha), their section 6). Each attempt has random numbers of its own, so
    that a variate does not depend on how often others were rejected.
    """
    rng = rng.child("gamma")  # however many attempts there are, the caller's own numbers stay the same
    boost = _log_uniform_at(rng, rows, columns) / alpha if alpha < 1.0 else 0.0
    d = (alpha + 1.0 if alpha < 1.0 else alpha) - 1.0 / 3.0
    drawn, pending = np.empty(len(rows), dtype=np.float64), np.arange(len(rows))
    while len(pending):
        at = rows[pending], columns[pending]
        x = rng.normal_at(*at)
        v = (1.0 + x / np.sqrt(9.0 * d)) ** 3
        log_v = np.log(np.where(v > 0.0, v, 1.0))
        accepted = (v > 0.0) & (_log_uniform_at(rng, *at) < x * x / 2.0 + d * (1.0 - v + log_v))
        drawn[pending[accepted]] = np.log(d) + log_v[accepted]
        pending = pending[~accepted]
    return drawn + boost


def _log_uniform_at(rng: Streams, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Two squared normal numbers sum to twice an exponential one, which is minus the logarithm of a uniform one."""
    logs: Floats = -0.5 * (rng.normal_at(rows, columns) ** 2 + rng.normal_at(rows, columns) ** 2)
    return logs


def _normalized(logs: Floats, counts: NDArray[np.int64]) -> Floats:
    """Logarithms shifted so that the numbers of each game sum to 1."""
    shifted = logs - np.repeat(of_each(np.maximum, logs, counts, 0.0), counts)
    total = of_each(np.add, np.exp(shifted), counts, 1.0)
    normalized: Floats = shifted - np.repeat(np.log(total), counts)
    return normalized
