"""A study as data: which misalignments at which dials, asked when, learnt from how, by whom and with which seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experiments.config import config_keys
from sandwich_env.experiments.plain import from_plain, read_plain, to_plain
from sandwich_env.experiments.studies.turning import spec_text
from sandwich_env.specs import Spec, check_count

T = TypeVar("T")

VARIED = ("out", "advisor", "protocol", "method", "novice", "seed")
"""Keys of a run that the study's own parts set, arm by arm."""

MOST_SEED = 2**63 - 1
"""The largest whole number that a column of the table holds."""

NO_KIND = "none"
"""The label of the controls, which have no advisor."""

Keep = Literal["all", "numbers"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A misalignment, and where its dial is turned to."""

    advisor: Spec
    """A: "policy_noise", "other_model:model=worst", or a spec; what it leaves out is made of E."""
    dial: str
    """The parameter that turns it up: "epsilon"; "wrapper.epsilon" for that of a wrapper it holds."""
    at: tuple[float, ...]
    """The values of the dial, one for each column of the map."""
    held_out: bool = False
    """Whether no method was tuned on it. The table says so; nothing else depends on it."""

    def __post_init__(self) -> None:
        if not self.at:
            raise SpecError(f"the dial {self.dial!r} has no values: give at least one in 'at'")
        if any(math.isnan(value) for value in self.at) or len(set(self.at)) != len(self.at):
            raise SpecError(f"the dial {self.dial!r} has the values {list(self.at)}: give numbers, each once")


@dataclass(frozen=True, kw_only=True)
class Study:
    """An experiment as data: every kind at every dial, with every protocol, method and novice, for every seed."""

    name: str
    """What the table calls it."""
    base: Mapping[str, Any] = field(default_factory=dict)
    """What all arms share: the keys of a run's config, but for those that the parts below set."""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """The misalignments, by label."""
    protocols: tuple[Spec, ...] = ("every_turn",)
    """When H asks: "every_turn", "every_n_turns:n=4"."""
    methods: Mapping[str, Spec] = field(default_factory=dict)
    """How H learns: specs by label; or a list of specs, each of which is its own label."""
    controls: Mapping[str, Spec] = field(default_factory=dict)
    """Methods that are run without an advisor, likewise."""
    novices: Mapping[str, str] = field(default_factory=lambda: {"novice": "novice"})
    """H at the start, by label: "novice", or weights (.safetensors)."""
    seeds: tuple[int, ...]
    """One arm for each, of everything else that varies."""
    keep: Keep = "all"
    """What a finished arm keeps: "all", or "numbers" without its games, corpora and checkpoints."""
    attempts: int = 3
    """How often in a row an arm is begun again, from where it was, after its process died with no round measured."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "methods", _labelled("methods", self.methods))
        object.__setattr__(self, "controls", _labelled("controls", self.controls))
        if not self.name:
            raise SpecError("the study has no name")
        if not self.seeds:
            raise SpecError("the study has no seeds: give at least one, such as [0, 1, 2]")
        for seed in self.seeds:
            if check_count("seed of the study", seed, least=0) > MOST_SEED:
                raise SpecError(f"seed of the study is {seed}: the table of results holds seeds below 2**63")
        if len(set(self.seeds)) != len(self.seeds):
            raise SpecError(f"seeds is {list(self.seeds)}: name each once")
        check_count("attempts of the study", self.attempts, least=0)
        if not self.novices:
            raise SpecError("the study has no novices: leave the key out for the shipped one")
        self._check_labels()
        for key in self.base:
            if key in VARIED:
                raise SpecError(f"base has the key {key!r}, which the study sets arm by arm: {_INSTEAD[key]}")
            if key not in config_keys():
                raise SpecError(f"unknown key {key!r} in base: {did_you_mean(str(key), config_keys())}")

    def _check_labels(self) -> None:
        if NO_KIND in self.kinds:
            raise SpecError(f"a kind is called {NO_KIND!r}, as the controls are: choose another label")
        twice = sorted(set(self.methods) & set(self.controls))
        if twice:
            raise SpecError(f"{twice[0]!r} is among the methods and the controls: give each a label of its own")
        if self.kinds and not (self.methods and self.protocols):
            raise SpecError("the study has kinds, but no methods or no protocols to meet them with")
        if not self.kinds and not self.controls:
            raise SpecError("the study has nothing to run: give kinds and methods, or controls")
        if self.methods and not self.kinds:
            raise SpecError("the study has methods, but no kinds; methods without an advisor are its controls")


_INSTEAD = {
    "out": "give it to the command",
    "advisor": "name it among the kinds",
    "protocol": "name it among the protocols",
    "method": "name it among the methods",
    "novice": "name it among the novices",
    "seed": "name it among the seeds",
}


def _labelled(name: str, given: Any) -> dict[str, Spec]:
    if isinstance(given, str) or not isinstance(given, (Mapping, Sequence)):
        raise SpecError(f"{name} is {given!r}: it must be a list of specs, or a mapping of labels to specs")
    specs = list(given.values()) if isinstance(given, Mapping) else list(given)
    for spec in specs:
        if not isinstance(spec, (str, Mapping)):
            raise SpecError(f"{name} holds {spec!r}: a spec is a name, 'name:key=value', or a mapping with a 'kind'")
    return _once(name, map(str, given) if isinstance(given, Mapping) else map(spec_text, specs), specs)


def _once(name: str, labels: Iterable[str], things: Iterable[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for label, thing in zip(labels, things, strict=True):
        if label in found:
            raise SpecError(f"{name} holds {label!r} twice: name each once")
        found[label] = thing
    return found


def study_from(data: Mapping[str, Any], where: str = "the study") -> Study:
    """A study from plain data, every key checked; what its arms are made of is checked by the grid.

    Raises:
        SpecError: an unknown key (with the nearest right one), one missing, or a value that cannot be.
    """
    if not isinstance(data, Mapping):
        raise SpecError(f"{where} is {data!r}: it must be a mapping of keys to values")
    data = dict(data)
    for key in ("methods", "controls"):
        if key in data:
            data[key] = _labelled(f"{key!r} in {where}", data[key])
    if "kinds" in data:
        if not isinstance(data["kinds"], Mapping):
            raise SpecError(f"'kinds' in {where} is {data['kinds']!r}: it must be a mapping of labels to kinds")
        labels = list(map(str, data["kinds"]))
        kinds = [
            from_plain(Kind, kind, f"the kind {label!r} of {where}")
            for label, kind in zip(labels, data["kinds"].values(), strict=True)
        ]
        data["kinds"] = _once(f"'kinds' in {where}", labels, kinds)
    return from_plain(Study, data, where)


def read_study(path: Path) -> Study:
    """The study in a YAML or JSON file.

    Raises:
        DataError: the file cannot be read.
        SpecError: it is no study; the text says why.
    """
    return study_from(read_plain(path), repr(str(path)))


def study_to_plain(study: Study) -> dict[str, Any]:
    """The study as JSON holds it."""
    plain: dict[str, Any] = to_plain(study)
    return plain


def study_keys() -> tuple[str, ...]:
    """The keys of a study."""
    return tuple(one.name for one in fields(Study))
