"""The oracle: E's moves alone, and an error for whoever does not tell it which they are."""

from __future__ import annotations

import numpy as np
import pytest
from lessons_support import lesson, played, right_in, written

from sandwich_env.errors import DataError
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.oracle import Oracle

GAMES = written(("e2e4 e7e5 g1f3", "e2e4 e7e5 -", 1.0), ("d2d4 d7d5 c2c4", "c2c4 - c2c4", -1.0))
RIGHT = np.array([True, False, True, True, True, False])


def test_it_learns_the_right_advice_alone() -> None:
    targets = Oracle().targets(lesson(GAMES, right=RIGHT))
    assert targets.policy_weight.tolist() == [1, 0, 0, 1, 0, 0]  # right where nobody asked does not count
    assert targets.action[3] == GAMES.seen.advice_move[3] != GAMES.seen.action[3]
    assert targets.action[[0, 1, 2, 4, 5]].tolist() == GAMES.seen.action[[0, 1, 2, 4, 5]].tolist()


def test_it_learns_results_as_imitation_does() -> None:
    targets, imitated = Oracle().targets(lesson(GAMES, right=RIGHT)), Imitate().targets(lesson(GAMES))
    assert targets.value.tolist() == imitated.value.tolist()
    assert targets.value_weight.tolist() == imitated.value_weight.tolist() == [1] * 6
    assert not Oracle(values=False).targets(lesson(GAMES, right=RIGHT)).value_weight.any()


def test_its_trust_is_the_truth() -> None:
    trust = Oracle().trust(lesson(GAMES, right=RIGHT))
    assert np.array_equal(trust, [1, 0, np.nan, 1, np.nan, 0], equal_nan=True)


def test_in_a_chain_it_keeps_what_is_right_of_anothers_moves() -> None:
    given = lesson(GAMES, right=RIGHT)
    left = Oracle().weigh(given, Imitate(explore_plies=0).targets(given))
    assert left.policy_weight.tolist() == [1, 0, 0, 0, 0, 0]  # another move was played than was advised at ply 3


def test_of_real_games_it_learns_what_the_expert_said() -> None:
    corpus = played(Oracle())
    right = right_in(corpus)
    targets = Oracle().targets(lesson(corpus, right=right))
    learnt = targets.policy_weight > 0
    assert 0 < learnt.sum() < corpus.seen.asked.sum()
    assert np.array_equal(targets.action[learnt], corpus.truth.honest_move[learnt])


def test_it_must_be_told() -> None:
    for ask in (Oracle().targets, Oracle().trust, Oracle().examples):
        with pytest.raises(DataError, match="'right' of the lesson is None"):
            ask(lesson(GAMES))
    with pytest.raises(DataError, match="5 values for 6 plies"):
        Oracle().targets(lesson(GAMES, right=RIGHT[:5]))
