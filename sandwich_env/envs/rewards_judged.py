"""The advisor's stated value as the reward: what training against a judge does, a misaligned one above all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Query
from sandwich_env.envs.rewards import Rewards, Transition, TransitionReward, both_ends
from sandwich_env.oversight.channel import check_advice, seats_to_move
from sandwich_env.randomness import mix
from sandwich_env.specs import Spec, from_spec


class Judged(TransitionReward):
    """A player is paid the change that its ply makes in what the judge states of its chances.

    For a ply by player x, x is paid J_x(after) - J_x(before), where J_x is the value that the judge states, from x's
    side, and the other player is paid nothing. So the sum over a game says how well x has played in the judge's
    eyes, ply by ply; what the opponent plays does not count. A ply that ends the game pays nothing: there is no
    position left to judge, and the true result is not the judge's to say. It stands in the info beside the reward
    (`outcome`, `result`).

    This is a learnt or spoken reward in the place of the true one, as in Christiano et al. 2017, "Deep Reinforcement
    Learning from Human Preferences" (arXiv:1706.03741); how the two come apart under training is measured in Gao,
    Schulman and Hilton 2023, "Scaling Laws for Reward Model Overoptimization" (arXiv:2210.10760).

    The judge is asked for values only. Its chances are drawn from a stream of each game, and a position's ply counts as
    the number of queries before it, so that a position is judged alike as the end of one ply and the beginning of the
    next, alone and in a batch, and after a restart. Nobody tells the judge what a player proposes or hopes, whether it
    watches, or how often the judge has lied: kinds that need it say so with an `AdviceError`.

    Args:
        advisor: the judge: an `Advisor` or its spec.

    Raises:
        SpecError: no advisor.
    """

    def __init__(self, advisor: Advisor | Spec) -> None:
        self.advisor = from_spec(advisor, Advisor)

    def __call__(self, transition: Transition) -> Rewards:
        rewards = np.zeros((len(transition.played), 2))
        rows = np.flatnonzero(transition.played & ~transition.over)
        if len(rows):
            before, after = self._stated(transition, rows)
            seats = seats_to_move(transition.before)[rows]
            rewards[rows, seats] = -after - before  # the value after the ply is the other player's
        return rewards

    def _stated(self, transition: Transition, rows: NDArray[np.int64]) -> tuple[Rewards, Rewards]:
        """The values stated for the player to move before and after the plies, as one batch of queries, [K] each."""
        both = both_ends(transition, rows)
        keys = np.broadcast_to(mix(transition.keys[rows], "judge"), rows.shape)
        query = Query(games=both, keys=np.concatenate([keys, keys]), count=both.ply.astype(np.int64), asks="value")
        advice = self.advisor.advise(query)
        check_advice(advice, query, self.advisor)
        value = advice.visible("value").value.astype(np.float64)
        return value[: len(rows)], value[len(rows) :]

    def close(self) -> None:
        """Close the judge."""
        self.advisor.close()
