"""Policies kept as the logits of the legal actions: the same policies, moves and advice as with all 4672 columns."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from sandwich_env.advisors.base import Honest, Query
from sandwich_env.advisors.every_n import EveryN
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.randomness import mix
from sandwich_env.rules import Games


def positions(count: int = 30) -> Games:
    """Some of them over."""
    games = Games(count, max_plies=9)
    for ply in range(9):
        games.step(np.where((np.arange(count) % 10 == 3) | (ply < 6), games.sample(np.arange(count)), -1))
    return games


def hashed(games: Games) -> LegalLogits:
    """Logits that depend on the action alone; many are equal."""
    actions, counts = games.legal_actions()
    return LegalLogits(actions, counts, (mix(actions) % np.uint64(7)).astype(np.float32) - np.float32(3))


class Hashed(Expert):
    """Answers with columns, or with the legal logits alone."""

    def __init__(self, dense: bool) -> None:
        self.dense = dense

    def evaluate(self, games: Games) -> Evaluation:
        legal = hashed(games)
        return Evaluation(as_policy(legal.dense() if self.dense else legal), np.zeros(len(games), np.float32))


def test_columns_are_made_when_they_are_looked_at():
    games = positions()
    assert 0 < games.finished.sum() < len(games)
    legal = hashed(games)
    evaluation = Evaluation(as_policy(legal), np.zeros(len(games), np.float32))
    assert evaluation.legal is legal
    columns = evaluation.policy
    assert columns.dtype == np.float32
    assert np.array_equal(np.isfinite(columns), games.legal_mask() == 1)
    assert np.array_equal(columns[legal.rows(), legal.actions], legal.logits)
    assert evaluation.policy is columns
    assert evaluation.legal is None  # the columns may be changed from now on, and would count


def test_the_best_action_is_that_of_the_columns():
    games = positions()
    legal = hashed(games)
    value = np.zeros(len(games), np.float32)
    assert np.array_equal(legal.best(), Evaluation(legal.dense(), value).best())
    broken = legal.logits.copy()
    broken[: legal.counts[0]] = -np.inf
    broken[legal.counts[0]] = np.nan
    broken = legal.with_logits(broken)
    assert np.array_equal(broken.best(), Evaluation(broken.dense(), value).best())
    assert broken.best()[:2].tolist() == [-1, -1]
    assert LegalLogits(legal.actions[:0], np.zeros(3, np.int64), legal.logits[:0]).best().tolist() == [-1] * 3
    assert len(hashed(Games(0)).best()) == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: inner,
        lambda inner: PolicyNoise(inner, scale=0.7),
        lambda inner: PolicyNoise(inner, scale=0.7, epsilon=0.4),
        lambda inner: RandomMove(inner, epsilon=0.5),
        lambda inner: ValueNoise(inner, scale=0.3),
        lambda inner: RandomMove(PolicyNoise(RandomMove(inner, epsilon=0.3), scale=0.5, epsilon=0.6), epsilon=0.4),
        lambda inner: EveryN(RandomMove(PolicyNoise(inner, scale=0.5), epsilon=1.0), n=2),
    ],
    ids=["honest", "noise", "some noise", "random", "value", "all", "clock"],
)
@pytest.mark.parametrize("asks", ["both", "move", "value"])
def test_advice_is_the_same_either_way(wrap, asks):
    games = positions()
    query = Query(games, mix(np.arange(len(games))), np.arange(len(games)) % 3, asks=asks)
    advice, columns = (wrap(Honest(Hashed(dense))).advise(query) for dense in (False, True))
    assert np.array_equal(advice.move, columns.move)
    assert np.array_equal(advice.value, columns.value)
    assert np.array_equal(advice.policy, columns.policy)
    assert advice.policy.dtype == np.float32
    for name in ("tampered", "by", "honest_move", "honest_value"):
        assert np.array_equal(getattr(advice.provenance, name), getattr(columns.provenance, name))


def test_no_wrapper_of_the_package_makes_columns(monkeypatch):
    games = positions()
    query = Query(games, mix(np.arange(len(games))), np.zeros(len(games), dtype=np.int64))
    advisor = EveryN(RandomMove(PolicyNoise(ValueNoise(Honest(Hashed(dense=False)), 0.2), 0.5), 0.5), n=1)

    def never(self: LegalLogits) -> np.ndarray:
        raise AssertionError("somebody looked at all the columns")

    monkeypatch.setattr(LegalLogits, "dense", never)
    advice = advisor.advise(query)
    assert (advice.move >= 0).tolist() == (~games.finished).tolist()


def test_wrappers_may_mix_both_ways():
    games = positions()
    query = Query(games, mix(np.arange(len(games))), np.zeros(len(games), dtype=np.int64))
    advice = Honest(Hashed(dense=False)).advise(query)
    rows = np.arange(len(games)) % 2 == 0
    flipped = advice.tampered(rows, by="test", policy=np.where(np.isfinite(advice.policy), -advice.policy, -np.inf))
    legal = hashed(games)
    again = Honest(Hashed(dense=False)).advise(query).tampered(rows, by="test", policy=legal.with_logits(-legal.logits))
    assert np.array_equal(flipped.policy, again.policy)
    assert np.array_equal(flipped.move, again.move)
    assert np.array_equal(flipped.where(rows, advice).policy, again.where(rows, advice).policy)
    odd = advice.tampered(rows, by="test", move=np.full(len(games), 4671))  # not legal: the channel refuses it later
    assert (odd.move[rows & ~games.finished] == 4671).all()


def test_copies_and_pickles_keep_their_way():
    evaluation = Evaluation(as_policy(hashed(positions())), np.zeros(30, np.float32))
    again = pickle.loads(pickle.dumps(evaluation))
    assert again.legal is not None
    assert np.array_equal(again.policy, evaluation.policy)
    assert np.array_equal(replace(again, value=np.ones(30, np.float32)).policy, evaluation.policy)
