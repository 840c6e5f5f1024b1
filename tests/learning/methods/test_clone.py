"""Cloning: the advice is learnt, and neither the games' moves nor their results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from lessons_support import TABLE, E, H, lesson, played, with_outcomes, written

from sandwich_env.advisors.base import Honest
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.clone import Clone

GAMES = written(("e2e4 e7e5 g1f3", "d2d4 e7e5 -", 1.0))


def test_it_learns_what_was_advised_and_stated() -> None:
    targets = Clone().targets(lesson(GAMES))
    assert targets.action[:2].tolist() == GAMES.seen.advice_move[:2].tolist()
    assert targets.policy_weight.tolist() == [1, 1, 0]
    assert targets.value.tolist() == [0.25, 0.25, 0]
    assert targets.value_weight.tolist() == [1, 1, 0]


def test_without_values_it_asks_for_none_and_learns_none() -> None:
    method = Clone(values=False)
    assert method.heeds == ("move",)
    assert Clone().heeds == Clone.heeds == ("move", "value")
    assert not method.targets(lesson(GAMES)).value_weight.any()


def test_a_value_without_a_move_is_learnt_alone() -> None:
    available = GAMES.seen.advice_available.copy()
    available[0, 0] = 0
    seen = replace(GAMES.seen, advice_available=available)
    targets = Clone().targets(lesson(Corpus(seen, GAMES.truth)))
    assert targets.policy_weight.tolist() == [0, 1, 0]
    assert targets.value_weight.tolist() == [1, 1, 0]


def test_results_make_no_difference() -> None:
    corpus = played(Clone())
    before = Clone().targets(lesson(corpus))
    for outcome in (-corpus.games.outcome, np.full(len(corpus.games), np.nan)):
        after = Clone().targets(lesson(with_outcomes(corpus, outcome)))
        assert np.array_equal(after.value, before.value)
        assert np.array_equal(after.value_weight, before.value_weight)
        assert np.array_equal(after.policy_weight, before.policy_weight)


def test_it_plays_by_its_own_lights() -> None:
    """What A says makes no difference to the games: neither another A, nor none."""
    told = played(Clone()).seen
    assert told.asked.any()
    other = played(Clone(), table=replace(TABLE, advisor=Honest(H))).seen
    assert np.array_equal(told.action, other.action)
    assert np.array_equal(told.action, played(Clone(), table=replace(TABLE, advised="none")).seen.action)
    quiet = played(Clone(explore_plies=0)).seen
    for games, at in replay_games(quiet):
        assert np.array_equal(H.evaluate(games).best(), quiet.action[at])


def test_of_an_honest_advisor_it_learns_the_expert() -> None:
    corpus = played(Clone(), table=replace(TABLE, advisor=Honest(E)))
    targets = Clone().targets(lesson(corpus))
    learnt = targets.policy_weight > 0
    assert np.array_equal(learnt, corpus.seen.asked)
    for games, at in replay_games(corpus.visible(), rows=learnt):
        answer = E.evaluate(games)
        assert np.array_equal(answer.best(), targets.action[at])
        assert np.array_equal(answer.value, targets.value[at])
