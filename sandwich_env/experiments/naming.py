"""From what a person writes to experts, advisors and players: short names, paths of weights, specs as text or as dicts.

expert, novice            the shipped networks
somewhere/h.safetensors   any other network
stockfish:nodes=1000      an engine
search:simulations=100    a search with the shipped expert; expert=novice, a path or a spec names another
random_move:epsilon=0.5   a kind with arguments; what it wraps is filled in
my_module:Mine:scale=2    a user's own kind, with or without arguments
{"kind": ..., ...}        a whole spec, as JSON or as a mapping
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandwich_env.advisors.base import Advisor, Honest, Wrapper
from sandwich_env.advisors.gate import Gate
from sandwich_env.advisors.panel import Panel
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experts.base import Expert
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.riskiest import RiskiestMoveExpert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.experts.worst import WorstMoveExpert
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.specs import KINDS, Spec, Specified, class_of, from_spec

SHIPPED = ("expert", "novice", "adversary")
"""Names of the networks that come with the package; they win over kinds of the same name."""

ENGINES = ("stockfish", "uci")

AROUND = (SearchExpert, WorstMoveExpert, RiskiestMoveExpert)
"""Experts around another expert, which is filled in where it is left out."""

_PYTHONS = {"True": True, "False": False, "None": None}
"""Python's words for what JSON writes small."""


def parse_spec(text: str) -> Spec:
    """A spec from the text that stands for it on a command line: JSON, or `name:key=value,key=value`.

    Raises:
        SpecError: JSON that is none, or an argument without a value.
    """
    if text.lstrip().startswith("{"):
        try:
            spec = json.loads(text)
        except json.JSONDecodeError as error:
            raise SpecError(f"{text!r} is not JSON: {error}") from error
        return dict(spec)
    named, equals, _ = text.partition("=")
    name, colon, _ = named.rpartition(":")
    if not equals or not colon:
        return text
    rest = text[len(name) + 1 :]
    arguments: dict[str, Any] = {}
    for part in rest.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise SpecError(f"{part!r} in {text!r} has no value: write name:key=value,key=value")
        arguments[key.strip()] = _value(value.strip())
    return {"kind": name} | arguments


def _value(text: str) -> Any:
    if text in _PYTHONS:
        return _PYTHONS[text]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # a word that needs no quotes


def make_expert(
    given: Spec | Expert, device: str = "auto", around: Spec | Expert | Callable[[], Expert] = "expert"
) -> Expert:
    """The expert that a name, a path of weights, or a spec stands for.

    Args:
        given: as in the module's text.
        device: where a network runs that is given by name or path alone.
        around: the expert inside a search, or inside the worst or the riskiest move, where the spec leaves it out.

    Raises:
        SpecError: it is none of these.
        WeightsError: the weights cannot be read.
        EngineError: the engine is not there.
    """
    if isinstance(given, Expert):
        return given
    spec = parse_spec(given) if isinstance(given, str) else given
    if isinstance(spec, str):
        if spec in SHIPPED or _is_weights(spec):
            return NetworkExpert(spec, device)
        if spec in ENGINES:
            return from_spec({"kind": "uci"}, Expert)
        if spec not in KINDS and ":" not in spec:
            known = (*SHIPPED, *ENGINES, *KINDS)
            raise SpecError(
                f"there is no expert {spec!r}: give weights (.safetensors) or a name; {did_you_mean(spec, known)}"
            )
    elif spec.get("kind") == "stockfish":
        spec = {**spec, "kind": "uci"}
    if issubclass(class_of(spec), AROUND):
        whole = {"kind": spec} if isinstance(spec, str) else dict(spec)
        inside = whole.get("expert", around)
        spec = whole | {"expert": inside() if callable(inside) else make_expert(inside, device, around)}
    return from_spec(spec, Expert)


def make_advisor(given: Spec | Advisor, expert: Expert | Callable[[], Expert], device: str = "auto") -> Advisor:
    """The advisor that a spec stands for; where the spec leaves its expert out, it is `expert`.

    `"honest"` repeats the expert, and a misalignment without an `inner` wraps that. A function is called for the expert
    only where the spec leaves it out. Other experts that a misalignment needs may have short names, as in
    `"sandbagging:weaker=novice"`, and `"other_model:model=worst"` has the worst move of `expert`.

    Args:
        given: as in the module's text.
        expert: E, or what makes it.
        device: where a network runs that is given by name or path alone.

    Raises:
        SpecError: it is no advisor's spec.
    """
    if isinstance(given, Advisor):
        return given
    spec = parse_spec(given) if isinstance(given, str) else given
    once = expert if isinstance(expert, Expert) else functools.cache(expert)
    return from_spec(_completed(spec, once, device), Advisor)


def _completed(spec: Spec, expert: Expert | Callable[[], Expert], device: str) -> dict[str, Any]:
    spec = parse_spec(spec) if isinstance(spec, str) else spec
    whole: dict[str, Any] = {"kind": spec} if isinstance(spec, str) else dict(spec)
    cls = class_of(whole)
    if issubclass(cls, Honest) and "expert" not in whole:
        whole["expert"] = expert if isinstance(expert, Expert) else expert()
    if issubclass(cls, Gate):
        held = whole.get("wrapper")
        if isinstance(held, (str, Mapping)):
            whole["wrapper"] = _completed(held, expert, device)
    elif issubclass(cls, Wrapper):
        inner = whole.get("inner", "honest")
        whole["inner"] = _completed(inner, expert, device) if isinstance(inner, (str, Mapping)) else inner
        for name in cls.experts:
            if name in whole:
                whole[name] = make_expert(whole[name], device, expert)
    elif issubclass(cls, Panel):
        members = whole.get("members")
        if isinstance(members, (list, tuple)):
            whole["members"] = [_completed(one, expert, device) if _is_spec(one) else one for one in members]
    return whole


def make_player(given: Spec | Player, device: str = "auto") -> Player:
    """The player that a name, a path of weights, or the spec of a player, an expert or an advisor stands for.

    An expert plays its best move; an advisor plays what it would recommend.

    Raises:
        SpecError: it is none of these.
        WeightsError: the weights cannot be read.
        EngineError: the engine is not there.
    """
    if isinstance(given, Player):
        return given
    spec = parse_spec(given) if isinstance(given, str) else given
    short = spec if isinstance(spec, str) else str(spec.get("kind"))
    if isinstance(spec, str) and (spec in SHIPPED or _is_weights(spec)):
        return ExpertPlayer(make_expert(spec, device))
    if short in ENGINES:
        return ExpertPlayer(make_expert(spec, device))
    if isinstance(spec, str) and spec not in KINDS and ":" not in spec:
        known = (*SHIPPED, *ENGINES, *KINDS)
        raise SpecError(
            f"there is no player {spec!r}: give weights (.safetensors) or a name; {did_you_mean(spec, known)}"
        )
    cls = class_of(spec)
    if issubclass(cls, Expert):
        return ExpertPlayer(make_expert(spec, device))
    if issubclass(cls, Advisor):
        return AdvisorPlayer(make_advisor(spec, lambda: make_expert("expert", device), device))
    return from_spec(spec, Player)


def plain_spec(given: Spec | Specified) -> Any:
    """A spec as JSON can hold it, from a spec or from the object itself."""
    if isinstance(given, Specified):
        return given.to_spec()
    return given if isinstance(given, str) else dict(given)


def _is_spec(given: Any) -> bool:
    return isinstance(given, (str, Mapping))


def _is_weights(name: str) -> bool:
    return name.endswith(".safetensors") or Path(name).is_file()
