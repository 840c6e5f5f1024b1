"""The oracle: H is told which advised moves are E's. An upper bound for what telling them apart can gain; no method."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.learning.methods.base import Lesson, Targets, advised_moves
from sandwich_env.learning.methods.imitate import Imitate


class Oracle(Imitate):
    """H plays as in `Imitate`, and learns the advised moves that are E's, and no others. For scoring only.

    It is told the truth behind the advice, which H never sees: what it reaches is an upper bound for what telling right
    from wrong can gain from the same games, and not for methods that play otherwise or ask more. It learns E's moves
    where it did not follow them, too, but not its own: beside E's, they would hold it where it stands. Results are
    learnt as in `Imitate`. E is here the expert inside A: where A was given another than the run's, the moves of that
    one count as right.

    Args:
        temperature, explore_plies, explore_share, values: as in `Imitate`.

    Raises:
        DataError: the lesson does not tell which moves are E's (of whatever looks at a lesson).
    """

    privileged: ClassVar[bool] = True

    def targets(self, lesson: Lesson) -> Targets:
        right, corpus = self._right(lesson), lesson.corpus
        return replace(
            super().targets(lesson),
            action=np.where(right, corpus.advice_move, corpus.action),
            policy_weight=right.astype(np.float32),
        )

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        """Of the other's moves, those that are E's advice remain."""
        kept = self._right(lesson) & (targets.action == lesson.corpus.advice_move)
        return replace(targets, policy_weight=(targets.policy_weight * kept).astype(np.float32))

    def trust(self, lesson: Lesson) -> NDArray[np.float32]:
        return np.where(advised_moves(lesson.corpus), self._right(lesson), np.nan).astype(np.float32)

    def _right(self, lesson: Lesson) -> NDArray[np.bool_]:
        if lesson.right is None:
            raise DataError(
                f"{self.kind!r} is told which advised moves are E's, but 'right' of the lesson is None: it is an upper "
                f"bound that takes the truth of the corpus, and no method for a lesson without it"
            )
        if len(lesson.right) != len(lesson.corpus):
            raise DataError(f"'right' of the lesson has {len(lesson.right)} values for {len(lesson.corpus)} plies")
        return lesson.right & advised_moves(lesson.corpus)
