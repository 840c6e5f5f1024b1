"""What NumPy asks the operating system for, from a fixed stream: a test fails each time or never."""

from __future__ import annotations

import random

import numpy.random.bit_generator

_stream = random.Random(0)


def fix_entropy(name: str) -> None:
    """Begin the stream of this name: what is made without a seed from here on is the same in each run."""
    _stream.seed(name)


numpy.random.bit_generator.randbits = _stream.getrandbits  # type: ignore[attr-defined]
