"""Which advised moves to believe: by how they look to H, and by how the games went in which H followed them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.learning.corpus import VisibleCorpus
from sandwich_env.learning.methods.mixture import Mixture, mixture
from sandwich_env.learning.methods.opinions import Opinions

TEMPERATURES = tuple(2.0 ** (k / 2) for k in range(-4, 5))
"""Of H's policy, from 1/4 to 4: those of which the likeliest is taken."""

_STEPS = 100
_TOLERANCE = 1e-9


def honest_moves(advised: Opinions, temperature: float | None = None) -> tuple[Mixture, float]:
    """Which advised moves are honest, if an honest one is drawn from H's policy and another from all legal moves alike.

    Args:
        advised: what H makes of the advised moves, [K]; all are legal.
        temperature: of H's policy, above 0; without it, the likeliest of `TEMPERATURES`.

    Returns:
        The mixture, and the temperature.
    """
    at_random = -np.log(advised.counts.astype(np.float64))
    tried = TEMPERATURES if temperature is None else (temperature,)
    fits = [mixture(advised.log_probability(t), at_random) for t in tried]
    best = int(np.argmax([fit.fit for fit in fits]))
    return fits[best], tried[best]


def rewarding_moves(
    corpus: VisibleCorpus, seen: Opinions, advised: NDArray[np.bool_], ridge: float
) -> NDArray[np.float64]:
    """How likely a game goes better than H expects after an advised move, where a move of H's own is as likely as not.

    A logistic regression over all plies of finished games of whether the mover's result beat H's value of the position:

        log odds = state . a + followed * (move . b)

    The state (H's value, the material, the ply, how many moves are legal) takes in who is winning, from the plies at
    which H went its own way as from the others; `move . b` is what following this move adds, and is all that is
    judged by. The difference of two answers of one regression, as the S-learner of Kuenzel et al. 2019 ("Metalearners
    for Estimating Heterogeneous Treatment Effects") does it. The plies of a game share one result, and count together
    as one.

    Args:
        corpus: the games, P plies.
        seen: what H makes of the advised moves where there are any, and of the moves played elsewhere; of all P plies.
        advised: bool [P], where a move was advised.
        ridge: half of it times the square of each coefficient is added to the loss (but the first one's of the state).

    Returns:
        float64 [P]; 0.5 is as good as H's own moves. What stands where no move was advised says nothing.
    """
    finished = np.isfinite(corpus.result)
    state, move = _state(corpus, seen), _move(seen, advised)
    columns = np.concatenate([state, move * (advised & corpus.followed)[:, None]], axis=1)[finished]
    beat = (corpus.result > seen.value)[finished]
    weight = (1.0 / corpus.lengths()[corpus.game_id])[finished]
    penalty = np.full(columns.shape[1], ridge)
    penalty[0] = min(ridge, 1e-3)
    effect = logistic_regression(columns, beat, weight, penalty)[state.shape[1] :]
    return np.asarray(_sigmoid(move @ effect))


def logistic_regression(
    columns: NDArray[np.float64], happened: NDArray[np.bool_], weight: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The coefficients [C] of a penalised logistic regression, by Newton's method from 0.

    Args:
        columns: [N, C].
        happened: bool [N].
        weight: [N], how much each row counts.
        penalty: [C], above 0; half of it times the square of the coefficient is added to the loss.
    """
    coefficients = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        chance = _sigmoid(columns @ coefficients)
        slope = columns.T @ (weight * (chance - happened)) + penalty * coefficients
        bend = (columns * (weight * chance * (1.0 - chance))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        longest = float(np.abs(step).max())
        # A step of more than 1 could overshoot where the curve is flat.
        coefficients = coefficients - step / max(1.0, longest)
        if longest < _TOLERANCE:
            break
    return coefficients


def both(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two independent probabilities of the same thing as one: their product, normalised with their complements'."""
    yes, no = one * other, (1.0 - one) * (1.0 - other)
    total = yes + no
    return np.where(total > 0, yes / np.where(total > 0, total, 1.0), 0.5)


def _state(corpus: VisibleCorpus, seen: Opinions) -> NDArray[np.float64]:
    """[P, 6]: 1, and what can be seen of the position before the move."""
    ply = corpus.ply.astype(np.float64)
    material = seen.material.astype(np.float64)
    known = (seen.value, material, material * ply, ply, np.log(seen.counts))
    return np.stack([np.ones(len(corpus)), *(_standardised(column) for column in known)], axis=1)


def _move(seen: Opinions, advised: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[P, 4]: 1, and what can be seen of an advised move; 0 where there is none.

    The rank of a move says the same as its probability, and both together cancel each other out with large
    coefficients: only whether it is H's first choice is added.
    """
    liked = np.where(seen.legal, seen.log_probability() + np.log(seen.counts), 0.0)
    known = (liked, (seen.rank() == 0).astype(np.float64), (seen.after - seen.value).astype(np.float64))
    columns = np.ones((len(seen), 1 + len(known)))
    for place, column in enumerate(known, start=1):
        columns[advised, place] = _standardised(column[advised])
    return columns * advised[:, None]


def _standardised(column: NDArray[np.floating]) -> NDArray[np.float64]:
    if not len(column):
        return np.zeros(0)
    centred = column.astype(np.float64) - column.mean(dtype=np.float64)
    spread = centred.std()
    return centred / spread if spread > 1e-9 else np.zeros(len(column))


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -500.0, 500.0)))
