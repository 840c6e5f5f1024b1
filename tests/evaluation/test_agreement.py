from __future__ import annotations

import json

import chess
import numpy as np
import pytest
from scripted import Opinion

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.agreement import move_agreement
from sandwich_env.evaluation.intervals import wilson
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games


def positions(count: int) -> list[str]:
    games = Games(count, max_plies=50)
    for _ in range(6):
        games.step(games.sample(np.arange(count)))
    return games.fens()


FENS = positions(40)
LEGAL = [sorted(move.uci() for move in chess.Board(fen).legal_moves) for fen in FENS]


def test_agreement_by_hand() -> None:
    """A student that has E's move in mind for 10 positions of 40, and puts odds of 3 to 1 a move on its choice."""
    expert = Opinion({fen: moves[0] for fen, moves in zip(FENS, LEGAL, strict=True)}, logit=5.0, value=0.25)
    mine = {fen: moves[0 if i < 10 else 1] for i, (fen, moves) in enumerate(zip(FENS, LEGAL, strict=True))}
    student = Opinion(mine, logit=float(np.log(3.0)), value=-0.5)
    found = move_agreement(student, expert, FENS, rng=np.random.default_rng(0))
    assert found.same_move.value == 0.25
    assert found.same_move.interval == wilson(10, 40)
    shares = [(3 if i < 10 else 1) / (len(moves) + 2) for i, moves in enumerate(LEGAL)]
    assert found.expert_move_probability.value == pytest.approx(np.mean(shares))
    assert found.expert_move_probability.value in found.expert_move_probability.interval
    assert found.value_difference.value == pytest.approx(-0.75)
    assert found.value_distance.value == pytest.approx(0.75)
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["same_move"]["count"] == 40
    assert set(plain) == {"same_move", "expert_move_probability", "value_difference", "value_distance"}


def test_signs_cancel_in_the_difference_and_not_in_the_distance() -> None:
    class Tilted(UniformExpert):
        def evaluate(self, games: Games):
            evaluation = super().evaluate(games)
            evaluation.value[:] = np.where(np.arange(len(games)) % 2, 0.5, -0.5)
            return evaluation

    found = move_agreement(Tilted(), UniformExpert(), FENS, rng=np.random.default_rng(0))
    assert found.value_difference.value == pytest.approx(0.0)
    assert found.value_distance.value == pytest.approx(0.5)


def test_an_expert_agrees_with_itself_in_any_batch() -> None:
    expert = Opinion({fen: moves[-1] for fen, moves in zip(FENS, LEGAL, strict=True)}, logit=2.0, value=0.1)
    for positions_at_once in (1, 7, 1000):
        found = move_agreement(
            expert, expert, Games.from_fens(FENS), rng=np.random.default_rng(0), positions_at_once=positions_at_once
        )
        assert found.same_move.value == 1.0
        assert found.value_distance.interval.high == 0.0


def test_positions_to_compare_on() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="no positions"):
        move_agreement(UniformExpert(), UniformExpert(), [], rng=rng)
    with pytest.raises(DataError, match="'7k/6Q1/6K1/8/8/8/8/8 b - - 0 1' is over"):
        move_agreement(UniformExpert(), UniformExpert(), [FENS[0], "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"], rng=rng)
    with pytest.raises(SpecError, match="positions_at_once is 0"):
        move_agreement(UniformExpert(), UniformExpert(), FENS, rng=rng, positions_at_once=0)
