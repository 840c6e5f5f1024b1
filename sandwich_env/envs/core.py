"""N games, their advisor channel and their rewards: the one implementation under every environment here.

The multi-agent and the Gymnasium environment are batches of one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.envs.config import ChessConfig
from sandwich_env.envs.observing import Observations, Sight, hide_advice
from sandwich_env.envs.rendering import Scene
from sandwich_env.envs.rewards import Rewards
from sandwich_env.errors import GameOverError, IllegalActionError, SpecError
from sandwich_env.oversight.channel import (
    WHITE,
    AdvisorChannel,
    Audit,
    Bools,
    Indices,
    advised_seats,
)
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games, Termination, action_to_move
from sandwich_env.rules.sight import View

ILLEGAL_ACTION = "illegal_action"
"""The name under which an episode ends that a player forfeited by an illegal action."""

SEAT_VIEWS: tuple[View, View] = ("white", "black")
"""From which side the player in each seat looks at the board."""

_NAMES = {reason.value: reason.name.lower() for reason in Termination}


class Scorer:
    """The scorer's window on an environment: the truth about its advice. It is not for players.

    Args:
        channel: of the environment.
    """

    def __init__(self, channel: AdvisorChannel) -> None:
        self._channel = channel

    @property
    def last(self) -> Audit | None:
        """The truth about the latest batch of advice; None before the first."""
        return self._channel.last

    @property
    def queries(self) -> NDArray[np.int64]:
        """How often each seat (White, Black) of each game has asked in its present episode, [N, 2]."""
        return self._channel.queries

    @property
    def lies(self) -> NDArray[np.int64]:
        """How many answers to each seat of each game were tampered with in its present episode, [N, 2]."""
        return self._channel.lies


class ChessCore:
    """N games that are dealt, played and shown together.

    Game i of an environment with the seeds s plays its episode e with the key `mix(s[i], e)`: all that is drawn in
    that episode (start, colours, the opponent's and the advisor's chances) is drawn from that key.

    Args:
        num_games: N.
        config: what the environment was asked for.
        threads: how many threads `Games` may use.

    Attributes:
        games: the N games.
        channel: their advisor channel.
        seeds: uint64 [N].
        episodes: int64 [N], the number of each game's present episode, -1 before the first.
        keys: uint64 [N], the keys of the present episodes.
        num_over: how many of the games are over.
        num_forfeited: how many of them were lost by an illegal action.
    """

    def __init__(self, num_games: int, config: ChessConfig, threads: int = 1) -> None:
        self.config = config
        self.games = Games(num_games, max_plies=config.max_plies, claim_draws=config.claim_draws, threads=threads)
        self.channel = AdvisorChannel(
            num_games,
            config.advisor,
            config.protocol,
            config.asks,
            on_advice=config.audit,
            disclosures=config.disclosures,
        )
        self.sight = Sight(config.observation_format)
        self.seeds: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self.episodes = np.full(num_games, -1, dtype=np.int64)
        self.keys: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self._none = np.zeros(num_games, dtype=np.bool_)
        self._none.flags.writeable = False
        self._drawn: Observations | None = None  # arrays that hold what is seen, but for games dealt since then
        self._dealt_since: list[Indices] = []
        self._forfeited = np.zeros(num_games, dtype=np.bool_)
        self._forfeit_outcome = np.zeros(num_games, dtype=np.float32)
        self.num_forfeited = 0
        self._saw_illegal = False
        self._look_again()
        self._pays_at_end = getattr(config.reward, "at_end_only", False)
        advised_seats(config.advised, self.learner_seats())  # an unknown name is an error now, not at the first deal

    def __len__(self) -> int:
        return len(self.games)

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
        if self.num_forfeited:
            self._forfeited[index] = False
            self.num_forfeited = int(np.count_nonzero(self._forfeited))
        self._seat_learner(index)
        starts = self.config.starts
        if starts:
            drawn = Streams(mix(self.keys[index], "start")).integers(len(starts))
            self.games.reset(index, [starts[k] for k in drawn])
        else:
            self.games.reset(rows)
        self._look_again()
        if self.channel.advisor is not None:
            seats = np.broadcast_to(advised_seats(self.config.advised, self.learner_seats()), (len(self), 2))
            self.channel.begin(index, seats)
            self.channel.note(self.games, rows, self.keys)

    def _seat_learner(self, index: Indices) -> None:
        """Called before each deal, with the new keys; an environment with a learner chooses its side here."""

    def learner_seats(self) -> Bools | None:
        """The seats that the learner holds, bool [N, 2]; None in an environment without a learner."""
        return None

    def play(self, actions: NDArray[np.int64], *, forfeit: bool = False) -> Rewards:
        """Play one ply in each game, and let the players to move ask.

        Args:
            actions: int64 [N]; `NO_ACTION` (-1) leaves that game alone.
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
        over = self.num_over
        self._drawn = None
        moved = self._play_or_forfeit(actions, out) if forfeit else self._play_legal(actions, out)
        self._look_again()
        if self.channel.advisor is not None:
            self.channel.note(self.games, moved != NO_ACTION, self.keys)
        if self._pays_at_end and self.num_over == over:
            return None
        played = actions != NO_ACTION
        rewards = np.asarray(self.config.reward(self.games, played, self.outcome.copy()), dtype=np.float64)
        if rewards.shape != (len(self), 2):
            raise SpecError(
                f"the reward {self.config.reward!r} gave the shape {rewards.shape}: it must be ({len(self)}, 2)"
            )
        if not played.all():
            rewards = np.where(played[:, None], rewards, 0.0)
        return rewards + 0.0  # -0.0 becomes 0.0

    def _refuse_ended(self, actions: NDArray[np.int64]) -> None:
        ended = np.flatnonzero((actions != NO_ACTION) & self.over)
        if len(ended):
            i = int(ended[0])
            raise GameOverError(f"game {i} has ended ({self.termination(i)}): reset it before the next action")

    def _play_legal(self, actions: NDArray[np.int64], out: Observations | None) -> NDArray[np.int64]:
        if out is None:
            self.games.step(actions)
        else:
            self.games.play(actions, out["observation"], out["action_mask"])  # type: ignore[arg-type]
            self._drawn, self._dealt_since = out, []
        return actions

    def _play_or_forfeit(self, actions: NDArray[np.int64], out: Observations | None) -> NDArray[np.int64]:
        """Play the legal actions; an illegal one loses its game. Returns those played, `NO_ACTION` for the rest."""
        if not self._saw_illegal:  # the question below is not asked where all play by a mask
            try:
                return self._play_legal(actions, out)
            except IllegalActionError:
                if np.any((actions < NO_ACTION) | (actions >= NUM_ACTIONS)):
                    raise
                self._saw_illegal = True
        lost = (actions != NO_ACTION) & ~self.games.are_legal(actions)
        played = np.where(lost, NO_ACTION, actions)
        self.games.step(played)
        if lost.any():
            self._forfeited |= lost
            self.num_forfeited = int(np.count_nonzero(self._forfeited))
            self._forfeit_outcome[lost] = np.where(self.games.turn[lost], -1, 1)
            self.channel.forget(lost)
        return played

    def _look_again(self) -> None:
        """Called after every change: while no game is over, most of what is asked below costs nothing."""
        self.num_over = self.games.over_count + self.num_forfeited
        self._turn: Bools | None = None
        self._over: Bools | None = None
        self._truncated: Bools | None = None
        self._outcome: NDArray[np.float32] | None = None
        self._reasons: NDArray[np.int8] | None = None

    # --- How the games stand ---

    @property
    def turn(self) -> Bools:
        """bool [N]: True where White is to move. Read once for each ply, as all of these: not to be written to."""
        if self._turn is None:
            self._turn = self.games.turn
        return self._turn

    @property
    def truncated(self) -> Bools:
        """bool [N]: cut short by the ply cap."""
        if self._truncated is None:
            self._truncated = self.games.truncated if self.num_over else self._none
        return self._truncated

    @property
    def over(self) -> Bools:
        """bool [N]: terminated or truncated."""
        if self._over is None:
            self._over = self.games.finished | self._forfeited if self.num_over else self._none
        return self._over

    @property
    def terminated(self) -> Bools:
        """bool [N]: over by the rules of chess, or forfeited."""
        return self.over & ~self.truncated if self.num_over else self._none

    @property
    def outcome(self) -> NDArray[np.float32]:
        """float32 [N], from White's side: 1, 0 or -1 in a game that is over, NaN in one that is not."""
        if self._outcome is None:
            self._outcome = self.games.outcome
            if self.num_forfeited:
                self._outcome[self._forfeited] = self._forfeit_outcome[self._forfeited]
        return self._outcome

    def termination(self, i: int) -> str:
        """Why game i is over, as a word: a `Termination` in lower case, or "illegal_action"."""
        if self._reasons is None:
            self._reasons = self.games.termination
        return ILLEGAL_ACTION if self._forfeited[i] else _NAMES[int(self._reasons[i])]

    # --- What is seen ---

    def legal_mask(self) -> NDArray[np.int8]:
        """Which actions are legal, int8 [N, 4672]; none in a game that is over."""
        mask = self.games.legal_mask()
        if self.num_forfeited:
            mask[self._forfeited] = 0
        return mask

    def sample(self, seeds: ArrayLike) -> NDArray[np.int64]:
        """A legal action for each game, int64 [N], drawn uniformly; 0 in a game that is over. See `Games.sample`."""
        actions = self.games.sample(seeds)
        if self.num_over:
            actions[self.over] = 0
        return actions

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
        if self.num_forfeited:
            seen["action_mask"][self._forfeited] = 0
        self.channel.show(seen)
        return seen

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


def as_action(action: object) -> NDArray[np.int64]:
    """One action as int64 [1].

    Raises:
        IllegalActionError: it is not a whole number from 0 to 4671.
    """
    if type(action) is int and 0 <= action < NUM_ACTIONS:
        return np.array([action])  # the checks below cost more than playing it
    array = np.asarray(action)
    if array.dtype.kind not in "iu" or array.size != 1 or not 0 <= array.item() < NUM_ACTIONS:
        raise IllegalActionError(f"{action!r} is no action: an action is a whole number from 0 to {NUM_ACTIONS - 1}")
    return array.reshape(1).astype(np.int64)
