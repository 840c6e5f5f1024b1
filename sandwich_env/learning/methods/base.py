"""What every way to learn is: how H plays when it is advised, and what it takes from its games.

A method is handed H and the visible part of the corpus. The truth behind the advice, the advisor and its expert are of
other types, which no method is given (`tests/learning/test_methods.py` changes every truth column and gets the same H).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.examples import Examples
from sandwich_env.players.base import Player
from sandwich_env.specs import Specified


@dataclass(frozen=True)
class Lesson:
    """What H learns from in one round.

    Attributes:
        corpus: the games it may learn from, of this round and of those that are learnt from again;
            `corpus.games.round` tells them apart.
        novice: H as it played the latest of these games.
        round: the number of that round, from 1.
        rng: for whatever the method draws; it depends on the run's seed and on the round alone.
    """

    corpus: VisibleCorpus
    novice: Expert
    round: int
    rng: np.random.Generator


class Method(Specified, ABC):
    """A way for H to play when advised, and to learn.

    H is then fitted to the examples from where it stands. The weights of an example may be any numbers: 0 leaves a
    target out, a share of 1 weighs it by trust, and several examples of one position make a soft target.
    """

    @abstractmethod
    def player(self, novice: Expert) -> Player:
        """H at the board: what it does with the advice that it sees."""

    @abstractmethod
    def examples(self, lesson: Lesson) -> Examples:
        """What H is fitted to after the games of a round.

        Raises:
            DataError: the games hold nothing to learn from.
        """
