"""An advisor of this package as a policy for the agent in the advisor's seat."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np

from sandwich_env.advisors.base import Advice, Advisor, Query
from sandwich_env.envs.advisor_seat_spaces import asked_parts
from sandwich_env.errors import AdviceError
from sandwich_env.oversight.channel import check_advice
from sandwich_env.specs import Spec, from_spec

_REMEMBERED = 4096


class AdvisorPolicy:
    """Says in the seat what the advisor says inside the environment, to the bit: it is asked the same queries.

    It keeps one thing: how many of its answers to each player of each game were tampered with, which the channel counts
    for an advisor inside (the schedule `budget` asks for it).

    Args:
        advisor: an advisor or its spec.

    Attributes:
        last: the whole of the latest answer, with the truth behind it; None before the first.
    """

    def __init__(self, advisor: Advisor | Spec) -> None:
        self.advisor = from_spec(advisor, Advisor)
        self.last: Advice | None = None
        self._lies: OrderedDict[int, int] = OrderedDict()

    def __call__(self, env: Any) -> dict[str, Any]:
        """The action of `advisor_0`, whose turn it is.

        Args:
            env: `sandwich_chess_v0.env(advisor="agent")` or `raw_env`, with or without wrappers.

        Raises:
            AdviceError: nobody asks, or the advisor's answer is one that no player could be shown.
        """
        query: Query | None = env.unwrapped.query
        if query is None:
            raise AdviceError(f"nobody asks: it is the turn of {env.agent_selection!r}")
        key = int(query.keys[0])  # of the game, and of the player who asks
        lies = self._lies.pop(key, 0) if query.count[0] else 0
        query = replace(query, lies=np.array([lies]))
        advice = self.advisor.advise(query)
        check_advice(advice, query, self.advisor)
        self._lies[key] = lies + int(advice.provenance.tampered[0])
        if len(self._lies) > _REMEMBERED:
            self._lies.popitem(last=False)
        self.last = advice
        value = advice.value.astype(np.float32) if asked_parts(query.asks)[1] else np.zeros(1, dtype=np.float32)
        return {"move": int(advice.move[0]), "value": value}

    def close(self) -> None:
        """Release what the advisor holds."""
        self.advisor.close()
