"""N games, their advisor channel and their rewards: the one implementation under every environment here.

The multi-agent and the Gymnasium environment are batches of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.envs.config import ChessConfig
from sandwich_env.envs.rendering import Scene
from sandwich_env.envs.rewards import Rewards
from sandwich_env.errors import GameOverError, IllegalActionError, SpecError
from sandwich_env.oversight.channel import WHITE, AdvisorChannel, Audit, Bools, advised_seats, seats_to_move
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, OBSERVATION_SHAPE, Games, Termination, action_to_move

Observations = dict[str, NDArray[np.generic]]

ILLEGAL_ACTION = "illegal_action"
"""The name under which an episode ends that a player forfeited by an illegal action."""

_NAMES = {reason.value: reason.name.lower() for reason in Termination}


def observation_space() -> spaces.Dict:
    """What a player sees; the same whatever the advisor, and with none."""
    return spaces.Dict(
        {
            "observation": spaces.Box(0, 1, OBSERVATION_SHAPE, dtype=np.bool_),
            "action_mask": spaces.Box(0, 1, (NUM_ACTIONS,), dtype=np.int8),
            "advice_move": spaces.Discrete(NUM_ACTIONS + 1),
            "advice_value": spaces.Box(-1.0, 1.0, (1,), dtype=np.float32),
            "advice_available": spaces.MultiBinary(2),
        }
    )


def action_space() -> spaces.Discrete:
    """The 4672 actions."""
    return spaces.Discrete(NUM_ACTIONS)


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


class ChessCore:
    """N games that are dealt, played and shown together.

    Game i of an environment with the seeds s plays its episode e with the key `mix(s[i], e)`: all that is drawn in
    that episode (start, colours, the opponent's and the advisor's chances) is drawn from that key.

    Args:
        num_games: N.
        config: what the environment was asked for.

    Attributes:
        games: the N games.
        channel: their advisor channel.
        seeds: uint64 [N].
        episodes: int64 [N], the number of each game's present episode, -1 before the first.
        keys: uint64 [N], the keys of the present episodes.
    """

    def __init__(self, num_games: int, config: ChessConfig) -> None:
        self.config = config
        self.games = Games(num_games, max_plies=config.max_plies, claim_draws=config.claim_draws)
        self.channel = AdvisorChannel(num_games, config.advisor, config.protocol, config.asks, config.audit)
        self.seeds: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self.episodes = np.full(num_games, -1, dtype=np.int64)
        self.keys: UInt64s = np.zeros(num_games, dtype=np.uint64)
        self._forfeited = np.zeros(num_games, dtype=np.bool_)
        self._forfeit_outcome = np.zeros(num_games, dtype=np.float32)
        self._over = np.zeros(num_games, dtype=np.bool_)
        advised_seats(config.advised, self.learner_seats())  # an unknown name is an error now, not at the first deal

    def __len__(self) -> int:
        return len(self.games)

    # --- Playing ---

    def seed(self, rows: Bools, seeds: UInt64s) -> None:
        """New seeds [N] for the games where `rows` [N] is true; their next episode is their first."""
        self.seeds[rows] = seeds[rows]
        self.episodes[rows] = -1

    def deal(self, rows: Bools) -> None:
        """Start the next episode where `rows` [N] is true."""
        self._set_up(rows)
        self.channel.arrive(self.games, self.keys, rows)

    def _set_up(self, rows: Bools) -> None:
        """Put the next episodes on the board; nobody has looked at it yet."""
        self.episodes[rows] += 1
        self.keys[rows] = mix(self.seeds[rows], self.episodes[rows])
        self._forfeited[rows] = False
        self._seat_learner(rows)
        starts = self.config.starts
        if starts:
            drawn = Streams(mix(self.keys[rows], "start")).integers(len(starts))
            self.games.reset(rows, [starts[k] for k in drawn])
        else:
            self.games.reset(rows)
        self._over = self.games.finished | self._forfeited
        seats = np.broadcast_to(advised_seats(self.config.advised, self.learner_seats()), (len(self), 2))
        self.channel.begin(rows, seats)

    def _seat_learner(self, rows: Bools) -> None:
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
        played = actions != NO_ACTION
        self._refuse_ended(played)
        if forfeit:
            actions = self._forfeit_illegal(actions)
        else:
            self.games.step(actions)
        self._over = self.games.finished | self._forfeited
        self.channel.arrive(self.games, self.keys, actions != NO_ACTION)
        rewards = np.asarray(self.config.reward(self.games, played, self.outcome), dtype=np.float64)
        if rewards.shape != (len(self), 2):
            raise SpecError(
                f"the reward {self.config.reward!r} gave the shape {rewards.shape}: it must be ({len(self)}, 2)"
            )
        return np.where(played[:, None], rewards, 0.0)

    def _refuse_ended(self, played: Bools) -> None:
        ended = np.flatnonzero(played & self.over)
        if len(ended):
            i = int(ended[0])
            raise GameOverError(f"game {i} has ended ({self.termination(i)}): reset it before the next action")

    def _forfeit_illegal(self, actions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Play the legal actions; an illegal one loses its game. Returns those played, `NO_ACTION` for the rest."""
        try:
            self.games.step(actions)
        except IllegalActionError:
            if np.any((actions < NO_ACTION) | (actions >= NUM_ACTIONS)):
                raise
            legal = self.games.legal_mask()[np.arange(len(self)), actions] == 1
            lost = (actions != NO_ACTION) & ~legal
            self._forfeited[lost] = True
            self._forfeit_outcome[lost] = np.where(seats_to_move(self.games)[lost] == WHITE, -1, 1)
            actions = np.where(lost, NO_ACTION, actions)
            self.games.step(actions)
            self.channel.forget(lost)
        return actions

    # --- How the games stand ---

    @property
    def terminated(self) -> Bools:
        """bool [N]: over by the rules of chess, or forfeited."""
        terminated: Bools = self.games.terminated | self._forfeited
        return terminated

    @property
    def truncated(self) -> Bools:
        """bool [N]: cut short by the ply cap."""
        return self.games.truncated

    @property
    def over(self) -> Bools:
        """bool [N]: terminated or truncated."""
        return self._over

    @property
    def outcome(self) -> NDArray[np.float32]:
        """float32 [N], from White's side: 1, 0 or -1 in a game that is over, NaN in one that is not."""
        if not self._over.any():
            return np.full(len(self), np.nan, dtype=np.float32)
        return np.where(self._forfeited, self._forfeit_outcome, self.games.outcome)

    def termination(self, i: int) -> str:
        """Why game i is over, as a word: a `Termination` in lower case, or "illegal_action"."""
        if self._forfeited[i]:
            return ILLEGAL_ACTION
        return _NAMES[int(self.games.termination[i])]

    # --- What is seen ---

    def legal_mask(self) -> NDArray[np.int8]:
        """Which actions are legal, int8 [N, 4672]; none in a game that is over."""
        mask = self.games.legal_mask()
        mask[self._forfeited] = 0
        return mask

    def observe(self, out: Observations | None = None) -> Observations:
        """What the player to move sees in each game.

        Args:
            out: arrays from an earlier call to write to; None makes new ones.

        Returns:
            Arrays with a first axis of N for each key of `observation_space()`.
        """
        if out is None:
            seen: Observations = {"observation": self.games.observe(), "action_mask": self.games.legal_mask()}
        else:
            seen = dict(out)
            self.games.observe(seen["observation"])  # type: ignore[arg-type]
            self.games.legal_mask(seen["action_mask"])  # type: ignore[arg-type]
        seen["action_mask"][self._forfeited] = 0
        advice = self.channel.visible
        seen["advice_move"] = advice.move
        seen["advice_value"] = advice.value[:, None]
        seen["advice_available"] = advice.available
        return seen

    def observe_as(self, seat: int) -> Observations:
        """What the player in `seat` (0 for White) sees; no legal action and no advice when it is not its turn."""
        seen = self.observe()
        waiting = (seats_to_move(self.games) != seat) | self.over
        if np.any(waiting):
            seen["observation"] = self.games.observe(view="white" if seat == WHITE else "black")
            seen["action_mask"][waiting] = 0
            seen["advice_move"][waiting] = NO_MOVE
            seen["advice_value"][waiting] = 0
            seen["advice_available"][waiting] = 0
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


def new_observations(num_games: int) -> Observations:
    """Arrays for `ChessCore.observe` to write to."""
    return {
        "observation": np.zeros((num_games, *OBSERVATION_SHAPE), dtype=np.bool_),
        "action_mask": np.zeros((num_games, NUM_ACTIONS), dtype=np.int8),
    }


def unbatch(seen: Observations, i: int) -> dict[str, Any]:
    """What is seen in game i, as an element of `observation_space()`: views of the arrays."""
    one: dict[str, Any] = {key: array[i] for key, array in seen.items()}
    one["advice_move"] = np.int64(one["advice_move"])
    return one


def as_action(action: object) -> NDArray[np.int64]:
    """One action as int64 [1].

    Raises:
        IllegalActionError: it is not a whole number from 0 to 4671.
    """
    array = np.asarray(action)
    if array.dtype.kind not in "iu" or array.size != 1 or not 0 <= array.item() < NUM_ACTIONS:
        raise IllegalActionError(f"{action!r} is no action: an action is a whole number from 0 to {NUM_ACTIONS - 1}")
    return array.reshape(1).astype(np.int64)
