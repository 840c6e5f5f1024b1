"""Reinforcement: H leans towards the advice, draws its moves, and learns those that did better than it expected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, NothingToLearnError, SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.methods.base import Lesson, Method, Targets, advised_moves
from sandwich_env.learning.played_examples import PlayedExamples
from sandwich_env.oversight.line import Line
from sandwich_env.players.base import Player
from sandwich_env.players.lean import Lean, leaning
from sandwich_env.specs import check_scale

if TYPE_CHECKING:
    from sandwich_env.learning.fitting import Fitting
    from sandwich_env.learning.supervised import FitConfig
    from sandwich_env.nets.residual import PolicyValueNetwork


class Reinforce(Method):
    """A policy gradient on the results of the games, with the advice seen (PPO, Schulman et al. 2017).

    H draws its moves from softmax(policy / temperature + lean * [move is advised]), and learns by clipped ratios to
    these probabilities. The advantage of a move is the game's result less the value that H gave the position, centred
    over the round; it is not divided by its spread, so that a round in which nothing happened teaches nothing. It is
    fitted under the same advice as it played: what it learns is what it should have played *given* the advice. How far
    it leans is a number that is set: H does not learn whom to trust. Only games of the latest round count, since those
    before were drawn from other probabilities; learning from earlier rounds again is without effect.

    Args:
        lean: what the advised move's logit is raised by, in play and in learning.
        temperature: of H's policy, above 0, in play and in learning.
        clip: how far the ratio of a move's probability may go from 1 before the move stops to pull.
        max_kl: the divergence from the H that played, in nats, at which the fit lets the policy alone.
        rate: what the fit's learning rate is multiplied by: one that suits supervised learning ruins a policy here.
    """

    def __init__(
        self,
        lean: float = 3.0,
        temperature: float = 1.0,
        *,
        clip: float = 0.2,
        max_kl: float = 0.03,
        rate: float = 0.1,
    ) -> None:
        self.lean = check_scale(f"lean of {self.kind!r}", lean)
        self.temperature = self._above_zero("temperature", temperature)
        self.clip = self._above_zero("clip", clip)
        self.max_kl = self._above_zero("max_kl", max_kl)
        self.rate = self._above_zero("rate", rate)

    def player(self, novice: Expert, line: Line | None = None) -> Player:
        return Lean(novice, self.lean, self.temperature)

    def targets(self, lesson: Lesson) -> Targets:
        """What was played and how it ended; `examples` adds how likely it was and how well it did."""
        corpus = lesson.corpus
        counts = ((corpus.games.round[corpus.game_id] == lesson.round) & np.isfinite(corpus.result)).astype(np.float32)
        return Targets(
            action=corpus.action, policy_weight=counts, value=np.nan_to_num(corpus.result), value_weight=counts
        )

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        """Not possible.

        Raises:
            SpecError: always.
        """
        raise SpecError(
            f"{self.kind!r} learns from results by a loss of its own and weighs no other's moves: use it alone"
        )

    def examples(self, lesson: Lesson) -> Examples:
        corpus, targets = lesson.corpus, self.targets(lesson)
        advised = np.where(advised_moves(corpus), corpus.advice_move, -1)
        parts: list[Examples] = []
        told: list[tuple[NDArray[Any], ...]] = []
        for games, at in replay_games(corpus, rows=targets.policy_weight > 0):
            evaluation, action = lesson.novice.evaluate(games), targets.action[at]
            logits = leaning(evaluation.policy, advised[at], self.lean, self.temperature)
            told.append((advised[at], _log_probability(logits, action), targets.value[at] - evaluation.value))
            parts.append(Examples.of(games, action, targets.value[at]))
        if not parts:
            raise NothingToLearnError(
                f"round {lesson.round} of the games holds none that ended, and {self.kind!r} learns from no other"
            )
        given, log_probability, advantage = (np.concatenate(column) for column in zip(*told, strict=True))
        advantage = advantage - advantage.mean(dtype=np.float64)
        return PlayedExamples.beside(
            Examples.join(parts), given, log_probability.astype(np.float32), advantage.astype(np.float32)
        )

    def fitting(self, network: PolicyValueNetwork, examples: Examples, config: FitConfig) -> Fitting:
        from sandwich_env.learning.policy_gradient import PolicyGradientFit

        if not isinstance(examples, PlayedExamples):
            raise DataError(
                f"{self.kind!r} is fitted to what its own `examples` gives, not to {type(examples).__name__}"
            )
        return PolicyGradientFit(
            network,
            examples,
            replace(config, learning_rate=self.rate * config.learning_rate),
            lean=self.lean,
            temperature=self.temperature,
            clip=self.clip,
            max_kl=self.max_kl,
        )

    def _above_zero(self, name: str, value: float) -> float:
        if check_scale(f"{name} of {self.kind!r}", value) == 0:
            raise SpecError(f"{name} of {self.kind!r} is 0: it must be above 0")
        return value


def _log_probability(logits: NDArray[np.float64], action: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logarithm of softmax(logits) [N, K] at the actions [N]."""
    best = logits.max(axis=1)
    total = np.exp(logits - best[:, None]).sum(axis=1)
    chosen: NDArray[np.float64] = logits[np.arange(len(action)), action] - best - np.log(total)
    return chosen
