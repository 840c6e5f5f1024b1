"""Asking as an action: what the games of a core add where the protocol is `OnDemand`."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.envs.observing import ObservationFormat, Observations, action_space, observation_space
from sandwich_env.errors import IllegalActionError, SpecError
from sandwich_env.oversight.asking import NO_LIMIT, AskingChannel
from sandwich_env.oversight.channel import BLACK, WHITE, Bools, Indices, advised_seats, seats_to_move
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games

Floats = NDArray[np.float64]


class Asking:
    """The questions of N games' players, as actions.

    Args:
        channel: where they are asked.
        games: the N games.

    Attributes:
        actions: the K actions that ask, 4672 to 4671 + K.
        refused: for each game that was lost by a question that could not be asked, why not.
    """

    def __init__(self, channel: AskingChannel, games: Games) -> None:
        self._channel = channel
        self._games = games
        self.actions = channel.actions
        self.refused: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.actions)

    def begin(self, index: Indices) -> None:
        """New games start in `index` [K]."""
        for i in [i for i in self.refused if i in index]:
            del self.refused[i]

    # --- Acting ---

    def split(self, actions: NDArray[np.int64], *, forfeit: bool) -> tuple[NDArray[np.int64], Indices]:
        """Take the questions out of a batch of actions.

        Args:
            actions: int64 [N], moves, questions and `NO_ACTION`.
            forfeit: leave a question that cannot be asked where it is, to lose the game as an illegal move does.

        Returns:
            The actions, with `NO_ACTION` in the place of questions; and the games that ask, [M].

        Raises:
            IllegalActionError: a question that cannot be asked (without `forfeit`); nothing has changed.
        """
        index = np.flatnonzero(actions >= NUM_ACTIONS)
        index = index[actions[index] < NUM_ACTIONS + len(self)]
        if len(index) == 0:
            return actions, index
        asks = actions[index] - NUM_ACTIONS
        may = self._channel.askable(self._games)[index, asks]
        if not may.all():
            wrong = index[~may]
            if not forfeit:
                i = int(wrong[0])
                raise IllegalActionError(f"game {i}: {self.why_not(i, int(actions[i]))}")
            self.refused |= {int(i): self.why_not(int(i), int(actions[i])) for i in wrong}
            index, asks = index[may], asks[may]
        rest = actions.copy()
        rest[index] = NO_ACTION
        return rest, index

    def why_not(self, i: int, action: int) -> str:
        """Why the player to move in game i may not ask by this action."""
        ask = action - NUM_ACTIONS
        said = self._channel.why_not(self._games, i, ask)
        question = self.actions[ask] if self._channel.members > 1 else f"ask for a {self.actions[ask].part}"
        return f"action {action!r} ({question}) is not legal in {self._games.fens()[i]!r}: {said}"

    def want(self, index: Indices, actions: NDArray[np.int64]) -> None:
        """The players to move in the games `index` [M] ask, by those of the `actions` [N]."""
        self._channel.want(index, actions[index] - NUM_ACTIONS)

    def charge(self, rewards: Floats | None, index: Indices) -> Floats | None:
        """Take the cost of their questions from the rewards [N, 2] of the players to move in the games `index` [M]."""
        cost = self._channel.protocol.cost
        if not cost or len(index) == 0:
            return rewards
        charged = np.zeros((len(self._games), 2)) if rewards is None else rewards.copy()  # it may be the rule's own
        charged[index, seats_to_move(self._games)[index]] -= cost
        return charged

    def sample(self, seeds: ArrayLike, over: Bools) -> NDArray[np.int64]:
        """A question that each player to move may ask, drawn uniformly by seed, ply and count; -1 for none, [N]."""
        seats = seats_to_move(self._games)
        count = self._channel.queries[np.arange(len(over)), seats]
        keys = mix(np.asarray(seeds, dtype=np.uint64), self._games.ply, count, "ask")
        drawn = Streams(keys).choice(self._channel.askable(self._games) & ~over[:, None])
        return np.where(drawn < 0, NO_ACTION, drawn + NUM_ACTIONS)

    # --- What is seen ---

    def mask(self, dtype: type[np.generic] = np.int8) -> NDArray[Any]:
        """Which questions the players to move may ask, [N, K] of 0 and 1, or packed into bytes for uint8."""
        bits = self._channel.askable(self._games)
        return np.packbits(bits, axis=1, bitorder="little") if dtype is np.uint8 else bits.astype(dtype)

    def show(self, seen: Observations, seats: NDArray[np.int64]) -> None:
        """Put beside what else is seen which questions may be asked, and how many are left to those in `seats` [N]."""
        mask: NDArray[Any] = seen["action_mask"]
        bits = self.mask(mask.dtype.type)
        mask[:, mask.shape[1] - bits.shape[1] :] = bits
        seen["queries_left"] = self._left(seats)

    def show_ended(self, seen: Observations, index: Indices, seats: NDArray[np.int64]) -> None:
        """The same for some of the games, [M], which are over: nothing may be asked there, and nothing is told."""
        seen["queries_left"] = self._left(seats)[index]
        if self._channel.members > 1:
            shape = (len(index), self._channel.members)
            seen["panel_move"] = np.full(shape, NO_MOVE, dtype=np.int64)
            seen["panel_value"] = np.zeros(shape, dtype=np.float32)
            seen["panel_available"] = np.zeros((*shape, 2), dtype=np.int8)

    def _left(self, seats: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._channel.left(seats).astype(np.float32)[:, None]

    # --- Spaces ---

    def action_space(self) -> spaces.Discrete:
        """The moves, and after them the questions."""
        return action_space(len(self))

    def observation_space(self, layout: ObservationFormat) -> spaces.Dict:
        """What a player sees. `queries_left` goes from 0 to the budget, its `high`; without one it is -1."""
        budget, members = self._channel.protocol.budget, self._channel.members
        low, high = (float(NO_LIMIT), np.inf) if budget is None else (0.0, float(max(budget, 1)))
        parts = dict(observation_space(layout, len(self)).spaces)
        parts["queries_left"] = spaces.Box(low, high, (1,), dtype=np.float32)
        if members > 1:
            parts["panel_move"] = spaces.MultiDiscrete([NUM_ACTIONS + 1] * members)
            parts["panel_value"] = spaces.Box(-1.0, 1.0, (members,), dtype=np.float32)
            parts["panel_available"] = spaces.MultiBinary((members, 2))
        return spaces.Dict(parts)


def refuse_asking_players(advised: tuple[str, ...], colors: tuple[int, ...]) -> None:
    """Refuse an opponent that would have to ask by an action: a `Player` gives moves.

    Args:
        advised: as the environment was given it.
        colors: the seats that the learner may have.

    Raises:
        SpecError: the opponent is advised in one of them.
    """
    for seat in colors:
        learner = np.array([[seat == WHITE, seat == BLACK]])
        if bool((advised_seats(advised, learner) & ~learner).any()):
            raise SpecError(
                f"advised is {advised if len(advised) != 1 else advised[0]!r}, which lets the opponent ask: inside the "
                "environment it is a Player, which gives moves and cannot ask by an action (protocol 'on_demand'); "
                "advise the 'learner' alone, or make the opponent 'self'"
            )
