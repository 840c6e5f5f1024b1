"""The positions that advisors are compared on: those that a weak player reaches, with what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Query
from sandwich_env.errors import DataError
from sandwich_env.evaluation.matches import MatchResult, Progress, play_match
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.experts.base import Expert
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.explore import Explore
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import check_count, check_share

PER_OPENING = 4
"""Positions taken for each opening, on average: of two games, so that they have little to do with each other."""

MAX_PLIES = 200
EXPLORE_PLIES, EXPLORE_SHARE = 8, 0.5
"""H explores as it does while it learns (`learning.methods.imitate`), so that its two games from an opening differ."""


@dataclass(frozen=True)
class Positions:
    """What advisors are asked about, and which of the positions belong together.

    Attributes:
        query: N positions, each with the keys, and the count of queries, that it would have if H asked at every turn;
            with what H would play itself, how it likes its position, and whether it watches.
        group: int64 [N], from 0: positions of one group come from one opening and are not independent.
        tell: what H lets A know of itself, put into a query about these or other positions of its games.
    """

    query: Query
    group: NDArray[np.int64]
    tell: Callable[[Query], Query]

    def __len__(self) -> int:
        return len(self.query)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max(initial=-1)) + 1


def reached_positions(
    player: Expert,
    count: int = 300,
    *,
    seed: int = 0,
    openings: Sequence[str] | None = None,
    max_plies: int = MAX_PLIES,
    watched: float = 0.5,
    rating: float | None = None,
    on_progress: Progress | None = None,
) -> Positions:
    """Positions from games of H against itself, drawn without putting back.

    Args:
        player: H. Its best move is what it proposes, its value what it hopes.
        count: how many positions; fewer come back if the games are too short.
        seed: of the games and of the draw.
        openings: FENs; as many of the embedded ones as are needed without it.
        max_plies: a game is stopped after so many.
        watched: the share of the positions, drawn by chance, in which H looks closely and A knows.
        rating: H's Elo as A knows it; None where it does not.
        on_progress: is told how many games are over.

    Raises:
        DataError: the games leave no position to ask about.
    """
    rng = np.random.default_rng(int(mix(seed, "positions")[0]))
    pairs = -(-check_count("count", count) // PER_OPENING)
    starts = load_openings(limit=pairs, rng=rng) if openings is None else list(openings)
    mover = Explore(ExpertPlayer(player), ExpertPlayer(player, 1.0), EXPLORE_PLIES, EXPLORE_SHARE)
    match = play_match(mover, mover, starts, seed=seed, max_plies=max_plies, on_progress=on_progress)
    games, number = _draw(match, count, rng)
    return _positions(games, number, number // 2, seed, _teller(player, watched, rating))


def given_positions(
    fens: Sequence[str],
    player: Expert | None = None,
    *,
    seed: int = 0,
    watched: float = 0.5,
    rating: float | None = None,
) -> Positions:
    """Positions that are given, each the first of a game, and independent of the others.

    Args:
        fens: one or more, none of them over.
        player: H, for what it proposes and hopes; None where it does not say.
        seed: of the advisor's chances.
        watched: see `reached_positions`; so is `rating`.

    Raises:
        DataError: no positions, or one that is over.
        InvalidPositionError: a FEN that cannot be played from.
    """
    games = Games.from_fens(fens)
    if len(games) == 0:
        raise DataError("no positions to ask advisors about: give one or more")
    if games.finished.any():
        over = games.fens()[int(np.argmax(games.finished))]
        raise DataError(f"the position {over!r} is over: nobody has advice to give on it")
    number = np.arange(len(games))
    return _positions(games, number, number, seed, _teller(player, watched, rating))


def _draw(match: MatchResult, count: int, rng: np.random.Generator) -> tuple[Games, NDArray[np.int64]]:
    """Positions of a match's games, their moves behind them, and the number of each one's game."""
    lengths = np.array([len(actions) for actions in match.actions])
    total = int(lengths.sum())
    if total == 0:
        raise DataError("the games were over before they began: there is no position to ask about")
    drawn = np.sort(rng.choice(total, size=min(count, total), replace=False))
    number = np.searchsorted(np.cumsum(lengths), drawn, side="right")
    ply = drawn - (np.cumsum(lengths) - lengths)[number]
    games = Games.from_fens([match.openings[k // 2] for k in number])
    for at in range(int(ply.max())):
        games.step([int(match.actions[k][at]) if at < last else -1 for k, last in zip(number, ply, strict=True)])
    return games, number


def _positions(
    games: Games, number: NDArray[np.int64], group: NDArray[np.int64], seed: int, tell: Callable[[Query], Query]
) -> Positions:
    keys = mix(seed, "advice", number, games.turn.astype(np.int64))
    query = tell(Query(games=games, keys=keys, count=games.ply.astype(np.int64) // 2))
    return Positions(query, np.unique(group, return_inverse=True)[1].astype(np.int64), tell)


def _teller(player: Expert | None, watched: float, rating: float | None) -> Callable[[Query], Query]:
    """Puts what H lets A know of itself into a query."""
    check_share("watched", watched)

    def tell(query: Query) -> Query:
        looks = Streams(mix(query.keys, query.count, "watch")).random() < watched
        known = None if rating is None else np.full(len(query), rating, dtype=np.float64)
        query = replace(query, watched=looks, rating=known)
        if player is None:
            return query
        own = player.evaluate(query.games)
        return replace(query, proposal=own.best(), hope=own.value)

    return tell
