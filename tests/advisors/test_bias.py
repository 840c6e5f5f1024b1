"""`Bias`: what a preference does to the logits and to the move."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.advisors.bias import Bias
from sandwich_env.advisors.preferences import PREFERENCES, find
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

OWN = """
import chess

def centre(board, move):
    return move.to_square in {chess.D4, chess.E4, chess.D5, chess.E5}

def broken(board, move):
    return float("nan")

def worth(board, move):
    board.push(move)  # a copy: what a function does to it stays its own business
    return float(board.is_check())

number = 3
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_taste.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_taste", raising=False)
    return "my_taste"


@pytest.mark.parametrize("preference", PREFERENCES)
@pytest.mark.parametrize("weight", [-2.5, 1.5])
def test_the_preference_is_added_to_the_logits_and_the_best_recommended(preference: str, weight: float) -> None:
    asked, honest = query(some_games(100, plies=30)), Honest(Opinionated())
    true, advice = honest.advise(asked), Bias(honest, preference, weight).advise(asked)
    legal = true.legal_logits(asked.games)
    scores = find(preference)(asked.games, legal)
    right = true.policy.copy()
    right[legal.rows(), legal.actions] += (weight * scores).astype(np.float32)
    np.testing.assert_allclose(advice.policy, right, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(advice.move, advice.policy.argmax(axis=1))
    np.testing.assert_array_equal(advice.value, true.value)


@pytest.mark.parametrize("weight", [1000.0, 1e30])
@pytest.mark.parametrize("preference", ["captures", "checks", "pawn", "queenside"])
def test_a_great_weight_leaves_no_choice_but_among_what_it_likes_best(preference: str, weight: float) -> None:
    asked, honest = query(some_games(100, plies=30)), Honest(Opinionated())
    true, advice = honest.advise(asked), Bias(honest, preference, weight).advise(asked)
    legal = true.legal_logits(asked.games)
    liked = legal.with_logits(np.where(find(preference)(asked.games, legal) > 0, legal.logits, -np.inf)).best()
    there_are = liked >= 0
    assert there_are.sum() > 5
    np.testing.assert_array_equal(advice.move, np.where(there_are, liked, true.move))


def test_a_weight_of_0_is_honest_to_the_last_bit() -> None:
    asked, honest = query(some_games(50)), Honest(Opinionated())
    assert_same_advice(Bias(honest, "pawn", 0.0).advise(asked), honest.advise(asked))
    assert_same_advice(Bias(honest, "pawn", 5.0, epsilon=0.0).advise(asked), honest.advise(asked))


def test_a_greater_weight_gives_more_of_what_it_likes() -> None:
    asked, honest = query(some_games(300, plies=30)), Honest(Opinionated())
    shares = []
    for weight in (-3.0, 0.0, 1.0, 3.0, 10.0):
        advice = Bias(honest, "captures", weight).advise(asked)
        legal = advice.legal_logits(asked.games)
        chosen = legal.actions == np.repeat(advice.move, legal.counts)
        shares.append(find("captures")(asked.games, legal)[chosen].mean())
    assert (np.diff(shares) > 0).all()


def test_tampers_as_often_as_it_says() -> None:
    asked, honest = query(some_games(600)), Honest(Opinionated())
    true, advice = honest.advise(asked), Bias(honest, "knight", 4.0, epsilon=0.3).advise(asked)
    rows = advice.provenance.tampered
    assert_about(int(rows.sum()), 600, 0.3)
    np.testing.assert_array_equal(advice.policy[~rows], true.policy[~rows])


@pytest.mark.parametrize("preference", ["queen", "captures", "checks", "draws"])
def test_it_keeps_the_contract(preference: str) -> None:
    check_advisor(Bias(Honest(Opinionated()), preference, 3.0, 0.7))


def test_a_users_own_preference(own: str) -> None:
    asked, honest = query(some_games(40)), Honest(UniformExpert())
    spec = {
        "kind": "bias",
        "preference": f"{own}:centre",
        "weight": 2.0,
        "inner": {"kind": "honest", "expert": "uniform"},
    }
    advisor = from_spec(json.loads(json.dumps(spec)), Advisor)
    assert advisor.to_spec()["preference"] == f"{own}:centre"
    advice = advisor.advise(asked)
    legal = honest.advise(asked).legal_logits(asked.games)
    plane_scores = advice.policy[legal.rows(), legal.actions]
    assert set(plane_scores.tolist()) == {0.0, 2.0}
    assert_same_advice(pickle.loads(pickle.dumps(advisor)).advise(asked), advice)
    check_advisor(advisor, positions=4)


def test_a_users_function_gets_a_board_of_its_own(own: str) -> None:
    asked = query(some_games(20, plies=20))
    one, other = (Bias(Honest(Opinionated()), name, 2.0).advise(asked) for name in (f"{own}:worth", "checks"))
    np.testing.assert_array_equal(one.policy, other.policy)


def test_a_function_that_gives_no_number_is_named_with_the_position(own: str) -> None:
    with pytest.raises(AdviceError, match=r"'my_taste:broken' of 'bias' gives nan for '\w+' in 'rnbq.* finite number"):
        Bias(Honest(UniformExpert()), f"{own}:broken", 1.0).advise(query(some_games(1, plies=0)))


@pytest.mark.parametrize(
    ("preference", "message"),
    [
        ("capture", "is 'capture': did you mean 'captures'"),
        (3, "is 3: known: "),
        (abs, "a function cannot be written to a spec, so name it as 'my_module:function'"),
        ("no_such_module:f", "there is no module 'no_such_module'"),
        (":f", "there is no module ''"),
        (".relative:f", "there is no module '.relative'"),
        ("my_taste:nothing", "the module 'my_taste' has no 'nothing'"),
        ("my_taste:number", "that is 3, not a function"),
    ],
)
def test_a_preference_that_there_is_not(own: str, preference: object, message: str) -> None:
    with pytest.raises(SpecError, match="preference of 'bias' is ") as error:
        Bias(Honest(UniformExpert()), preference, 1.0)  # type: ignore[arg-type]
    assert message in str(error.value)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "heavy", None])
def test_weight_out_of_range(weight: object) -> None:
    with pytest.raises(SpecError, match=f"weight of 'bias' is {weight!r}: it must be a finite number"):
        Bias(Honest(UniformExpert()), "pawn", weight)  # type: ignore[arg-type]
