"""N games, their advisor channel and their rewards: the one implementation under every environment here.

The multi-agent and the Gymnasium environment are batches of one.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from sandwich_env.envs.asking import Asking
from sandwich_env.envs.config import ChessConfig
from sandwich_env.envs.observing import Observations, Sight, action_space, hide_advice, observation_space
from sandwich_env.envs.rendering import Scene
from sandwich_env.envs.rewards import Rewards, Transition, TransitionReward, checked, only_where
from sandwich_env.envs.standing import ILLEGAL_ACTION, Standing
from sandwich_env.errors import IllegalActionError, InvalidPositionError
from sandwich_env.oversight.asking import AskingChannel, channel_class
from sandwich_env.oversight.channel import (
    WHITE,
    AdvisorChannel,
    Bools,
    Indices,
    advised_seats,
)
from sandwich_env.oversight.on_demand import Ask
from sandwich_env.randomness import UInt64s, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games, action_to_move
from sandwich_env.rules.sight import View
from sandwich_env.starts.base import Starts

SEAT_VIEWS: tuple[View, View] = ("white", "black")
"""From which side the player in each seat looks at the board."""


class ChessCore(Standing):
    """N games that are dealt, played and shown together.

    Game i of an environment with the seeds s plays its episode e with the key `mix(s[i], e)`: all that is drawn in
    that episode (start, colours, the opponent's and the advisor's chances) is drawn from that key.

    Args:
        num_games: N.
        config: what the environment was asked for.
        threads: how many threads `Games` may use.

    Attributes:
        channel: their advisor channel.
        asking: asking as an action; None where the protocol says who asks when.
        num_actions: the moves, and the actions that ask.
        seeds: uint64 [N].
        episodes: int64 [N], the number of each game's present episode, -1 before the first.
        keys: uint64 [N], the keys of the present episodes.
    """

    def __init__(self, num_games: int, config: ChessConfig, threads: int = 1) -> None:
        self.config = config
        super().__init__(Games(num_games, max_plies=config.max_plies, claim_draws=config.claim_draws, threads=threads))
        self.channel: AdvisorChannel = channel_class(config.protocol)(
            num_games,
            config.advisor,
            config.protocol,
            config.asks,
            on_advice=config.audit,
            disclosures=config.disclosures,
        )
        self.asking = Asking(self.channel, self.games) if isinstance(self.channel, AskingChannel) else None
        asks = 0 if self.asking is None else len(self.asking)
        self.num_actions = NUM_ACTIONS + asks
        self.sight = Sight(config.observation_format, asks)
        self.seeds: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self.episodes = np.full(num_games, -1, dtype=np.int64)
        self.keys: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self._drawn: Observations | None = None  # arrays that hold what is seen, but for games dealt since then
        self._dealt_since: list[Indices] = []
        self._saw_illegal = False
        self._pays_at_end = getattr(config.reward, "at_end_only", False)
        self._looks_back = isinstance(config.reward, TransitionReward)
        advised_seats(config.advised, self.learner_seats())  # an unknown name is an error now, not at the first deal

    @property
    def ask_actions(self) -> tuple[Ask, ...]:
        """The actions that ask."""
        return () if self.asking is None else self.asking.actions

    # --- Playing ---

    def seed(self, rows: Bools, seeds: UInt64s) -> None:
        """New seeds [N] for the games where `rows` [N] is true; their next episode is their first."""
        self.seeds[rows] = seeds[rows]
        self.episodes[rows] = -1

    def deal(self, rows: Bools) -> None:
        """Start the next episode where `rows` [N] is true, and let the players to move ask."""
        self._begin(rows)
        self.ask_due()

    def ask_due(self) -> None:
        """Let the players to move ask, where the protocol says so."""
        self.channel.ask_due(self.games, self.keys)

    def _begin(self, rows: Bools) -> None:
        """Put the next episodes on the board; nobody has asked about them yet."""
        index = np.flatnonzero(rows)
        if self._drawn is not None:
            self._dealt_since.append(index)
        self.episodes[index] += 1
        self.keys[index] = mix(self.seeds[index], self.episodes[index])
        if self.asking is not None:
            self.asking.begin(index)
        if self.num_forfeited:
            self._forfeited[index] = False
            self.num_forfeited = int(np.count_nonzero(self._forfeited))
        if self.config.starts is None:
            self.games.reset(rows)
        else:
            self._set_up(self.config.starts, index)
        self._seat_learner(index)
        self._look_again()
        if self.channel.advisor is not None:
            seats = np.broadcast_to(advised_seats(self.config.advised, self.learner_seats()), (len(self), 2))
            self.channel.begin(index, seats)
            self.channel.note(self.games, rows, self.keys)

    def _set_up(self, starts: Starts, index: Indices) -> None:
        """Put drawn positions on the boards of some games."""
        self.games.reset(index, starts.draw(self.keys[index], self.episodes[index]))
        over = self.games.finished[index]
        if np.count_nonzero(over):
            fen = self.games.start_fens()[index[np.argmax(over)]]
            raise InvalidPositionError(f"{starts!r} has drawn {fen!r}: the game is over there")

    def _seat_learner(self, index: Indices) -> None:
        """Called at each deal, with the new keys and positions; an environment with a learner chooses its side here."""

    @property
    def alone(self) -> bool:
        """Whether one learner moves both sides, so that each ply is a step of its own."""
        return False

    def learner_seats(self) -> Bools | None:
        """The seats that the learner holds, bool [N, 2]; None in an environment without a learner."""
        return None

    def play(self, actions: NDArray[np.int64], *, forfeit: bool = False) -> Rewards:
        """Play one ply in each game, and let the players to move ask.

        Args:
            actions: int64 [N]; `NO_ACTION` (-1) leaves that game alone, and so does one that asks.
            forfeit: an illegal action loses the game for who sent it, instead of raising.

        Returns:
            The rewards of White and Black, float64 [N, 2]: 0 in games left alone.

        Raises:
            IllegalActionError: an action that is not legal (without `forfeit`), or out of range; nothing has changed.
            GameOverError: an action for a game that has ended; nothing has changed.
        """
        rewards = self.advance(actions, forfeit=forfeit)
        self.ask_due()
        return np.zeros((len(self), 2)) if rewards is None else rewards

    def advance(self, actions: NDArray[np.int64], *, forfeit: bool, out: Observations | None = None) -> Rewards | None:
        """`play`, but nobody asks yet, and None where nobody is paid.

        `out` are arrays in which `observe` or `observe_ended` will be asked next to show the games: then it is quicker
        to write to them at once.
        """
        if self.num_over:
            self._refuse_ended(actions)
        over, asking = self.num_over, None
        before = self.games.copy() if self._looks_back else self.games
        if self.asking is not None:
            given = actions
            actions, asking = self.asking.split(given, forfeit=forfeit)
        self._drawn = None
        moved = self._play_or_forfeit(actions, out) if forfeit else self._play_legal(actions, out)
        moved = self._judge(moved)
        self._look_again()
        if self.channel.advisor is not None:
            self.channel.note(self.games, moved != NO_ACTION, self.keys)
        if self.asking is None or asking is None:
            return self._pay(actions, over, before)
        self.asking.want(asking, given)
        return self.asking.charge(self._pay(actions, over, before, asking), asking)

    def _pay(
        self, actions: NDArray[np.int64], over: int, before: Games, asking: Indices | None = None
    ) -> Rewards | None:
        """The rewards for the plies that were just played; None where nobody is paid.

        Args:
            actions: int64 [N], what was played; `NO_ACTION` where no ply was.
            over: how many games were over before.
            before: the games before, for a reward that compares.
            asking: the games in which the player to move asked.
        """
        if self._pays_at_end and self.num_over == over:
            return None
        played, reward = actions != NO_ACTION, self.config.reward
        if not isinstance(reward, TransitionReward):
            return only_where(played, checked(reward(self.games, played, self.outcome.copy()), reward, len(self)))
        asked = np.zeros(len(self), dtype=np.bool_)
        asked[[] if asking is None else asking] = True
        transition = Transition(
            before=before,
            actions=actions,
            after=self.games,
            played=played,
            asked=asked,
            outcome=self.outcome.copy(),
            truncated=self.truncated.copy(),
            keys=self.keys.copy(),
            alone=self.alone,
        )
        return reward.pay(transition)

    def _play_legal(self, actions: NDArray[np.int64], out: Observations | None) -> NDArray[np.int64]:
        if out is None:
            self.games.step(actions)
        else:
            self.sight.play(self.games, actions, out)
            self._drawn, self._dealt_since = out, []
        return actions

    def _play_or_forfeit(self, actions: NDArray[np.int64], out: Observations | None) -> NDArray[np.int64]:
        """Play the legal actions; an illegal one loses its game. Returns those played, `NO_ACTION` for the rest."""
        if not self._saw_illegal:  # the question below is not asked where all play by a mask
            try:
                return self._play_legal(actions, out)
            except IllegalActionError:
                if np.any((actions < NO_ACTION) | (actions >= self.num_actions)):
                    raise
                self._saw_illegal = True
        lost = (actions != NO_ACTION) & ~self.games.are_legal(actions)
        played = np.where(lost, NO_ACTION, actions)
        self.games.step(played)
        if lost.any():
            self._forfeit(lost, np.where(self.games.turn, -1, 1), ILLEGAL_ACTION)
        return played

    def _forfeit(self, rows: Bools, outcome: NDArray[np.integer], why: str) -> None:
        super()._forfeit(rows, outcome, why)
        self.channel.forget(rows)

    def _judge(self, moved: NDArray[np.int64]) -> NDArray[np.int64]:
        """Called after the plies `moved` [N]; an environment may end games here that go on by the rules of chess.

        Returns:
            `moved`, with `NO_ACTION` for the games that were ended.
        """
        return moved

    # --- What is seen ---

    def legal_mask(self) -> NDArray[np.int8]:
        """Which actions are legal, int8 [N, 4672 + K]; none in a game that is over."""
        mask = self.games.legal_mask()
        if self.asking is not None:
            mask = np.concatenate([mask, self.asking.mask()], axis=1)
        if self.num_forfeited:
            mask[self._forfeited] = 0
        return mask

    def sample(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """A legal move for each game, int64 [N], drawn uniformly; 0 in a game that is over. See `Games.sample`."""
        actions = self.games.sample(seeds)
        if self.num_over:
            actions[self.over] = 0
        return actions

    def sample_asks(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """An action that asks for each game, int64 [N], drawn uniformly; -1 where its player to move may not ask."""
        if self.asking is None:
            return np.full(len(self), NO_ACTION)
        return self.asking.sample(seeds, self.over)

    def why_illegal(self, i: int, action: int) -> str:
        """Why game i, with the position that it has now, was lost by an action."""
        return self.refusal(i) or f"action {action!r} is not legal in {self.games.fens()[i]!r}"

    def refusal(self, i: int) -> str | None:
        """Why game i was lost by a question, as one that could not be asked; None where it was not."""
        return None if self.asking is None else self.asking.refused.get(i)

    def observation_space(self) -> spaces.Dict:
        """What a player sees in a game."""
        layout = self.config.observation_format
        return observation_space(layout) if self.asking is None else self.asking.observation_space(layout)

    def action_space(self) -> spaces.Discrete:
        """What a player may do: the moves, and the actions that ask."""
        return action_space(self.num_actions - NUM_ACTIONS)

    def observe(self, out: Observations | None = None, view: View = "mover") -> Observations:
        """What the player to move sees in each game.

        Args:
            out: arrays that `sight` made, to write to; None makes new ones.
            view: whose side the board is seen from.

        Returns:
            Arrays with a first axis of N for each key of the observation space.
        """
        if out is None:
            seen = self.sight.look(self.games, view)
        elif out is self._drawn and view == "mover":
            seen, self._drawn = dict(out), None
            if self._dealt_since:
                self.sight.write(self.games, seen, rows=np.concatenate(self._dealt_since))
        else:
            seen = self.sight.write(self.games, dict(out), view)
        if self.asking is not None:
            self.asking.show(seen, self.viewers(view))
        if self.num_forfeited:
            seen["action_mask"][self._forfeited] = 0
        self.channel.show(seen)
        return seen

    def viewers(self, view: View = "mover") -> NDArray[np.int64]:
        """The seat of who looks at each game, [N], as far as it is shown its own affairs: 0 for White."""
        if view == "mover":
            return (~self.turn).astype(np.int64)
        return np.full(len(self), SEAT_VIEWS.index(view))

    def observe_as(self, seat: int) -> Observations:
        """What the player in `seat` (0 for White) sees; no legal action and no advice when it is not its turn."""
        seen = self.observe(view=SEAT_VIEWS[seat])
        waiting = self.turn != (seat == WHITE)
        if self.num_over:
            waiting |= self.over
        if np.count_nonzero(waiting):
            seen["action_mask"][waiting] = 0
            hide_advice(seen, waiting)
        return seen

    def scene(self, i: int, white_below: bool = True) -> Scene:
        """Game i as a picture is drawn from it: what the player to move sees, and no more."""
        board = self.games.board(i)
        advice = self.channel.visible
        given = advice.available[i]
        return Scene(
            board=board,
            advised=action_to_move(int(advice.move[i]), board) if given[0] else None,
            value=float(advice.value[i]) if given[1] else None,
            white_below=white_below,
        )

    def close(self) -> None:
        """Release what was made here."""
        for close in self.config.closing:
            close()
