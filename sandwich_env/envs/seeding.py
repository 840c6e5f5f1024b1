"""From the seed that a user gives to the uint64 that keys are made of."""

from __future__ import annotations

import operator

import numpy as np

from sandwich_env.errors import SpecError

_BITS = 64


def as_seed(seed: object) -> int:
    """A seed as an integer in [0, 2**64); larger ones, such as the entropy of an operating system, are folded.

    Raises:
        SpecError: it is not a whole number, or negative.
    """
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError as error:
        raise SpecError(f"seed is {seed!r}: it must be a whole number, 0 or more") from error
    if number < 0:
        raise SpecError(f"seed is {seed!r}: it must be a whole number, 0 or more")
    folded = 0
    while number:
        folded ^= number & ((1 << _BITS) - 1)
        number >>= _BITS
    return folded


def fresh_seed() -> int:
    """A seed from the operating system, for an environment that was given none."""
    return as_seed(np.random.SeedSequence().entropy)
