"""What every expert is: something that knows a policy and a value for a batch of positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.legal import LegalLogits, Policy, legal_logits_of
from sandwich_env.rules import Games
from sandwich_env.specs import Specified


@dataclass(frozen=True)
class Evaluation:
    """What an expert thinks of N positions.

    Attributes:
        policy: float32 [N, 4672], logits over the actions, -inf where illegal (everywhere, in a finished game). An
            expert may give `LegalLogits`, which become this array when somebody looks at it.
        value: float32 [N], the expected result for the player to move, from -1 to 1 (the result, in a finished game).
    """

    policy: NDArray[np.float32]
    value: NDArray[np.float32]

    def best(self) -> NDArray[np.int64]:
        """The action with the highest logit, the lowest index among equals; -1 in a finished game. [N]"""
        if (legal := self.legal) is not None:
            return legal.best()
        best = np.argmax(self.policy, axis=1)
        return np.where(np.isfinite(self.policy[np.arange(len(best)), best]), best, -1)

    @property
    def legal(self) -> LegalLogits | None:
        """The policy as the logits of the legal actions alone, where it is kept so."""
        return legal_logits_of(self)


Evaluation.policy = Policy()  # type: ignore[assignment]  # after the fact: a dataclass would take it for a default


class Expert(Specified, ABC):
    """Knows: gives a policy and a value for every position of a batch."""

    @abstractmethod
    def evaluate(self, games: Games) -> Evaluation:
        """Policy and value of each game's position; the same position gets the same answer, whatever else is asked."""

    def close(self) -> None:
        """Release what the expert holds (engine processes, a GPU). It may not be asked again."""


def result_for_mover(games: Games) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which games are over [N], and the result for the player to move [N]: +1, 0 or -1; 0 in an unfinished game."""
    over = games.finished
    white = np.where(over, games.outcome, 0.0)  # the outcome is NaN while a game goes on
    return over, np.where(games.turn == chess.WHITE, white, -white).astype(np.float32)
