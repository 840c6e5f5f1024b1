"""One learner among N games: it plays against an opponent, or moves both sides itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.envs.config import ChessConfig, check_choice
from sandwich_env.envs.core import ChessCore, Observations
from sandwich_env.errors import IllegalActionError, SpecError, did_you_mean
from sandwich_env.oversight.channel import BLACK, WHITE, Bools, seats_to_move
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION
from sandwich_env.rules.games import View
from sandwich_env.specs import KINDS, Spec, from_spec

LearnerColor = Literal["alternate", "white", "black", "random"]
"""Which side the learner plays; "alternate" changes from episode to episode, and from one seed to the next."""

IllegalAction = Literal["lose", "raise"]
"""What an illegal action does: end the episode as a loss, or raise `IllegalActionError`."""

SELF = "self"
"""The opponent that is a copy of the learner: it moves both sides, and each step is one ply."""

_DEALS = 100


class LearnerCore(ChessCore):
    """N games with a learner in each.

    Args:
        num_games: N.
        config: what the environment was asked for.
        opponent: who plays the other side; None where the learner plays both.
        color: which side the learner plays.
        illegal_action: what an illegal action of the learner does.
    """

    def __init__(
        self,
        num_games: int,
        config: ChessConfig,
        opponent: Player | None,
        color: LearnerColor,
        illegal_action: IllegalAction,
    ) -> None:
        self.opponent = opponent
        self.color = check_choice("learner_color", color, get_args(LearnerColor))
        self.illegal_action = check_choice("illegal_action", illegal_action, get_args(IllegalAction))
        self._white = np.ones(num_games, dtype=np.bool_)
        super().__init__(num_games, config)

    @property
    def seat(self) -> NDArray[np.int64]:
        """The seat that the learner plays, 0 for White, [N]; where it plays both, the one to move."""
        if self.opponent is None:
            return seats_to_move(self.games)
        return np.where(self._white, WHITE, BLACK)

    def learner_seats(self) -> Bools:
        if self.opponent is None:
            return np.ones((len(self._white), 2), dtype=np.bool_)
        return np.stack([self._white, ~self._white], axis=1)

    def deal(self, rows: Bools) -> None:
        """Start the next episode where `rows` [N] is true, up to the learner's first turn.

        An episode that ends before the learner could move once is passed over.

        Raises:
            SpecError: no episode reaches a turn of the learner.
        """
        wanting = rows
        for _ in range(_DEALS):
            super().deal(wanting)
            self._reply(wanting)
            wanting = wanting & self.over
            if not wanting.any():
                return
        i = int(np.argmax(wanting))
        raise SpecError(
            f"in {_DEALS} episodes from {self.games.start_fens()[i]!r} with max_plies={self.config.max_plies!r} "
            f"the game was over before the learner could move: give other starts, or a higher max_plies"
        )

    def _seat_learner(self, rows: Bools) -> None:
        if self.color == "alternate":
            even = (self.seeds + self.episodes.astype(np.uint64)) % np.uint64(2) == 0
        elif self.color == "random":
            even = Streams(mix(self.keys, "color")).random() < 0.5
        else:
            even = np.full(len(self), self.color == "white")
        self._white = np.where(rows, even, self._white)

    def step(self, actions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Play the learner's actions and the opponent's replies.

        Args:
            actions: int64 [N]; `NO_ACTION` (-1) leaves that game alone.

        Returns:
            The learner's rewards, float64 [N]: those of its own ply and of the reply together. Where it plays both
            sides, the reward of the side that moved.

        Raises:
            IllegalActionError: an action out of range; or one that is not legal, if it is not to be a loss.
            GameOverError: an action for a game that has ended.
        """
        played, seat = actions != NO_ACTION, self.seat
        rewards = self.play(actions, forfeit=self.illegal_action == "lose")
        rewards = rewards + self._reply(played)
        earned: NDArray[np.float64] = rewards[np.arange(len(self)), seat]
        return earned

    def _reply(self, rows: Bools) -> NDArray[np.float64]:
        """Let the opponent move where it is to move; the rewards of both seats, [N, 2]."""
        if self.opponent is None:
            return np.zeros((len(self), 2))
        waiting = rows & ~self.over & (seats_to_move(self.games) != self.seat)
        index = np.flatnonzero(waiting)
        if len(index) == 0:
            return np.zeros((len(self), 2))
        games = self.games.select(index)
        advice = None if self.config.advisor is None else self.channel.visible.select(index)
        actions = np.full(len(self), NO_ACTION, dtype=np.int64)
        actions[index] = self.opponent.act(games, advice, Streams(mix(self.keys[index], "opponent", games.ply)))
        try:
            return self.play(actions)
        except IllegalActionError as error:
            raise IllegalActionError(
                f"the opponent {self.opponent!r} answers with an illegal action: {error}"
            ) from error

    def observe(self, out: Observations | None = None) -> Observations:
        """What the learner sees in each game; see `ChessCore.observe`."""
        seen = super().observe(out)
        if self.opponent is None:
            return seen
        views: tuple[tuple[int, View], ...] = ((WHITE, "white"), (BLACK, "black"))
        for seat, view in views:
            ended = np.flatnonzero((self.seat == seat) & (seats_to_move(self.games) != seat))
            if len(ended):
                seen["observation"][ended] = self.games.select(ended).observe(view=view)
        return seen


def make_core(
    num_games: int,
    config: ChessConfig,
    opponent: Player | Spec,
    color: LearnerColor,
    illegal_action: IllegalAction,
) -> LearnerCore:
    """A `LearnerCore` whose opponent is a player, a spec or a name; "self" stands for the learner itself.

    An opponent that is made here is closed with the core.

    Raises:
        SpecError: no such opponent, or another argument that is out of range.
    """
    if isinstance(opponent, str) and opponent == SELF:
        return LearnerCore(num_games, config, None, color, illegal_action)
    if isinstance(opponent, str) and ":" not in opponent and opponent not in KINDS:
        raise SpecError(f"unknown opponent {opponent!r}: {did_you_mean(opponent, [SELF, *KINDS])}")
    player = from_spec(opponent, Player)
    if player is not opponent:
        config = replace(config, closing=(*config.closing, player.close))
    return LearnerCore(num_games, config, player, color, illegal_action)
