"""Kinds stacked: in any order, with a schedule in common, and asked for what they do not change."""

from __future__ import annotations

import json
import logging
import pickle
from typing import Any

import numpy as np
import pytest
from advisors_support import Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Advice, Advisor, Honest, Wrapper
from sandwich_env.advisors.optimism import Optimism
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.schedules import AfterFirst, AllOf, EveryNth
from sandwich_env.advisors.steering import Steering
from sandwich_env.advisors.triggers import PlyBetween
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.advisors.value_shrink import ValueShrink
from sandwich_env.specs import class_of, from_spec
from sandwich_env.testing import check_advisor

KINDS: dict[str, dict[str, Any]] = {
    "random_move": {"epsilon": 0.4},
    "policy_noise": {"scale": 1.5, "epsilon": 0.5},
    "temperature": {"temperature": 1.5, "epsilon": 0.5},
    "dirichlet": {"share": 0.5, "epsilon": 0.5},
    "bias": {"preference": "captures", "weight": 4.0, "epsilon": 0.5},
    "steering": {"strength": 0.6, "epsilon": 0.5},
    "value_noise": {"scale": 0.4, "epsilon": 0.5},
    "value_flip": {"epsilon": 0.5},
    "value_shrink": {"shrink": 0.5, "epsilon": 0.5},
    "optimism": {"amount": -0.5, "epsilon": 0.5},
    "incoherent": {"epsilon": 0.5},
}
"""Every kind that has an honest setting, with others for its dials."""
STACKS = [np.random.default_rng(seed).permutation(list(KINDS))[:6].tolist() for seed in range(3)]


def stack(kinds: list[str], **changed: float) -> Advisor:
    """Wrappers around an honest advisor, the first the innermost."""
    advisor: Advisor = Honest(Opinionated())
    for kind in kinds:
        dials = {dial: changed.get(dial, value) for dial, value in KINDS[kind].items()}
        advisor = from_spec({"kind": kind, **dials, "inner": advisor}, Advisor)
    return advisor


def in_order(names: str, kinds: list[str]) -> bool:
    """Whether the names, joined by "+", are some of the kinds in their order."""
    left = iter(kinds)
    return all(name in left for name in names.split("+")) if names else True


@pytest.mark.parametrize("kinds", [order for one in STACKS for order in (one, one[::-1])], ids="-".join)
def test_any_order_of_any_kinds_keeps_the_contract(kinds: list[str]) -> None:
    advisor = stack(kinds)
    check_advisor(advisor, positions=8)
    asked = query(some_games(100))
    advice = advisor.advise(asked)
    names = set(advice.provenance.by)
    assert all(in_order(name, kinds) for name in names)
    assert {part for name in names for part in name.split("+")} >= set(kinds)
    assert_same_advice(pickle.loads(pickle.dumps(advisor)).advise(asked), advice)


@pytest.mark.parametrize("kinds", STACKS, ids="-".join)
def test_specs_of_stacks_round_trip(kinds: list[str]) -> None:
    spec: dict[str, Any] = {"kind": "honest", "expert": "uniform"}
    for kind in kinds:
        spec = {"kind": kind, **KINDS[kind], "inner": spec}
    advisor = from_spec(spec, Advisor)
    again = from_spec(json.loads(json.dumps(advisor.to_spec())), Advisor)
    assert repr(again) == repr(advisor)
    asked = query(some_games(40))
    assert_same_advice(again.advise(asked), advisor.advise(asked))


@pytest.mark.parametrize("kinds", [*STACKS, list(KINDS)], ids="-".join)
def test_with_every_epsilon_at_0_a_stack_is_honest_to_the_last_bit(kinds: list[str]) -> None:
    asked = query(some_games(60))
    assert_same_advice(stack(kinds, epsilon=0.0).advise(asked), Honest(Opinionated()).advise(asked))


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_dial_at_its_honest_end_gives_the_honest_answer(kind: str) -> None:
    cls = class_of(kind)
    assert issubclass(cls, Wrapper)
    asked = query(some_games(60))
    true = Honest(Opinionated()).advise(asked)
    assert set(cls.dials) <= set(KINDS[kind])
    for dial, (honest, worst) in cls.dials.items():
        advice = stack([kind], **{dial: honest}).advise(asked)
        for name in ("move", "value", "policy"):
            np.testing.assert_array_equal(getattr(advice, name), getattr(true, name), err_msg=f"{kind}, {dial}")
        end = stack([kind], **{"epsilon": 1.0, dial: min(worst, 1e6)}).advise(asked)
        assert end.provenance.tampered.sum() >= 58  # `incoherent` has nothing to say where one move alone is legal
        changed = {name: (getattr(end, name) != getattr(true, name)).any() for name in ("move", "value")}
        assert changed == {name: name in cls.changes for name in changed}


def test_what_changes_the_move_and_what_changes_the_value_may_change_places() -> None:
    asked, honest = query(some_games(60)), Honest(Opinionated())
    one = Steering(ValueShrink(honest, 0.4), 0.7).advise(asked)
    other = ValueShrink(Steering(honest, 0.7), 0.4).advise(asked)
    for name in ("move", "value", "policy"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert set(one.provenance.by) == {"value_shrink+steering"}
    assert set(other.provenance.by) == {"steering+value_shrink"}


def test_noise_on_both_at_once_is_two_wrappers_with_one_schedule() -> None:
    when = AllOf([EveryNth(3), AfterFirst(4), PlyBetween(0, 100)])
    honest = Honest(Opinionated())
    both = ValueNoise(PolicyNoise(honest, 2.0, when=when), 0.5, when=when)
    asked = query(some_games(60), count=np.arange(60) % 12)
    advice, true = both.advise(asked), honest.advise(asked)
    due = np.isin(asked.count, [5, 8, 11])
    np.testing.assert_array_equal(advice.provenance.by, np.where(due, "policy_noise+value_noise", ""))
    np.testing.assert_array_equal(advice.value != true.value, due)
    assert (advice.move[due] != true.move[due]).any()
    np.testing.assert_array_equal(advice.move[~due], true.move[~due])
    check_advisor(both)


@pytest.mark.parametrize("kind", list(KINDS))
def test_asked_for_what_it_does_not_change_it_says_so_once_and_does_nothing(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    advisor = stack([kind], epsilon=1.0)
    assert isinstance(advisor, Wrapper)
    (part,) = advisor.changes
    asks = "value" if part == "move" else "move"
    asked = query(some_games(20), asks=asks)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING, logger="sandwich_env"):
        first, second = advisor.advise(asked), advisor.advise(asked)
    for advice in (first, second):
        assert_same_advice(advice, Honest(Opinionated()).advise(asked))
    assert len(caplog.records) == 1
    assert f"changes the {part} alone, and '{asks}' is asked for: it does nothing" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="sandwich_env"):
        changed = advisor.advise(query(some_games(20)))
    assert changed.provenance.tampered.sum() >= 19
    assert not caplog.records


def test_independent_chances_of_a_stack_multiply() -> None:
    asked = query(some_games(800))
    advice: Advice = Steering(Optimism(Honest(Opinionated()), 0.5, 0.5), 0.5, 0.4).advise(asked)
    for name, share in (("", 0.3), ("optimism", 0.3), ("steering", 0.2), ("optimism+steering", 0.2)):
        assert_about(int((advice.provenance.by == name).sum()), 800, share)
