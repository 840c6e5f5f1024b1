"""Elo ratings of several players from the matches between them, by maximum likelihood.

The model is Bradley and Terry's (1952, "Rank Analysis of Incomplete Block Designs", Biometrika 39), on Elo's scale: the
expected score of a player rated d above its opponent is 1 / (1 + 10 ** (-d / 400)). A draw counts as half a win and
half a loss, so that the ratings are those at which every player's expected points equal its points.

One virtual draw is added between every two players that met (as BayesElo does, R. Coulom 2005,
https://www.remi-coulom.fr/Bayesian-Elo), so that a player that won or lost every game has a finite rating. Such ratings
are flagged: they say how long the match was, and their intervals are too narrow.

The intervals come from a bootstrap over pairs of games (an opening, played twice with colours swapped), the same
openings drawn for all matches: neither the games of a pair nor matches from the same openings are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, SpecError, did_you_mean
from sandwich_env.evaluation.intervals import LEVEL, RESAMPLES, Interval, bootstrap_weights, percentile_interval
from sandwich_env.evaluation.matches import MatchResult
from sandwich_env.specs import check_scale

ELO_PER_LOGIT = 400.0 / np.log(10.0)
"""Elo's scale: odds of 10 to 1 are 400 points."""

VIRTUAL_DRAWS = 1.0
"""Virtual draws between every two players that met."""

_MAX_STEPS = 100
_TOLERANCE = 1e-9  # logits
_LARGEST_STEP = 2.0  # logits; keeps Newton's method from overshooting where scores are extreme


def expected_score(difference: float) -> float:
    """The expected score, 0 to 1, of a player rated `difference` Elo above its opponent."""
    return float(1.0 / (1.0 + 10.0 ** (-difference / 400.0)))


def elo_difference(score: float) -> float:
    """How much higher a player is rated that scores so much a game, in Elo; infinite at 0 and 1.

    Raises:
        SpecError: the score is not between 0 and 1.
    """
    if not 0.0 <= score <= 1.0:
        raise SpecError(f"score is {score!r}: points a game lie between 0 and 1")
    if score in (0.0, 1.0):
        return float("inf") if score else float("-inf")
    return float(ELO_PER_LOGIT * np.log(score / (1.0 - score)))


@dataclass(frozen=True)
class EloTable:
    """Ratings of K players, one of them the anchor at 0.

    Attributes:
        names: the players.
        anchor: who is rated 0.
        ratings: float64 [K], Elo above the anchor.
        samples: float64 [R, K], the ratings in each bootstrap resample, the same resample in a row.
        games: int64 [K], how many games each has played.
        points: float64 [K], how many points it made in them.
        one_sided: bool [K], whether the data put no bound on the rating on one side (it, and those beside it, lost or
            won every game against the rest), so that the virtual draws did.
        level: of the intervals.
    """

    names: tuple[str, ...]
    anchor: str
    ratings: NDArray[np.float64]
    samples: NDArray[np.float64]
    games: NDArray[np.int64]
    points: NDArray[np.float64]
    one_sided: NDArray[np.bool_]
    level: float = LEVEL

    def index(self, name: str) -> int:
        """The column of a player.

        Raises:
            SpecError: no such player.
        """
        if name not in self.names:
            raise SpecError(f"no player {name!r} in the table: {did_you_mean(name, self.names)}")
        return self.names.index(name)

    def rating(self, name: str) -> float:
        """Elo of a player above the anchor."""
        return float(self.ratings[self.index(name)])

    def interval(self, name: str) -> Interval:
        """The bootstrap interval of a player's rating."""
        return percentile_interval(self.samples[:, self.index(name)], self.level)

    def difference(self, name: str, other: str) -> tuple[float, Interval]:
        """Elo of a player above another, with the interval of the difference."""
        samples = self.samples[:, self.index(name)] - self.samples[:, self.index(other)]
        return self.rating(name) - self.rating(other), percentile_interval(samples, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "anchor": self.anchor,
            "players": {
                name: {
                    "elo": self.rating(name),
                    "interval": self.interval(name).to_dict(),
                    "games": int(self.games[k]),
                    "score": float(self.points[k] / self.games[k]),
                    "one_sided": bool(self.one_sided[k]),
                }
                for k, name in enumerate(self.names)
            },
        }


def fit_elo(
    results: Sequence[MatchResult],
    anchor: str,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    virtual_draws: float = VIRTUAL_DRAWS,
) -> EloTable:
    """Rate the players of some matches.

    Args:
        results: the matches. Every player must be connected with the anchor by matches.
        anchor: the name of the player that is rated 0.
        rng: draws the resamples.
        resamples: how many.
        level: of the intervals.
        virtual_draws: between every two players that met; more than 0.

    Raises:
        DataError: no results, a player that met itself, or players that no chain of matches connects with the anchor.
        SpecError: no player has the anchor's name, or `virtual_draws` is not above 0.
    """
    if not results:
        raise DataError("no results to rate players from: give one match or more")
    if check_scale("virtual_draws", virtual_draws) == 0.0:
        raise SpecError("virtual_draws is 0: without any, a player that wins every game is rated infinitely high")
    names = tuple(dict.fromkeys(name for result in results for name in (result.first, result.second)))
    if anchor not in names:
        raise SpecError(f"no match was played by the anchor {anchor!r}: {did_you_mean(anchor, names)}")
    table = _PairTable(results, names)
    table.check_connected(names, anchor)
    fixed = names.index(anchor)
    units = table.units
    points, games = table.totals(np.ones((1, units)))
    drawn_points, drawn_games = table.totals(bootstrap_weights(units, resamples, rng).astype(np.float64))
    return EloTable(
        names=names,
        anchor=anchor,
        ratings=_fit(points, games, virtual_draws * table.met, fixed)[0],
        samples=_fit(drawn_points, drawn_games, virtual_draws * table.met, fixed),
        games=games[0].sum(axis=1).astype(np.int64),
        points=points[0].sum(axis=1),
        one_sided=_one_sided(points[0], fixed),
        level=level,
    )


class _PairTable:
    """The pairs of all matches, and which unit of the bootstrap each belongs to.

    A unit is an opening: a resample that draws it takes the pairs that were played from it in every match. Where a
    match has an opening several times, its k-th pair from it belongs to the k-th unit of that opening.
    """

    def __init__(self, results: Sequence[MatchResult], names: tuple[str, ...]) -> None:
        known: dict[tuple[str, int], int] = {}
        unit: list[int] = []
        first: list[int] = []
        second: list[int] = []
        points: list[NDArray[np.float64]] = []
        seen: dict[tuple[str, frozenset[str]], int] = {}
        for result in results:
            if result.first == result.second:
                raise DataError(f"{result.first!r} met itself: the players of a match need names of their own")
            players = frozenset((result.first, result.second))
            for fen in result.openings:
                occurrence = seen.get((fen, players), 0)
                seen[fen, players] = occurrence + 1
                unit.append(known.setdefault((fen, occurrence), len(known)))
            first += [names.index(result.first)] * len(result.openings)
            second += [names.index(result.second)] * len(result.openings)
            points.append(result.scores.sum(axis=1))
        self.units = len(known)
        self._count = len(names)
        self._unit, self._first, self._second = np.array(unit), np.array(first), np.array(second)
        self._points = np.concatenate(points)
        self.met = np.zeros((len(names), len(names)))
        self.met[self._first, self._second] = self.met[self._second, self._first] = 1.0

    def totals(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points of each player against each, and games between them, [R, K, K], with weights [R, units]."""
        shape = (self._count, self._count)
        for_first, for_second, played = (np.zeros((self.units, *shape)) for _ in range(3))
        np.add.at(for_first, (self._unit, self._first, self._second), self._points)
        np.add.at(for_second, (self._unit, self._second, self._first), 2.0 - self._points)
        np.add.at(played, (self._unit, self._first, self._second), 2.0)
        np.add.at(played, (self._unit, self._second, self._first), 2.0)
        points = np.tensordot(weights, for_first + for_second, axes=1)
        games = np.tensordot(weights, played, axes=1)
        return points, games

    def check_connected(self, names: tuple[str, ...], anchor: str) -> None:
        """Refuse players whom no chain of matches connects with the anchor."""
        reached = _reached(self.met > 0, names.index(anchor))
        if not reached.all():
            apart = ", ".join(repr(name) for name, there in zip(names, reached, strict=True) if not there)
            raise DataError(f"no chain of matches connects {apart} with the anchor {anchor!r}: they cannot be compared")


def _fit(
    points: NDArray[np.float64], games: NDArray[np.float64], draws: NDArray[np.float64], fixed: int
) -> NDArray[np.float64]:
    """Ratings [R, K] in Elo by Newton's method, of all resamples at once; player `fixed` is at 0.

    Args:
        points: [R, K, K], points of the row's player against the column's.
        games: [R, K, K], games between them.
        draws: [K, K], virtual draws between them.
        fixed: the anchor's index.
    """
    scored = (points + draws / 2.0).sum(axis=2)
    played = games + draws
    free = np.arange(played.shape[1]) != fixed
    theta = np.zeros(scored.shape)
    for _ in range(_MAX_STEPS):
        expected = 1.0 / (1.0 + np.exp(theta[:, None, :] - theta[:, :, None]))
        gradient = scored - (played * expected).sum(axis=2)
        spread = played * expected * (1.0 - expected)
        hessian = -spread
        k = np.arange(played.shape[1])
        hessian[:, k, k] = spread.sum(axis=2)
        step = np.linalg.solve(hessian[:, free][:, :, free], gradient[:, free, None])[..., 0]
        largest = np.abs(step).max(axis=1, initial=0.0, keepdims=True)
        theta[:, free] += step * np.minimum(1.0, _LARGEST_STEP / np.maximum(largest, _LARGEST_STEP))
        if largest.max() < _TOLERANCE:
            ratings: NDArray[np.float64] = theta * ELO_PER_LOGIT
            return ratings
    raise DataError(
        f"the ratings did not settle in {_MAX_STEPS} steps: the scores are too extreme to be rated together"
    )


def _one_sided(points: NDArray[np.float64], fixed: int) -> NDArray[np.bool_]:
    """Whose rating the data leave open on one side. [K]

    Maximum likelihood is finite if and only if everybody took points from everybody else, over others if need be
    (Ford 1957, "Solution of a Ranking Problem from Binary Comparisons"): in the graph of who took points from whom, a
    player's rating against the anchor's is bounded on both sides where each can be reached from the other.
    """
    took = points > 0
    return ~(_reached(took, fixed) & _reached(took.T, fixed))


def _reached(edges: NDArray[np.bool_], start: int) -> NDArray[np.bool_]:
    reached = np.zeros(len(edges), dtype=np.bool_)
    reached[start] = True
    while True:
        further = reached | edges[reached].any(axis=0)
        if np.array_equal(further, reached):
            return reached
        reached = further
