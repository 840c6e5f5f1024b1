"""Says what H wants to hear."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advice, Advisor, Asks, Query, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.errors import AdviceError, SpecError, did_you_mean
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec

_HOW = "give `proposer`, such as the player's own network (in a run: `proposes`)"


class Sycophancy(Wrapper):
    """Recommends the move that H itself proposes, states the value that H hopes for, or both.

    Models that tell users what these believe already (Perez et al. 2022, *Discovering Language Model Behaviors with
    Model-Written Evaluations*, arXiv:2212.09251; Sharma et al. 2023, *Towards Understanding Sycophancy in Language
    Models*, arXiv:2310.13548). Where H does not say what it would play (-1) or hopes for (NaN), that part is let be.

    Args:
        flatters: what is made to agree with H: the "move", the "value" or "both".
        inner, epsilon, seed, when: see `Wrapper`.
    """

    def __init__(
        self,
        inner: Advisor,
        epsilon: float = 1.0,
        flatters: Asks = "both",
        seed: int = 0,
        when: Schedule | Spec = "always",
    ) -> None:
        super().__init__(inner, seed, epsilon, when)
        if flatters not in get_args(Asks):
            raise SpecError(f"flatters of 'sycophancy' is {flatters!r}: {did_you_mean(str(flatters), get_args(Asks))}")
        self.flatters = flatters
        self.changes = ("move", "value") if flatters == "both" else (flatters,)  # type: ignore[misc]

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        said, move, value = np.zeros(len(query), dtype=np.bool_), None, None
        if "move" in self.changes and query.asks != "value":
            proposed = _proposals(query)
            move = np.where(proposed >= 0, proposed, advice.move)
            said |= proposed >= 0
        if "value" in self.changes and query.asks != "move":
            hoped = _hopes(query)
            value = np.where(np.isnan(hoped), advice.value, hoped)
            said |= ~np.isnan(hoped)
        return advice.tampered(said, by=self.kind, move=move, value=value)


def _proposals(query: Query) -> NDArray[np.int64]:
    """What H would play, int64 [N]."""
    if query.proposal is None:
        raise AdviceError(f"'sycophancy' needs what the player would play itself, and nobody says so here: {_HOW}")
    legal = query.games.are_legal(query.proposal) | (query.proposal == -1)
    if not legal.all():
        i = int(np.argmin(legal))
        raise AdviceError(
            f"'sycophancy' was told that the player would play {int(query.proposal[i])!r}, which is not legal in "
            f"{query.games.fens()[i]!r}: a proposal is a legal action, or -1"
        )
    return query.proposal


def _hopes(query: Query) -> NDArray[np.float32]:
    """What H hopes for, float32 [N]."""
    if query.hope is None:
        raise AdviceError(f"'sycophancy' needs the value that the player hopes for, and nobody says so here: {_HOW}")
    fair = ~(np.abs(query.hope) > 1)
    if not fair.all():
        i = int(np.argmin(fair))
        raise AdviceError(
            f"'sycophancy' was told that the player hopes for {float(query.hope[i])!r} in {query.games.fens()[i]!r}: a "
            f"value lies between -1 and 1, or is NaN"
        )
    return query.hope
