"""Chains: who decides what, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from lessons_support import H, lesson, played, right_in, written

from sandwich_env.errors import SpecError
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.learning.methods.chain import Chain
from sandwich_env.learning.methods.clone import Clone
from sandwich_env.learning.methods.gate import Gate
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.methods.oracle import Oracle
from sandwich_env.learning.methods.outcome import Outcome
from sandwich_env.learning.methods.reinforce import Reinforce
from sandwich_env.learning.methods.robust import Robust
from sandwich_env.learning.methods.self_play import SelfPlay
from sandwich_env.learning.methods.trust import Trust
from sandwich_env.specs import from_spec

GAMES = written(("e2e4 e7e5 g1f3", "e2e4 e7e5 -", 1.0), ("d2d4 d7d5 c2c4", "d2d4 - c2c4", 0.0))


class Noted(Imitate):
    """Says which lessons it was given, halves what it weighs, and fits in its own way."""

    seen: ClassVar[list[Lesson]] = []

    def weigh(self, lesson: Lesson, targets: Targets) -> Targets:
        self.seen.append(lesson)
        return Targets(targets.action, targets.policy_weight / 2, targets.value, targets.value_weight)

    def fitting(self, network: Any, examples: Any, config: Any) -> Any:
        return "Noted's"


class Partly(Imitate):
    """Teaches the moves that were played, by a half, and the results, by a quarter; weighs as any method does."""

    def targets(self, lesson: Lesson) -> Targets:
        targets = super().targets(lesson)
        share = np.ones(len(targets), dtype=np.float32)
        return replace(targets, policy_weight=share / 2, value_weight=share / 4)


class Other(Noted):
    """Fits in another way."""

    def fitting(self, network: Any, examples: Any, config: Any) -> Any:
        return "Other's"


def test_the_first_plays_and_each_of_the_others_weighs() -> None:
    chain = Chain([Gate(explore_plies=0), Outcome(draws=0.5), Noted()])
    assert type(chain.player(H)) is type(Gate().player(H))
    assert chain.targets(lesson(GAMES)).policy_weight.tolist() == [0.5, 0, 0, 0.25, 0, 0.25]
    assert Chain([Gate(explore_plies=0)]).targets(lesson(GAMES)).policy_weight.tolist() == [1, 1, 0, 1, 0, 1]


def others_targets() -> Targets:
    """Of every second ply of the games another move than the one that was played."""
    played_moves = GAMES.seen.action
    return Targets(
        action=np.where(np.arange(6) % 2, played_moves + 1, played_moves),
        policy_weight=np.array([1, 1, 0.5, 0.5, 0, 0], dtype=np.float32),
        value=np.linspace(-1, 1, 6, dtype=np.float32),
        value_weight=np.array([1, 0.5, 0, 1, 0.5, 0], dtype=np.float32),
    )


def test_a_method_weighs_others_moves_by_its_own_weights_where_it_teaches_the_same() -> None:
    given = others_targets()
    left = Partly().weigh(lesson(GAMES), given)
    assert left.policy_weight.tolist() == [0.5, 0, 0.25, 0, 0, 0]
    assert left.action is given.action


def test_a_method_weighs_others_values_by_its_own_weights_whatever_the_move() -> None:
    given = others_targets()
    left = Partly().weigh(lesson(GAMES), given)
    assert left.value_weight.tolist() == [0.25, 0.125, 0, 0.25, 0.125, 0]
    assert left.value is given.value


def test_trust_is_that_of_the_first_who_has_an_opinion() -> None:
    corpus = played(Trust())
    given = lesson(corpus)
    one, other = Trust(honest_temperature=1.0), Trust(honest_temperature=4.0)
    for methods, expected in (([Imitate(), one, other], one), ([other, one], other)):
        trust = Chain(methods).trust(given)
        assert trust is not None
        assert np.array_equal(trust, expected.trust(given), equal_nan=True)
    assert not np.array_equal(one.trust(given), other.trust(given), equal_nan=True)
    assert Chain([Imitate(), Outcome()]).trust(given) is None


def test_a_chain_of_trust_weighs_as_trust_does() -> None:
    given = lesson(played(Trust()))
    chained, alone = Chain([Imitate(), Trust()]).targets(given), Trust().targets(given)
    assert np.array_equal(chained.policy_weight, alone.policy_weight)
    assert (alone.policy_weight > 0).any()
    assert ((alone.policy_weight > 0) & (alone.policy_weight < 1)).any()


def test_the_last_that_has_a_loss_of_its_own_fits() -> None:
    network: Any = None
    for methods, expected in (
        ([Noted(), Other(), Imitate()], "Other's"),
        ([Other(), Noted()], "Noted's"),
        ([Imitate(), Chain([Other(), Trust()]), Outcome()], "Other's"),
    ):
        assert Chain(methods).fitting(network, network, network) == expected


def test_what_is_asked_follows_from_the_members() -> None:
    assert Chain([Imitate(), Trust()]).heeds == ("move",)
    assert Chain([Imitate(), Clone()]).heeds == ("move", "value")
    assert Chain([SelfPlay()]).heeds == ()
    assert not Chain([SelfPlay(), SelfPlay()]).consults
    assert Chain([SelfPlay(), Imitate()]).consults
    assert Chain([Imitate(), Chain([Oracle()])]).privileged
    assert not Chain([Imitate(), Trust()]).privileged
    assert (Chain.consults, Chain.heeds, Chain.privileged) == (Method.consults, Method.heeds, Method.privileged)


def test_only_the_privileged_are_told() -> None:
    Noted.seen.clear()
    corpus = played(Imitate())
    Chain([Imitate(), Oracle(), Noted()]).targets(lesson(corpus, right=right_in(corpus)))
    assert [given.right for given in Noted.seen] == [None]


def test_a_chain_in_a_chain_is_its_methods_in_its_place() -> None:
    given = lesson(played(Imitate()))
    nested = Chain([Imitate(), Chain([Trust(), Chain([Outcome(draws=0.5)])])])
    flat = Chain([Imitate(), Trust(), Outcome(draws=0.5)])
    assert np.array_equal(nested.targets(given).policy_weight, flat.targets(given).policy_weight)
    assert nested.to_spec() != flat.to_spec()
    assert from_spec(nested.to_spec(), Method).to_spec() == nested.to_spec()


def test_a_spec_may_name_its_methods() -> None:
    chain = from_spec({"kind": "chain", "methods": ["imitate", {"kind": "trust", "own_moves": False}]}, Method)
    assert isinstance(chain, Chain)
    assert [type(method) for method in chain.methods] == [Imitate, Trust]


def test_a_chain_of_one_is_that_one() -> None:
    corpus = played(Reinforce())
    alone, chained = (method.examples(lesson(corpus)) for method in (Reinforce(), Chain([Reinforce()])))
    assert type(alone) is type(chained)
    assert np.array_equal(alone.action, chained.action)


@pytest.mark.parametrize("methods", [[], (), "imitate", None, {"kind": "imitate"}])
def test_no_list_of_methods_is_refused(methods: Any) -> None:
    with pytest.raises(SpecError, match="give a list of one method or more"):
        Chain(methods)


@pytest.mark.parametrize("methods", [[Reinforce(), Trust()], [Trust(), Reinforce()], [Chain([Reinforce()]), Trust()]])
def test_a_method_that_makes_its_own_examples_is_refused_beside_others(methods: list[Method]) -> None:
    with pytest.raises(SpecError, match=r"'reinforce' makes its own examples.*use it alone"):
        Chain(methods)


def test_a_method_with_a_loss_of_its_own_alone_is_welcome() -> None:
    assert Chain([Trust(), Robust()]).heeds == ("move",)


def test_what_is_no_method_is_refused_with_its_place() -> None:
    with pytest.raises(SpecError, match="method 1 of 'chain'"):
        Chain([Imitate(), "uniform"])  # type: ignore[list-item]
