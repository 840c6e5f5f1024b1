"""Asking as an action: the protocol, and the actions that ask."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Asks
from sandwich_env.errors import SpecError
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.randomness import UInt64s
from sandwich_env.rules import NUM_ACTIONS
from sandwich_env.specs import check_count, check_scale

PLAYERS_DO_NOT_ASK = "H plays its own games as a Player, which gives moves and cannot ask by an action"
"""Why there is no asking on demand where a `Player` acts."""

Part = Literal["move", "value"]
"""What one action asks for."""


class OnDemand(Protocol):
    """A player asks when it chooses to, by an action; the protocol itself asks at no turn.

    After asking, the same player acts again in the same position, with the answer in the advisor channel.

    Args:
        budget: how many questions each player may ask in a game; None for as many as it likes.
        cost: what each question takes from the reward of the player who asks it.

    Raises:
        SpecError: a budget that is no whole number, 0 or more, or a cost that is no finite number, 0 or more.
    """

    def __init__(self, budget: int | None, cost: float = 0.0) -> None:
        self.budget = None if budget is None else check_count(f"budget of {self.kind!r}", budget, least=0)
        self.cost = check_scale(f"cost of {self.kind!r}", cost)

    def due(self, turns: NDArray[np.int64], keys: UInt64s | None = None) -> NDArray[np.bool_]:
        return np.zeros(turns.shape, dtype=np.bool_)


def refuse_on_demand(name: str, protocol: type, why: str) -> None:
    """Refuse `OnDemand` where nobody could ask by an action.

    Args:
        name: of the argument that the protocol was given as.
        protocol: its class.
        why: nobody could.

    Raises:
        SpecError: it is `OnDemand`.
    """
    if issubclass(protocol, OnDemand):
        raise SpecError(f"{name} is 'on_demand', but {why}: give 'every_turn', 'every_n_turns' or 'never'")


class Ask(NamedTuple):
    """One action that asks.

    Attributes:
        action: its number, 4672 or more.
        part: what it asks for: "move" or "value".
        member: which member of a panel it asks; 0 where the advisor is none.
    """

    action: int
    part: Part
    member: int

    def __str__(self) -> str:
        return f"ask member {self.member} for a {self.part}"


def ask_actions(asks: Asks, members: int = 1) -> tuple[Ask, ...]:
    """The actions that ask, K of them, in the order of their numbers.

    They come after the 4672 moves, member by member: with two parts, 4672 asks member 0 for a move and 4673 for a
    value, 4674 asks member 1 for a move, and so on.

    Args:
        asks: what a player may be told: "move", "value" or "both".
        members: of the panel; 1 for an advisor that is none.
    """
    parts: tuple[Part, ...] = ("move", "value") if asks == "both" else (asks,)
    pairs = [(member, part) for member in range(members) for part in parts]
    return tuple(Ask(NUM_ACTIONS + k, part, member) for k, (member, part) in enumerate(pairs))
