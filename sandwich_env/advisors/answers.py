"""An answer held against what was asked, so that whoever gives one that is none is named, and the position too."""

from __future__ import annotations

import numpy as np

from sandwich_env.advisors.advice import Advice, Query
from sandwich_env.errors import AdviceError


def check_answer(advice: Advice, query: Query, who: str) -> Advice:
    """The answer, if a player could be shown it.

    Args:
        advice: the answer.
        query: what was asked.
        who: gave the answer; errors begin with it.

    Raises:
        AdviceError: no advice, the wrong number of rows, a move that is not legal in a game that goes on, or a value
            outside [-1, 1].
    """
    if not isinstance(advice, Advice):
        raise AdviceError(f"{who} answers with {advice!r}: an advisor gives an Advice")
    parts = (("move", advice.move), ("value", advice.value), ("provenance.tampered", advice.provenance.tampered))
    for name, array in parts:
        if np.shape(array) != (len(query),):
            raise AdviceError(f"{who} was asked about {len(query)} games, but its {name} has shape {np.shape(array)}")
    legal = query.games.are_legal(advice.move)
    if not legal.all():
        wrong = ~legal & ~query.games.finished
        if wrong.any():
            i = int(np.argmax(wrong))
            raise AdviceError(
                f"{who} recommends {int(advice.move[i])!r}, which is not legal in {query.games.fens()[i]!r}"
            )
    fair = np.abs(advice.value) <= 1
    if not fair.all():
        i = int(np.argmin(fair))
        fen = query.games.fens()[i]
        raise AdviceError(f"{who} gives the value {float(advice.value[i])!r}: it must lie between -1 and 1, in {fen!r}")
    return advice
