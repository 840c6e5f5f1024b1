"""What every way to learn is: how H plays when it is advised, and what it takes from its games.

A method is handed H and the visible part of the corpus. The truth behind the advice, the advisor and its expert are of
other types, which no method is given (`tests/learning/test_methods.py` changes every truth column and gets the same H).
The one exception says so: a `privileged` method is an upper bound for scoring, and is told which advised moves are E's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import NothingToLearnError
from sandwich_env.experts.base import Expert
from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.examples import Examples
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.specs import Specified

if TYPE_CHECKING:
    from sandwich_env.learning.fitting import Fitting
    from sandwich_env.learning.supervised import FitConfig
    from sandwich_env.nets.residual import PolicyValueNetwork


@dataclass(frozen=True)
class Lesson:
    """What H learns from in one round.

    Attributes:
        corpus: the games it may learn from, of this round and of those that are learnt from again;
            `corpus.games.round` tells them apart.
        novice: H as it played the latest of these games.
        round: the number of that round, from 1.
        rng: for whatever the method draws; it depends on the run's seed and on the round alone.
        right: bool [P], whether the advised move is E's, for a privileged method; None for every other.
    """

    corpus: VisibleCorpus
    novice: Expert
    round: int
    rng: np.random.Generator
    right: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Targets:
    """What each ply of a corpus teaches.

    Attributes:
        action: int64 [P], the move to learn.
        policy_weight: float32 [P], how much it counts, 0 for not at all.
        value: float32 [P], the expected result for the mover to learn.
        value_weight: float32 [P], how much it counts.
    """

    action: NDArray[np.int64]
    policy_weight: NDArray[np.float32]
    value: NDArray[np.float32]
    value_weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.action)


class Method(Specified, ABC):
    """A way for H to play when advised, and to learn.

    A subclass says how H plays (`player`) and what each ply teaches (`targets`). H is then fitted to that from where it
    stands. Weights may be any numbers from 0: 0 leaves a target out, a share of 1 weighs it by trust.

    Attributes:
        consults: whether H asks A at all; if not, A is not there.
        heeds: which parts of an answer the method uses.
        privileged: whether it is told which advised moves are E's: an upper bound, and no method for H.
    """

    consults: ClassVar[bool] = True
    heeds: ClassVar[tuple[Literal["move", "value"], ...]] = ("move",)
    privileged: ClassVar[bool] = False

    @abstractmethod
    def player(self, novice: Expert, line: Line | None = None) -> Player:
        """H at the board: what it does with the advice that it sees.

        Args:
            novice: H, as it stands.
            line: for questions beyond the protocol's; None where there is nobody to ask.
        """

    @abstractmethod
    def targets(self, lesson: Lesson) -> Targets:
        """What each ply of the lesson's corpus teaches."""

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        """What is left of the targets of another method, earlier in a chain, after this one has weighed them.

        Without more, this method's own weights count on top of the other's, where both teach the same move.
        """
        own = self.targets(lesson)
        agreed = own.action == targets.action
        return Targets(
            action=targets.action,
            policy_weight=(targets.policy_weight * np.where(agreed, own.policy_weight, 0.0)).astype(np.float32),
            value=targets.value,
            value_weight=(targets.value_weight * own.value_weight).astype(np.float32),
        )

    def trust(self, lesson: Lesson) -> NDArray[np.float32] | None:
        """How far H believes each advised move, 0 to 1, NaN where it has no opinion, [P]; None for a method without.

        Whoever keeps score compares it with the truth.
        """
        return None

    def examples(self, lesson: Lesson) -> Examples:
        """What H is fitted to after the games of a round.

        Raises:
            NothingToLearnError: the games hold nothing to learn from.
        """
        return examples_of(lesson.corpus, self.targets(lesson))

    def fitting(self, network: PolicyValueNetwork, examples: Examples, config: FitConfig) -> Fitting:
        """The fit of H to what `examples` gave: by cross-entropy and squared error, where nothing else is said."""
        from sandwich_env.learning.supervised import Fit

        return Fit(network, examples, config)


def examples_of(corpus: VisibleCorpus, targets: Targets) -> Examples:
    """Training examples of all plies that teach anything.

    Raises:
        NothingToLearnError: none does.
        DataError: a move to learn is not legal where it is to be learnt.
    """
    taught = (targets.policy_weight > 0) | (targets.value_weight > 0)
    if not taught.any():
        raise NothingToLearnError(f"none of the {len(corpus)} plies of these games teaches anything")
    return Examples.join(
        Examples.of(games, targets.action[at], targets.value[at], targets.policy_weight[at], targets.value_weight[at])
        for games, at in replay_games(corpus, rows=taught)
    )


def advised_moves(corpus: VisibleCorpus) -> NDArray[np.bool_]:
    """At which plies a move was advised. [P]"""
    given: NDArray[np.bool_] = corpus.asked & (corpus.advice_available[:, 0] == 1)
    return given
