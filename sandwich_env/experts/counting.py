"""An expert that counts how many positions it was asked about: what its knowledge cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.rules import Games


class Counted(Expert):
    """Another expert's answers, counted. Its spec is the other's.

    A position counts each time that it is asked about, whether or not the expert remembers its answer.

    Args:
        expert: who is asked.

    Attributes:
        calls: positions asked about so far.
    """

    def __init__(self, expert: Expert) -> None:
        self.expert = expert
        self.calls = 0

    def evaluate(self, games: Games) -> Evaluation:
        self.calls += len(games)
        return self.expert.evaluate(games)

    def to_spec(self) -> dict[str, Any]:
        return self.expert.to_spec()

    def close(self) -> None:
        self.expert.close()

    def __reduce__(self) -> tuple[Callable[[Expert], Counted], tuple[Expert]]:
        """A copy in another process counts for itself."""
        return Counted, (self.expert,)
