"""What holds for every advisor: batches, independence, provenance, what is seen, specs, and a user's own wrapper."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_same_advice, query, rows_of, selected, some_games

from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Asks, Honest, Query, Wrapper
from sandwich_env.advisors.every_n import EveryN
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor


def stack(seed: int = 0) -> Advisor:
    honest = Honest(UniformExpert())
    return EveryN(PolicyNoise(ValueNoise(RandomMove(honest, 0.4, seed), 0.3, 0.7, seed), 1.5, 0.5, seed), 2)


def test_honest_repeats_its_expert() -> None:
    games = some_games(30)
    evaluation, advice = Opinionated().evaluate(games), Honest(Opinionated()).advise(query(games))
    np.testing.assert_array_equal(advice.policy, evaluation.policy)
    np.testing.assert_array_equal(advice.value, evaluation.value)
    np.testing.assert_array_equal(advice.move, evaluation.best())
    assert not advice.provenance.tampered.any()
    assert set(advice.provenance.by) == {""}


def test_advice_is_the_same_alone_in_a_batch_and_in_any_order() -> None:
    asked = query(some_games(24), count=np.arange(24) % 5)
    whole = stack().advise(asked)
    assert 0 < whole.provenance.tampered.sum() < 24
    order = np.random.default_rng(0).permutation(24)
    assert_same_advice(stack().advise(rows_of(asked, order)), selected(whole, order))
    for row in range(24):
        alone = np.array([row])
        assert_same_advice(stack().advise(rows_of(asked, alone)), selected(whole, alone))


def test_advice_changes_with_the_seed_the_game_and_the_count() -> None:
    games = Games(1).select(np.zeros(200, dtype=np.int64))
    advisors = RandomMove(Honest(UniformExpert()), 1.0), RandomMove(Honest(UniformExpert()), 1.0, seed=1)
    base = advisors[0].advise(query(games)).move
    others = [
        advisors[1].advise(query(games)).move,
        advisors[0].advise(query(games, seed=1)).move,
        advisors[0].advise(query(games, count=1)).move,
    ]
    for other in others:
        assert (base == other).mean() < 0.15  # 1 in 20 by chance
    assert len(np.unique(base)) == 20
    np.testing.assert_array_equal(base, advisors[0].advise(query(games)).move)


def test_nested_wrappers_with_equal_seeds_are_independent() -> None:
    honest = Honest(UniformExpert())
    asked = query(some_games(2500, plies=0))
    inner = RandomMove(honest, 0.5, seed=3)
    outer = RandomMove(inner, 0.5, seed=3)
    by = outer.advise(asked).provenance.by
    times = [np.count_nonzero(by == name) for name in ("", "random_move", "random_move+random_move")]
    np.testing.assert_allclose(np.array(times) / 2500, [0.25, 0.5, 0.25], atol=0.04)  # 4 standard deviations


def test_a_clock_around_a_wrapper_does_not_share_its_numbers_with_the_next_one() -> None:
    asked = query(some_games(3000, plies=0), count=1)
    advisor = ValueNoise(EveryN(ValueNoise(Honest(UniformExpert()), 0.1), 2), 0.1)
    assert advisor.advise(asked).value.std() == pytest.approx(0.1 * 2**0.5, rel=0.06)


def test_provenance_names_the_innermost_first() -> None:
    advisor = ValueNoise(RandomMove(Honest(Opinionated()), 1.0), 0.3)
    advice = advisor.advise(query(some_games(5)))
    assert set(advice.provenance.by) == {"random_move+value_noise"}
    true = Honest(Opinionated()).advise(query(some_games(5)))
    np.testing.assert_array_equal(advice.provenance.honest_move, true.move)
    np.testing.assert_array_equal(advice.provenance.honest_value, true.value)


def test_finished_games_get_no_move_and_nobody_tampers_with_them() -> None:
    advisor = ValueNoise(PolicyNoise(RandomMove(Honest(Opinionated()), 1.0), 1.0), 1.0)
    advice = advisor.advise(query(Games.from_fens([FOOLS_MATE, "4k3/8/8/8/8/8/8/4KQ2 w - - 0 1"])))
    assert advice.move[0] == -1
    assert advice.move[1] >= 0
    assert advice.provenance.tampered.tolist() == [False, True]
    seen = advice.visible("both")
    assert seen.available.tolist() == [[0, 0], [1, 1]]
    assert seen.move[0] == NO_MOVE
    assert seen.value[0] == 0.0


@pytest.mark.parametrize("asks", ["move", "value", "both"])
def test_what_was_not_asked_for_is_neither_seen_nor_tampered_with(asks: Asks) -> None:
    asked, honest = query(some_games(10), asks=asks), Honest(Opinionated())
    true, advice = honest.advise(asked), ValueNoise(RandomMove(honest, 1.0), 0.3).advise(asked)
    by = {"move": "random_move", "value": "value_noise", "both": "random_move+value_noise"}[asks]
    assert set(advice.provenance.by) == {by}
    seen = advice.visible(asks)
    assert seen.available.tolist() == [[int(asks != "value"), int(asks != "move")]] * 10
    if asks == "value":
        np.testing.assert_array_equal(advice.move, true.move)
        assert set(seen.move) == {NO_MOVE}
    if asks == "move":
        np.testing.assert_array_equal(advice.value, true.value)
        assert set(seen.value) == {0.0}


def test_advice_is_not_changed_in_place() -> None:
    asked, honest = query(some_games(10)), Honest(Opinionated())
    before = honest.advise(asked)
    copy = dataclasses.replace(before, **{name: getattr(before, name).copy() for name in ("move", "value", "policy")})
    for wrapper in (RandomMove(honest, 1.0), PolicyNoise(honest, 1.0), ValueNoise(honest, 1.0)):
        wrapper.apply(before, asked)
    assert_same_advice(before, copy)


@pytest.mark.parametrize(
    "advisor",
    [
        Honest(UniformExpert()),
        RandomMove(Honest(UniformExpert()), 0.25, seed=4),
        PolicyNoise(Honest(UniformExpert()), 0.5, 0.75, seed=5),
        ValueNoise(Honest(UniformExpert()), 0.5),
        stack(7),
    ],
    ids=lambda advisor: type(advisor).__name__,
)
def test_specs_round_trip_through_json(advisor: Advisor) -> None:
    spec = advisor.to_spec()
    again = from_spec(json.loads(json.dumps(spec)), Advisor)
    assert again.to_spec() == spec
    assert repr(again) == repr(advisor)
    asked = query(some_games(30), count=1)
    assert_same_advice(again.advise(asked), advisor.advise(asked))


@pytest.mark.parametrize(
    "advisor",
    [
        RandomMove(Honest(Opinionated()), 0.4),
        PolicyNoise(Honest(Opinionated()), 1.0, 0.6),
        ValueNoise(Honest(Opinionated()), 0.5, 0.6),
        EveryN(ValueNoise(RandomMove(Honest(Opinionated()), 0.4), 0.5), 3),
        stack(),
    ],
    ids=lambda advisor: type(advisor).__name__,
)
def test_the_checks_that_ship_with_the_package_pass(advisor: Advisor) -> None:
    check_advisor(advisor)


def test_a_spec_may_be_short_where_nothing_is_to_be_said() -> None:
    advisor = from_spec(
        {"kind": "random_move", "inner": {"kind": "honest", "expert": "uniform"}, "epsilon": 0.5}, Advisor
    )
    assert advisor.to_spec() == RandomMove(Honest(UniformExpert()), 0.5).to_spec()


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("random_mov", "unknown kind 'random_mov': did you mean 'random_move'"),
        (
            {"kind": "random_move", "inner": {"kind": "honest", "expert": "uniform"}, "epsilom": 0.5},
            "'random_move' takes no 'epsilom': did you mean 'epsilon'",
        ),
        ({"kind": "random_move", "inner": {"kind": "honest", "expert": "uniform"}}, "'random_move' needs 'epsilon'"),
        (
            {"kind": "random_move", "inner": {"kind": "uniform"}, "epsilon": 0.5},
            r"UniformExpert\(\) is no Advisor, and no spec of one",
        ),
        ({"kind": "honest", "expert": 3}, "3 is no Expert, and no spec of one"),
        ("uniform", r"'uniform' describes UniformExpert\(\), which is no Advisor"),
    ],
)
def test_bad_specs(spec: object, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        from_spec(spec, Advisor)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, "x"])
def test_bad_seeds(seed: object) -> None:
    with pytest.raises(SpecError, match=f"seed of 'random_move' is {seed!r}: it must be a whole number, 0 or more"):
        RandomMove(Honest(UniformExpert()), 0.5, seed)  # type: ignore[arg-type]


OWN = '''
import numpy as np
from sandwich_env.advisors.base import Wrapper, check_share


class WorstMove(Wrapper):
    """Recommends the move that its expert likes least, with probability epsilon."""

    def __init__(self, inner, epsilon, seed=0):
        super().__init__(inner, seed)
        self.epsilon = check_share("epsilon", epsilon)

    def tamper(self, advice, query, rng):
        worst = np.where(np.isfinite(advice.policy), advice.policy, np.inf).argmin(axis=1)
        return advice.tampered(rng.random() < self.epsilon, by=self.kind, move=worst)
'''


def test_a_users_own_wrapper_in_a_dozen_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_module.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    honest = {"kind": "honest", "expert": "uniform"}
    spec = {"kind": "my_module:WorstMove", "inner": honest, "epsilon": 1.0, "seed": 2}
    advisor = from_spec(spec, Advisor)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()
    assert isinstance(advisor, Wrapper)
    advisor.inner = Honest(Opinionated())
    advice = advisor.advise(query(some_games(20)))
    assert set(advice.provenance.by) == {"my_module:WorstMove"}
    true = Honest(Opinionated()).advise(query(some_games(20)))
    lowest = np.where(np.isfinite(true.policy), true.policy, np.inf).min(axis=1)
    np.testing.assert_array_equal(true.policy[np.arange(20), advice.move], lowest)


def test_a_wrapper_must_say_how_it_tampers() -> None:
    class Idle(Wrapper):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Idle(Honest(UniformExpert()))  # type: ignore[abstract]


def test_a_wrapper_without_randomness_needs_no_constructor() -> None:
    class Gloom(Wrapper):
        def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
            return advice.tampered(np.ones(len(query), dtype=bool), by="gloom", value=np.full(len(query), -1.0))

    advice = Gloom(Honest(UniformExpert())).advise(query(some_games(3)))
    assert advice.value.tolist() == [-1.0] * 3
    assert set(advice.provenance.by) == {"gloom"}
