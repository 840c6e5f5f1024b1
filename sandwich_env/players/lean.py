"""A player that leans towards the advised move by a fixed amount, and draws its moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import NUM_ACTIONS, Games
from sandwich_env.specs import check_scale, from_spec


class Lean(Player):
    """Draws moves from softmax(policy / temperature + lean * [move is advised]).

    How far it leans is given: it does not depend on the position, and nothing changes it.

    Args:
        expert: whose policy it is.
        lean: what the advised move's logit is raised by: with 0 advice is not heard; a move that the policy gives 1 %
            is played in half of the cases with log 99 = 4.6.
        temperature: of the policy, above 0.
    """

    def __init__(self, expert: Expert, lean: float = 3.0, temperature: float = 1.0) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        self.lean = check_scale(f"lean of {self.kind!r}", lean)
        self.temperature = check_scale(f"temperature of {self.kind!r}", temperature)
        if temperature == 0:
            raise SpecError(f"temperature of {self.kind!r} is 0: it must be above 0, for moves to be drawn")

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        advised = np.full(len(games), -1, dtype=np.int64) if advice is None else advised_move(advice)
        return rng.sample(leaning(self.expert.evaluate(games).policy, advised, self.lean, self.temperature))

    def close(self) -> None:
        self.expert.close()


def advised_move(advice: VisibleAdvice) -> NDArray[np.int64]:
    """The action that was advised, -1 where none was. [N]"""
    given = (advice.available[:, 0] == 1) & (advice.move >= 0) & (advice.move < NUM_ACTIONS)
    return np.where(given, advice.move, -1)


def leaning(policy: NDArray[np.floating], advised: ArrayLike, lean: float, temperature: float) -> NDArray[np.float64]:
    """The logits of one who leans towards advice.

    Args:
        policy: [N, 4672], logits, -inf where illegal; such an action stays out, advised or not.
        advised: int [N], -1 for none.
        lean: what the advised move's logit is raised by.
        temperature: that the logits are divided by before.
    """
    logits: NDArray[np.float64] = policy / np.float64(temperature)
    move = np.asarray(advised)
    rows = np.flatnonzero(move >= 0)
    logits[rows, move[rows]] += lean
    return logits
