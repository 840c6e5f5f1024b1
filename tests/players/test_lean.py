"""Lean: the probabilities of its moves, worked out by hand; alone as in a batch; and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.base import Player
from sandwich_env.players.lean import Lean, advised_move, leaning
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec


def advice(moves: np.ndarray) -> VisibleAdvice:
    available = np.zeros((len(moves), 2), dtype=np.int8)
    available[:, 0] = moves >= 0
    return VisibleAdvice(np.where(moves < 0, NO_MOVE, moves), np.zeros(len(moves), dtype=np.float32), available)


def test_the_advised_logit_is_raised_after_the_temperature() -> None:
    policy = np.array([[1.0, 0.0, -np.inf], [1.0, 0.0, -np.inf], [1.0, 0.0, -np.inf]], dtype=np.float32)
    found = leaning(policy, [1, -1, 2], lean=3.0, temperature=0.5)
    assert found.tolist() == [[2.0, 3.0, -math.inf], [2.0, 0.0, -math.inf], [2.0, 0.0, -math.inf]]
    assert policy[0].tolist() == [1.0, 0.0, -math.inf]  # what it was given is as it was


def test_how_often_the_advised_move_is_played() -> None:
    """Of 20 moves that are equal to the policy, one that is raised by log 19 is played in half of the cases."""
    games = Games(4000)
    advised = np.full(4000, int(np.argmax(games.legal_mask()[0])))
    streams = Streams(mix("lean", np.arange(4000)))
    acts = Lean(UniformExpert(), lean=math.log(19)).act(games, advice(advised), streams)
    assert np.mean(acts == advised) == pytest.approx(0.5, abs=0.03)
    for told in (None, advice(np.full(4000, -1))):
        acts = Lean(UniformExpert(), lean=math.log(19)).act(games, told, Streams(mix("lean", np.arange(4000))))
        assert np.mean(acts == advised) == pytest.approx(0.05, abs=0.015)


def test_alone_it_plays_as_in_a_batch() -> None:
    games = Games(12)
    for ply in range(7):
        games.step(games.sample(np.arange(12) + 50 * ply))
    keys, player = mix("alone", np.arange(12)), Lean(UniformExpert(), lean=1.0)
    moves = np.where(np.arange(12) % 3, games.sample(np.arange(12)), -1)
    together = player.act(games, advice(moves), Streams(keys))
    assert (games.legal_mask()[np.arange(12), together] == 1).all()
    alone = [int(player.act(games.select([row]), advice(moves[[row]]), Streams(keys[[row]]))[0]) for row in range(12)]
    assert together.tolist() == alone


def test_a_finished_game_has_no_move_and_an_illegal_advice_is_not_played() -> None:
    over = Games.from_fens(["7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"])  # stalemate
    assert Lean(UniformExpert()).act(over, advice(np.array([5])), Streams([1])).tolist() == [-1]
    games = Games(50)
    illegal = np.full(50, int(np.argmin(games.legal_mask()[0])))
    acts = Lean(UniformExpert(), lean=50.0).act(games, advice(illegal), Streams(mix(np.arange(50))))
    assert (acts != illegal).all()


def test_advised_moves() -> None:
    assert advised_move(advice(np.array([7, -1, 0]))).tolist() == [7, -1, 0]


def test_its_spec_and_what_it_refuses() -> None:
    player = from_spec({"kind": "lean", "expert": "uniform", "lean": 2.0, "temperature": 0.5}, Player)
    assert isinstance(player, Lean)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()
    with pytest.raises(SpecError, match=r"temperature of 'lean' is 0: it must be above 0"):
        Lean(UniformExpert(), temperature=0)
    with pytest.raises(SpecError, match=r"lean of 'lean' is inf"):
        Lean(UniformExpert(), lean=math.inf)
