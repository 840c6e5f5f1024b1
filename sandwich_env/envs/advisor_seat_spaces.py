"""What the agent in the advisor's seat is shown, and what it may say."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, Asks, Query
from sandwich_env.envs.actions import as_action
from sandwich_env.envs.observing import ObservationFormat, Observations, observation_space, unbatch
from sandwich_env.errors import IllegalActionError
from sandwich_env.oversight.channel import seats_to_move
from sandwich_env.rules import NUM_ACTIONS

_MASK = np.int8
_OWN_KEYS = ("observation", "action_mask")
_MOVES: dict[type[np.generic], int] = {np.int8: NUM_ACTIONS, np.uint8: NUM_ACTIONS // 8}


class Saying(NamedTuple):
    """One piece of advice, as an agent gives it.

    Attributes:
        move: an action, 0 to 4671; it may be illegal.
        value: the expected result for the player who asks; it may lie outside [-1, 1].
    """

    move: int
    value: np.float32


class AdviceSpace(spaces.Dict):
    """The advice that may be given: `move` (`Discrete(4672)`) and `value` (`Box(-1, 1, (1,), float32)`).

    A plain `Dict`, but that `sample` takes the players' kind of mask: an array of the legal moves. (A `Dict`'s own mask
    would have to hold a None for the value, which no observation can.)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(
            {"move": spaces.Discrete(NUM_ACTIONS), "value": spaces.Box(-1.0, 1.0, (1,), dtype=np.float32)}, seed=seed
        )

    def sample(self, mask: Any = None, probability: Any = None) -> dict[str, Any]:
        """A legal move, drawn uniformly, and a value likewise.

        Args:
            mask: the `action_mask` of an observation in either format; or a `Dict`'s, with the keys move and value.
            probability: as of `Dict.sample`.
        """
        if isinstance(mask, np.ndarray):
            packed = mask.dtype == np.uint8 and mask.shape != (NUM_ACTIONS,)
            move = np.unpackbits(mask, count=NUM_ACTIONS, bitorder="little") if packed else mask
            mask = {"move": move.astype(_MASK), "value": None}
        return super().sample(mask=mask, probability=probability)


def advisor_observation_space(observation_format: ObservationFormat) -> spaces.Dict:
    """What the agent in the seat sees: the position, and who asks for what."""
    players = observation_space(observation_format)
    return spaces.Dict(
        {
            **{key: players[key] for key in _OWN_KEYS},
            "asker": spaces.MultiBinary(2),
            "asked_for": spaces.MultiBinary(2),
            "proposal": spaces.Discrete(NUM_ACTIONS + 1),
            "hope": spaces.Box(-1.0, 1.0, (1,), dtype=np.float32),
            "watched": spaces.MultiBinary(2),
            "rating": spaces.Box(-np.inf, np.inf, (1,), dtype=np.float32),
        }
    )


def advisor_view(seen: Observations, query: Query | None) -> dict[str, Any]:
    """What the agent in the seat sees in a game of one.

    Args:
        seen: what the player to move sees.
        query: what is asked; None where nobody asks, and then no move is legal either.
    """
    players = unbatch(seen, 0)
    view: dict[str, Any] = {key: players[key] for key in _OWN_KEYS}
    view["action_mask"] = view["action_mask"][: _MOVES[view["action_mask"].dtype.type]]  # without the questions
    asker, asked_for, watched = (np.zeros(2, dtype=np.int8) for _ in range(3))
    proposal, hope, rating = NO_MOVE, 0.0, 0.0
    if query is None:
        view["action_mask"][:] = 0
    else:
        asker[seats_to_move(query.games)[0]] = 1
        asked_for[:] = asked_parts(query.asks)
        if query.proposal is not None and query.proposal[0] >= 0:
            proposal = int(query.proposal[0])
        hope = _told(query.hope)
        rating = _told(query.rating)
        if query.watched is not None:
            watched[int(query.watched[0])] = 1
    return view | {
        "asker": asker,
        "asked_for": asked_for,
        "proposal": np.int64(proposal),
        "hope": np.array([hope], dtype=np.float32),
        "watched": watched,
        "rating": np.array([rating], dtype=np.float32),
    }


def _told(part: NDArray[Any] | None) -> float:
    return 0.0 if part is None or np.isnan(part[0]) else float(part[0])


def asked_parts(asks: Asks) -> tuple[bool, bool]:
    """Whether a move is asked for, and whether a value is."""
    return asks != "value", asks != "move"


def as_advice(action: object) -> Saying:
    """An action of the agent in the seat.

    Raises:
        IllegalActionError: it has not the keys move and value, the move is no whole number from 0 to 4671, or the value
            is no number.
    """
    if not isinstance(action, dict) or action.keys() != {"move", "value"}:
        raise IllegalActionError(f"{action!r} is no advice: give a dict with the keys 'move' and 'value'")
    move = int(as_action(action["move"])[0])
    value = np.asarray(action["value"])
    if value.dtype.kind not in "fiu" or value.size != 1 or np.isnan(value).any():
        raise IllegalActionError(f"{action['value']!r} is no value: a value is a number from -1 to 1")
    with np.errstate(over="ignore"):  # too large for float32 is too large
        return Saying(move, value.reshape(-1)[0].astype(np.float32))
