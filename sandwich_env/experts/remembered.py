"""An expert that is asked about each position once, for scorers that come back to the same positions many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.rules import Games


class Remembered(Expert):
    """Another expert's answers, kept for as long as this object lives.

    An engine is asked for milliseconds a position, and a scorer that tries thirty settings of a dial would ask it the
    same thirty times. A position counts as the same if the start and all the moves since are, as for an engine. It
    gives the other's answers to the bit, and its spec is the other's.

    Args:
        expert: who is asked.
    """

    def __init__(self, expert: Expert) -> None:
        self.expert = expert
        self._known: dict[tuple[Any, ...], tuple[NDArray[np.float32], np.float32]] = {}

    @property
    def positions(self) -> int:
        """How many positions are remembered."""
        return len(self._known)

    def evaluate(self, games: Games) -> Evaluation:
        keys = _keys(games)
        fresh = {key: row for row, key in enumerate(keys) if key not in self._known}
        if fresh:
            self._ask(games.select(np.fromiter(fresh.values(), dtype=np.int64)), list(fresh))
        actions, counts = games.legal_actions()
        answers = [self._known[key] for key in keys]
        logits = np.concatenate([np.empty(0, dtype=np.float32), *(logits for logits, _ in answers)])
        value = np.array([value for _, value in answers], dtype=np.float32)
        return Evaluation(policy=as_policy(LegalLogits(actions, counts, logits)), value=value)

    def _ask(self, games: Games, keys: list[tuple[Any, ...]]) -> None:
        found = self.expert.evaluate(games)
        legal = found.legal
        if legal is None:
            actions, counts = games.legal_actions()
            logits = found.policy[np.repeat(np.arange(len(games)), counts), actions]
        else:
            counts, logits = legal.counts, legal.logits
        parts = np.split(logits, np.cumsum(counts)[:-1])
        self._known |= {
            key: (part.copy(), value) for key, part, value in zip(keys, parts, found.value.copy(), strict=True)
        }

    def to_spec(self) -> dict[str, Any]:
        return self.expert.to_spec()

    def close(self) -> None:
        self.expert.close()

    def __reduce__(self) -> tuple[Callable[[Expert], Remembered], tuple[Expert]]:
        """A copy in another process begins with nothing in mind."""
        return Remembered, (self.expert,)


def _keys(games: Games) -> list[tuple[Any, ...]]:
    rules = (games.max_plies, games.claim_draws)  # they decide which positions are the end of a game
    return [(fen, games.played(row).tobytes(), *rules) for row, fen in enumerate(games.start_fens())]
