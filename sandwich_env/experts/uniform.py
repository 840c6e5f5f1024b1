"""An expert that knows the rules and nothing else: the floor, and an expert for tests that need no network."""

from __future__ import annotations

import numpy as np

from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.rules import Games


class UniformExpert(Expert):
    """Gives every legal move the same logit, 0, and every unfinished game the value 0."""

    def evaluate(self, games: Games) -> Evaluation:
        _, value = result_for_mover(games)
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        return Evaluation(policy=policy, value=value)
