"""`EveryN`: the clock, and what it gates."""

from __future__ import annotations

import numpy as np
import pytest
from advisors_support import Opinionated, assert_same_advice, query, selected, some_games

from sandwich_env.advisors.base import Honest, Wrapper
from sandwich_env.advisors.every_n import EveryN
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_the_nth_query_of_each_game_is_tampered_with(n: int) -> None:
    games = some_games(20)
    wrapper = RandomMove(Honest(Opinionated()), 1.0)
    for count in range(15):
        asked = query(games, count=count)
        advice = EveryN(wrapper, n).advise(asked)
        due = (count + 1) % n == 0
        assert advice.provenance.tampered.tolist() == [due] * 20
        assert_same_advice(advice, wrapper.advise(asked) if due else wrapper.inner.advise(asked))


def test_games_at_different_counts_are_told_apart() -> None:
    asked = query(some_games(40), count=np.arange(40))
    wrapper = ValueNoise(Honest(Opinionated()), 0.5)
    advice = EveryN(wrapper, 4).advise(asked)
    rows = np.arange(40)
    due = rows % 4 == 3
    np.testing.assert_array_equal(advice.provenance.tampered, due)
    assert_same_advice(selected(advice, rows[due]), selected(wrapper.advise(asked), rows[due]))
    assert_same_advice(selected(advice, rows[~due]), selected(wrapper.inner.advise(asked), rows[~due]))


def test_only_the_wrapper_that_it_holds_keeps_the_clock() -> None:
    inner = RandomMove(Honest(Opinionated()), 1.0)
    advisor = EveryN(ValueNoise(inner, 0.3), 2)
    first, second = (advisor.advise(query(some_games(10), count=count)) for count in (0, 1))
    assert set(first.provenance.by) == {"random_move"}
    assert set(second.provenance.by) == {"random_move+value_noise"}


def test_clocks_nest() -> None:
    advisor = EveryN(EveryN(RandomMove(Honest(Opinionated()), 1.0), 2), 3)
    tampered = [advisor.advise(query(some_games(1), count=count)).provenance.tampered[0] for count in range(12)]
    assert np.flatnonzero(tampered).tolist() == [5, 11]


def test_the_expert_is_asked_once() -> None:
    class Counting(Opinionated):
        asked = 0

        def evaluate(self, games):  # type: ignore[no-untyped-def]
            self.asked += 1
            return super().evaluate(games)

    expert = Counting()
    EveryN(ValueNoise(RandomMove(Honest(expert), 0.5), 0.3), 2).advise(query(some_games(10)))
    assert expert.asked == 1


def test_closing_reaches_the_wrapper_that_it_holds() -> None:
    closed = []

    class Holding(RandomMove):
        def close(self) -> None:
            closed.append(self)

    wrapper: Wrapper = Holding(Honest(Opinionated()), 0.5)
    EveryN(wrapper, 2).close()
    assert closed == [wrapper]


@pytest.mark.parametrize("n", [0, -3, 2.0, True])
def test_n_out_of_range(n: object) -> None:
    with pytest.raises(SpecError, match=f"n of 'every_n' is {n!r}: it must be a whole number, 1 or more"):
        EveryN(RandomMove(Honest(Opinionated()), 0.5), n)  # type: ignore[arg-type]


def test_there_must_be_something_to_gate() -> None:
    with pytest.raises(SpecError, match=r"holds a wrapper that tampers, such as 'random_move', not Honest"):
        EveryN(Honest(Opinionated()), 2)  # type: ignore[arg-type]
