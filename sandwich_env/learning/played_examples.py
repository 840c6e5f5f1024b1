"""Examples of moves that were drawn: how likely they were, and how much better they did than was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.learning.examples import Examples


@dataclass(frozen=True)
class PlayedExamples(Examples):
    """N training examples for a policy gradient; `action` is what was played, and `value` the result.

    Attributes:
        advised: int64 [N], the move that was advised, -1 where none was.
        log_probability: float32 [N], the logarithm of the probability with which the move was drawn.
        advantage: float32 [N], how much better than expected the move did.
    """

    advised: NDArray[np.int64]
    log_probability: NDArray[np.float32]
    advantage: NDArray[np.float32]

    @classmethod
    def beside(
        cls,
        examples: Examples,
        advised: NDArray[np.int64],
        log_probability: NDArray[np.float32],
        advantage: NDArray[np.float32],
    ) -> PlayedExamples:
        """Examples with these columns beside their own."""
        columns = (*examples._columns(), advised, log_probability, advantage)
        return cls(*columns)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> PlayedExamples:
        return PlayedExamples(*(column[rows] for column in self._columns()))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return (*super()._columns(), self.advised, self.log_probability, self.advantage)
