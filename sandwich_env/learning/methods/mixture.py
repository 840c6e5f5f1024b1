"""A mixture of two sources of known distributions: how often the first one spoke, and which answers are likely its own.

Expectation maximisation (Dempster, Laird and Rubin 1977, "Maximum Likelihood from Incomplete Data via the EM
Algorithm"), of the error rate of one observer as in Dawid and Skene 1979 ("Maximum Likelihood Estimation of Observer
Error-Rates Using the EM Algorithm").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-9
_MOST_STEPS = 10_000


@dataclass(frozen=True)
class Mixture:
    """What the answers say of their two sources.

    Attributes:
        rate: the share of the answers that came from the first.
        posterior: float64 [K], the probability that this one did.
        fit: the log-likelihood of the answers, with the prior of the rate.
    """

    rate: float
    posterior: NDArray[np.float64]
    fit: float


def mixture(first: NDArray[np.float64], second: NDArray[np.float64]) -> Mixture:
    """The most likely mixture.

    The rate has the prior Beta(2, 2): as if one answer more had come from either source, so that no source is ever
    ruled out. The likelihood is concave in the rate, so that each step comes nearer to the one maximum, wherever it
    begins.

    Args:
        first: [K], the log of the probability of each answer, were it the first source's.
        second: [K], were it the second's; one of the two must be finite.
    """
    rate = 0.5
    for _ in range(_MOST_STEPS):
        posterior = _posterior(rate, first, second)
        before, rate = rate, float((posterior.sum() + 1.0) / (len(first) + 2.0))
        if abs(rate - before) < _TOLERANCE:
            break
    likelihood = np.logaddexp(np.log(rate) + first, np.log1p(-rate) + second).sum()
    return Mixture(rate, _posterior(rate, first, second), float(likelihood + np.log(rate) + np.log1p(-rate)))


def _posterior(rate: float, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    one, other = np.log(rate) + first, np.log1p(-rate) + second
    posterior: NDArray[np.float64] = np.exp(one - np.logaddexp(one, other))
    return posterior
