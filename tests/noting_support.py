"""An advisor for the tests of several rooms: it keeps every query."""

from __future__ import annotations

from sandwich_env.advisors.base import Advice, Advisor, Honest, Query
from sandwich_env.experts.uniform import UniformExpert


class Noting(Advisor):
    """Answers as another does, an honest one that knows the rules alone if none is given, and keeps every query."""

    def __init__(self, inner: Advisor | None = None) -> None:
        self.inner = Honest(UniformExpert()) if inner is None else inner
        self.queries: list[Query] = []
        self.closed = False

    def advise(self, query: Query) -> Advice:
        self.queries.append(query)
        return self.inner.advise(query)

    def close(self) -> None:
        self.closed = True
