"""What the tests of the advisors share: an expert with opinions, and queries."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advice, Asks, Honest, Query
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.legal import as_policy
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games

FOOLS_MATE = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


class Opinionated(Expert):
    """Logits and a value drawn once and for all for each position."""

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        rng = Streams(mix(np.array([zlib.crc32(fen.encode()) for fen in games.fens()]), "opinion"))
        legal = games.legal_mask().astype(np.bool_)
        policy = np.where(legal, 2.0 * rng.normal(legal), -np.inf).astype(np.float32)
        return Evaluation(policy, np.where(over, value, np.tanh(rng.random() - 0.5)).astype(np.float32))


def some_games(n: int, plies: int = 8) -> Games:
    """Different positions in the middle of games."""
    games = Games(n)
    for ply in range(plies):
        games.step(games.sample(np.arange(n) + 1000 * ply))
    return games


def query(games: Games, *, seed: int = 0, count: int | NDArray[np.int64] = 0, asks: Asks = "both") -> Query:
    """The first query, or another, of each game."""
    n = len(games)
    counts = np.broadcast_to(np.asarray(count, dtype=np.int64), (n,))
    return Query(games=games, keys=mix(seed, np.arange(n), "game"), count=counts, asks=asks)


def same_question(n: int) -> tuple[Query, Advice]:
    """The first query of `n` games, all at the start, and what the opinionated expert says, asked once for them all."""
    asked = query(Games(1))
    true = Honest(Opinionated()).advise(asked)
    rows = np.zeros(n, dtype=np.int64)
    kept = replace(true, policy=as_policy(true.legal_logits(asked.games)))  # 20 logits a game instead of 4672
    return query(asked.games.select(rows)), kept.select(rows)


def rows_of(asked: Query, rows: NDArray[np.int64]) -> Query:
    """The same query about some of the games only."""
    return Query(asked.games.select(rows), asked.keys[rows], asked.count[rows], asked.asks)


def assert_same_advice(one: Advice, other: Advice) -> None:
    """Bit for bit, provenance included."""
    for name in ("move", "value", "policy"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        assert getattr(one, name).dtype == getattr(other, name).dtype
    for name in ("tampered", "by", "honest_move", "honest_value"):
        np.testing.assert_array_equal(getattr(one.provenance, name), getattr(other.provenance, name), err_msg=name)


def selected(advice: Advice, rows: NDArray[np.int64]) -> Advice:
    """The advice on some of the games."""
    truth = advice.provenance
    return Advice(
        move=advice.move[rows],
        value=advice.value[rows],
        policy=advice.policy[rows],
        provenance=type(truth)(truth.tampered[rows], truth.by[rows], truth.honest_move[rows], truth.honest_value[rows]),
        asks=advice.asks,
    )


def assert_about(times: int, trials: int, share: float) -> None:
    """A count is within four standard deviations of a binomial distribution (1 chance in 16,000 to be outside)."""
    assert abs(times - trials * share) <= 4 * (trials * share * (1 - share)) ** 0.5 + 1e-9, (times, trials, share)
