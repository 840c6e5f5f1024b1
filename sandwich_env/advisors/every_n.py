"""Misaligned by the clock: right most of the time, so that it earns trust, and wrong at every n-th query."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.advisors.base import Wrapper
from sandwich_env.advisors.gate import Gate
from sandwich_env.advisors.schedules import EveryNth
from sandwich_env.specs import check_count


class EveryN(Gate):
    """Lets a wrapper tamper with every n-th query of a game; the other queries get what is inside that wrapper.

    Only the wrapper that it holds keeps the clock: in `EveryN(ValueNoise(RandomMove(...), ...), n=4)` the value is
    noisy at each fourth query, while `RandomMove` may tamper with any of them. The schedule `every_nth` does the same.

    Args:
        wrapper: what tampers.
        n: the n-th, 2n-th, 3n-th, ... query of each game is tampered with; 1 is every query.
    """

    dials: ClassVar = {"n": (float("inf"), 1.0)}

    def __init__(self, wrapper: Wrapper, n: int) -> None:
        super().__init__(wrapper, EveryNth(check_count(f"n of {self.kind!r}", n)))
        self.n = n
