"""One learner among N games: it plays against an opponent, or moves both sides itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.envs.asking import refuse_asking_players
from sandwich_env.envs.config import ChessConfig, check_choice
from sandwich_env.envs.core import SEAT_VIEWS, ChessCore
from sandwich_env.envs.observing import Observations, show_no_advice
from sandwich_env.envs.rewards import Rewards
from sandwich_env.errors import IllegalActionError, SpecError, did_you_mean
from sandwich_env.oversight.channel import BLACK, WHITE, Bools, Indices
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import NO_ACTION
from sandwich_env.rules.sight import View
from sandwich_env.specs import KINDS, Spec, from_spec

LearnerColor = Literal["alternate", "white", "black", "random", "mover"]
"""Which side the learner plays; "alternate" changes from episode to episode, and from one seed to the next; "mover" is
the side to move in the starting position."""

IllegalAction = Literal["lose", "raise"]
"""What an illegal action does: end the episode as a loss, or raise `IllegalActionError`."""

SELF = "self"
"""The opponent that is a copy of the learner: it moves both sides, and each step is one ply."""

PUZZLE = "puzzle"
"""The opponent that plays the line of a puzzle."""

_DEALS = 100


class LearnerCore(ChessCore):
    """N games with a learner in each.

    Args:
        num_games: N.
        config: what the environment was asked for.
        opponent: who plays the other side; None where the learner plays both.
        color: which side the learner plays.
        illegal_action: what an illegal action of the learner does.
        threads: how many threads `Games` may use.
    """

    _begins: ClassVar[bool] = True
    """Whether the learner, as "mover", makes the first move on the board."""

    def __init__(
        self,
        num_games: int,
        config: ChessConfig,
        opponent: Player | None,
        color: LearnerColor,
        illegal_action: IllegalAction,
        *,
        threads: int = 1,
    ) -> None:
        self.opponent = opponent
        self.color = check_choice("learner_color", color, get_args(LearnerColor))
        self.illegal_action = check_choice("illegal_action", illegal_action, get_args(IllegalAction))
        self._white = np.ones(num_games, dtype=np.bool_)
        self._seat = np.full(num_games, WHITE)
        self._opponent_keys: UInt64s = np.zeros(num_games, dtype=np.uint64)
        super().__init__(num_games, config, threads)
        if opponent is not None and self.asking is not None:
            sides = {"white": (WHITE,), "black": (BLACK,)}
            refuse_asking_players(config.advised, sides.get(self.color, (WHITE, BLACK)))

    @property
    def seat(self) -> NDArray[np.int64]:
        """The seat that the learner plays, 0 for White, [N]; where it plays both, the one to move."""
        return (~self.turn).astype(np.int64) if self.opponent is None else self._seat.copy()

    @property
    def alone(self) -> bool:
        return self.opponent is None

    @property
    def result(self) -> NDArray[np.float64]:
        """How the games have ended for the learner: 1, 0 or -1, NaN in one that goes on, float64 [N].

        Where it plays both sides, for the side that has moved last.
        """
        result: NDArray[np.float64] = np.where(self._white, self.outcome, -self.outcome) + 0.0  # -0.0 becomes 0.0
        return result

    def learner_seats(self) -> Bools | None:
        if self.opponent is None:
            return np.ones((len(self._white), 2), dtype=np.bool_)
        return np.stack([self._white, ~self._white], axis=1)

    def deal(self, rows: Bools) -> None:
        """Start the next episode where `rows` [N] is true, up to the learner's first turn.

        An episode that ends before the learner could move once is passed over. The learner asks when it is shown the
        positions (`observe`), so that all that it asks in a step is one batch.

        Raises:
            SpecError: no episode reaches a turn of the learner.
        """
        self._begin(rows)
        self._reply()
        self._pass_over(rows)

    def _pass_over(self, rows: Bools) -> None:
        """Deal again those of the games just dealt that are over already."""
        for _ in range(_DEALS):
            if not self.num_over:
                return
            wanting = rows & self.over
            if not wanting.any():
                return
            self._begin(wanting)
            self._reply()
        i = int(np.argmax(wanting))
        raise SpecError(
            f"in {_DEALS} episodes from {self.games.start_fens()[i]!r} with max_plies={self.config.max_plies!r} "
            f"the game was over before the learner could move: give other starts, or a higher max_plies"
        )

    def _seat_learner(self, index: Indices) -> None:
        if self.opponent is None:
            return
        keys = self.keys[index]
        if self.color == "alternate":
            white = (self.seeds[index] + self.episodes[index].astype(np.uint64)) % np.uint64(2) == 0
        elif self.color == "random":
            white = Streams(mix(keys, "color")).random() < 0.5
        elif self.color == "mover":
            white = self.games.turn[index] == self._begins
        else:
            white = np.full(len(index), self.color == "white")
        self._white[index] = white
        self._seat[index] = np.where(white, WHITE, BLACK)
        self._opponent_keys[index] = mix(keys, "opponent")

    def step(
        self, actions: NDArray[np.int64], dealing: Bools | None = None, out: Observations | None = None
    ) -> NDArray[np.float64]:
        """Play the learner's actions and the opponent's replies.

        Args:
            actions: int64 [N]; `NO_ACTION` (-1) leaves that game alone.
            dealing: bool [N], games left alone whose next episodes begin instead, at the same time.
            out: the arrays in which `observe` will be asked next to show the games.

        Returns:
            The learner's rewards, float64 [N]: those of its own ply and of the reply together. Where it plays both
            sides, the reward of the side that moved.

        Raises:
            IllegalActionError: an action out of range; or one that is not legal, if it is not to be a loss.
            GameOverError: an action for a game that has ended.
            SpecError: a new episode does not reach a turn of the learner.
        """
        turn, alone = self.turn, self.alone
        if alone:
            self._white = turn
        rewards = self.advance(actions, forfeit=self.illegal_action == "lose", out=out if alone else None)
        if dealing is not None:
            self._begin(dealing)
        replied = self._reply()
        if replied is not None:
            rewards = replied if rewards is None else rewards + replied
        if dealing is not None:
            self._pass_over(dealing)
            if rewards is not None:
                rewards[dealing] = 0.0  # what is earned before the learner's first turn is not its reward
        if rewards is None:
            return np.zeros(len(self))
        earned: NDArray[np.float64] = np.where(self._white, rewards[:, WHITE], rewards[:, BLACK])
        return earned

    def _reply(self) -> Rewards | None:
        """Let the opponent move wherever it is to move; the rewards of both seats, [N, 2], or None if all are 0."""
        if self.opponent is None:
            return None
        waiting = self.turn != self._white
        if self.num_over:
            waiting &= ~self.over
        count = np.count_nonzero(waiting)
        if count == 0:
            return None
        self.channel.ask_due(self.games, self.keys, waiting)
        rng = Streams(self._opponent_keys, lambda: self.games.ply)
        advice = None if self.config.advisor is None else self.channel.visible
        if self.opponent.only_looks:
            actions = self.opponent.act(self.games, advice, rng)
            if count < len(self):
                actions = np.where(waiting, actions, NO_ACTION)
        else:
            index = np.flatnonzero(waiting)
            shown = None if advice is None else advice.select(index)
            actions = np.full(len(self), NO_ACTION, dtype=np.int64)
            actions[index] = self.opponent.act(self.games.select(index), shown, rng.select(index))
        try:
            return self.advance(actions, forfeit=False)
        except IllegalActionError as error:
            raise IllegalActionError(
                f"the opponent {self.opponent!r} answers with an illegal action: {error}"
            ) from error

    def observe(self, out: Observations | None = None, view: View = "mover") -> Observations:
        """What the learner sees in each game, once it has asked what the protocol lets it ask."""
        self.channel.ask_due(self.games, self.keys)
        seen = super().observe(out, view)
        if self.num_over and self.opponent is not None:
            self._turn_round(seen, np.arange(len(self)))
        return seen

    def observe_ended(self, index: Indices) -> Observations:
        """What the learner sees in games that have ended, [K]: no action is legal there, and no advice is given."""
        if self._drawn is None:
            seen = self.sight.look(self.games, rows=index)
        else:
            seen = {key: array[index] for key, array in self._drawn.items()}
        if self.num_forfeited:
            seen["action_mask"][:] = 0
        if self.opponent is not None:
            self._turn_round(seen, index)
        show_no_advice(seen)
        if self.asking is not None:
            self.asking.show_ended(seen, index, self.viewers())
        return seen

    def viewers(self, view: View = "mover") -> NDArray[np.int64]:
        return self.seat if view == "mover" else super().viewers(view)

    def _turn_round(self, seen: Observations, rows: Indices) -> None:
        """Show the boards of the games `rows` [K], which are `seen`, from the learner's side instead of the mover's."""
        turn = self.turn[rows]
        for seat, white in ((WHITE, True), (BLACK, False)):
            turned = np.flatnonzero((self._white[rows] == white) & (turn != white))
            if len(turned):
                shown = self.sight.look(self.games, SEAT_VIEWS[seat], rows[turned])
                seen["observation"][turned] = shown["observation"]


def make_core(
    num_games: int,
    config: ChessConfig,
    opponent: Player | Spec,
    color: LearnerColor,
    illegal_action: IllegalAction,
    *,
    threads: int = 1,
) -> LearnerCore:
    """A `LearnerCore` whose opponent is a player, a spec or a name.

    "self" stands for the learner itself, "puzzle" for who plays the lines of puzzles.

    An opponent that is made here is closed with the core.

    Raises:
        SpecError: no such opponent, or another argument that is out of range.
    """
    if isinstance(opponent, str) and opponent == SELF:
        return LearnerCore(num_games, config, None, color, illegal_action, threads=threads)
    if isinstance(opponent, (str, Mapping)) and opponent in (PUZZLE, {"kind": PUZZLE}):
        from sandwich_env.envs.puzzle import PuzzleCore  # which is a LearnerCore

        return PuzzleCore(num_games, config, color, illegal_action, threads=threads)
    if isinstance(opponent, str) and ":" not in opponent and opponent not in KINDS:
        raise SpecError(f"unknown opponent {opponent!r}: {did_you_mean(opponent, [SELF, PUZZLE, *KINDS])}")
    player = from_spec(opponent, Player)
    if player is not opponent:
        config = replace(config, closing=(*config.closing, player.close))
    return LearnerCore(num_games, config, player, color, illegal_action, threads=threads)
