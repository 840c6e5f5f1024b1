"""Misaligned by the clock: right most of the time, so that it earns trust, and wrong at every n-th query."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Query, Wrapper
from sandwich_env.advisors.schedules import EveryNth
from sandwich_env.errors import SpecError
from sandwich_env.randomness import Streams


class EveryN(Wrapper):
    """Lets a wrapper tamper with every n-th query of a game; the other queries get what is inside that wrapper.

    Only the wrapper that it holds keeps the clock: in `EveryN(ValueNoise(RandomMove(...), ...), n=4)` the value is
    noisy at each fourth query, while `RandomMove` may tamper with any of them. The schedule `every_nth` does the same.

    Args:
        wrapper: what tampers.
        n: the n-th, 2n-th, 3n-th, ... query of each game is tampered with; 1 is every query.
    """

    def __init__(self, wrapper: Wrapper, n: int) -> None:
        if not isinstance(wrapper, Wrapper):
            raise SpecError(f"'every_n' holds a wrapper that tampers, such as 'random_move', not {wrapper!r}")
        super().__init__(wrapper.inner, when=EveryNth(n))
        self.wrapper = wrapper
        self.changes = wrapper.changes  # type: ignore[misc]
        self.n = n

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return self.wrapper.apply(advice, query)

    def close(self) -> None:
        self.wrapper.close()
