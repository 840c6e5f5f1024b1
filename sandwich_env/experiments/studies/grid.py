"""From a study to its cells, and from these to the arms: what is run, each thing once, whatever it stands for."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandwich_env.errors import SpecError
from sandwich_env.experiments.config import RunConfig, config_from, config_to_plain
from sandwich_env.experiments.naming import make_advisor, make_expert
from sandwich_env.experiments.place import Place
from sandwich_env.experiments.studies.study import NO_KIND, Kind, Study
from sandwich_env.experiments.studies.turning import HONEST, changes_of, is_honest, spec_text, turned, whole_spec
from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Method
from sandwich_env.oversight.protocols import AtRandom, EveryNTurns, Never, Protocol
from sandwich_env.specs import Spec, from_spec

NEVER, EVERY_TURN = "never", "every_turn"

ANCHOR_KEYS = ("expert", "novice", "book", "evaluate", "seed", "device", "threads")
"""What the anchors' matches and puzzles depend on; arms that agree in it share them."""


OF_ADVISOR = (
    *("tampered", "advice_honest", "advice_loss", "followed_right", "followed_wrong"),
    *("trust_auroc", "trust_auroc_low", "trust_auroc_high", "trust_calibration", "trust_count"),
    *("expert_calls", "expert_calls_total"),
)
"""Columns that tell of A, and not of what H does or learns."""


@dataclass(frozen=True, kw_only=True)
class Cell(Place):
    """One place of the map with a seed, and the arm behind it.

    Where it is `unheeded`, what the arm measures of A (`OF_ADVISOR`) is not told of the cell.

    Attributes:
        seed: of everything that is random.
        arm: the arm that is run for it.
    """

    seed: int
    arm: str

    @property
    def label(self) -> str:
        """The cell in a few words, for progress and logs."""
        where = "no advisor" if self.control else f"{self.kind} {self.dial:g}, {self.protocol}"
        return f"{where}, {self.method}, {self.novice}, seed {self.seed}"


@dataclass(frozen=True)
class Arm:
    """One run of a study.

    Attributes:
        id: names its folder; a hash of the config.
        plain: the config as JSON holds it, without the folder.
        anchors: names the anchors that it is measured against.
    """

    id: str
    plain: Mapping[str, Any]
    anchors: str

    def config(self, out: Path) -> RunConfig:
        """The run in a folder."""
        return config_from({**self.plain, "out": str(out)}, f"the config of arm {self.id}")

    @property
    def anchors_plain(self) -> dict[str, Any]:
        """The config of a run that measures the anchors alone."""
        return {key: self.plain[key] for key in ANCHOR_KEYS} | {"advisor": None, "protocol": NEVER}


@dataclass(frozen=True)
class Grid:
    """What a study asks for.

    Attributes:
        cells: in the table's order.
        arms: each once, in the order they are run in: the first seed of everything first.
    """

    cells: tuple[Cell, ...]
    arms: tuple[Arm, ...]

    @classmethod
    def of(cls, study: Study) -> Grid:
        """Every cell of a study and the arms behind them, all configs checked.

        Raises:
            SandwichError: something that the study names cannot be made; the text says where it is named.
        """
        builder = _Builder(study)
        found = list(builder.cells())
        seeds = {seed: index for index, seed in enumerate(study.seeds)}
        # Early results are to spread over the map: one seed of everything, whose dials turn together.
        order = sorted(found, key=lambda pair: (seeds[pair[0].seed], not pair[0].control, pair[0].dial_index))
        arms = {arm.id: arm for _, arm in order}
        return cls(tuple(cell for cell, _ in found), tuple(arms.values()))

    def cells_of(self) -> dict[str, list[Cell]]:
        """The cells that each arm stands for."""
        held: dict[str, list[Cell]] = {arm.id: [] for arm in self.arms}
        for cell in self.cells:
            held[cell.arm].append(cell)
        return held


class _Builder:
    """Makes the parts that a study names once each, and puts configs together of them."""

    def __init__(self, study: Study) -> None:
        self._study = study
        first = {"out": "arm", "novice": next(iter(study.novices.values())), "seed": study.seeds[0]}
        base = config_from({**study.base, **first}, "the study's base")
        self._expert: Expert = make_expert(base.expert, base.device)
        self._device = base.device
        self._advised = "advisor" in base.evaluate.anchors
        self._methods = {label: _method(label, spec) for label, spec in {**study.methods, **study.controls}.items()}
        self._protocols = _protocols(study.protocols)
        self._kinds = {label: self._turns(label, kind) for label, kind in study.kinds.items()}

    def cells(self) -> Iterator[tuple[Cell, Arm]]:
        """Each place of the map, and the arm behind it."""
        study = self._study
        for label, spec in study.controls.items():
            place: dict[str, Any] = {"kind": NO_KIND, "dial_name": None, "dial": 0.0, "dial_index": 0}
            place |= {"held_out": False, "protocol": NEVER, "interval": 0, "method": label, "control": True}
            place |= {"unheeded": False}
            yield from self._whose(place, None, NEVER, spec)
        for name, kind in study.kinds.items():
            for index, dial in enumerate(kind.at):
                for asking in self._protocols:
                    for label, method in study.methods.items():
                        place = {"kind": name, "dial_name": kind.dial, "dial": dial, "dial_index": index}
                        place |= {"held_out": kind.held_out, "protocol": asking.text, "interval": asking.interval}
                        advisor, unheeded = self._advisor(name, index, label, asking)
                        place |= {"method": label, "control": False, "unheeded": unheeded}
                        yield from self._whose(place, advisor, asking.spec, method)

    def _whose(
        self, place: Mapping[str, Any], advisor: Spec | None, protocol: Spec, method: Spec
    ) -> Iterator[tuple[Cell, Arm]]:
        """A place for every novice and every seed."""
        shared = self._shared(advisor, protocol, method)
        for novice in self._study.novices:
            for seed in self._study.seeds:
                plain = {**shared, "novice": self._study.novices[novice], "seed": seed}
                arm = Arm(_hash(plain), plain, _hash({key: plain[key] for key in ANCHOR_KEYS}))
                yield Cell(**place, novice=novice, seed=seed, arm=arm.id), arm

    def _turns(self, label: str, kind: Kind) -> list[tuple[dict[str, Any], set[str]]]:
        """For each value of a kind's dial the advisor, and what it changes: nothing, where it is honest."""
        found: list[tuple[dict[str, Any], set[str]]] = []
        for value in kind.at:
            try:
                spec = turned(whole_spec(kind.advisor), kind.dial, value)
                # What never lies because of this value is made as well, if it can be: it may hold a misspelt word.
                honest = is_honest(spec)
                made = None if honest and math.isinf(value) else make_advisor(spec, self._expert, self._device)
            except SpecError as error:
                raise SpecError(f"the kind {label!r} of the study: {error}") from error
            found.append((spec, set() if honest or made is None else changes_of(made, self._expert)))
        return found

    def _advisor(self, kind: str, index: int, label: str, asking: _Asking) -> tuple[Spec | None, bool]:
        """A, as a method meets it: nobody for one that does not consult, honest where nothing that it heeds is changed.

        Nothing is heeded where H never asks.

        Beside it whether that is so though something else is changed.

        Where A is an anchor too, it is measured as it is, so that arms of equal learning differ all the same.
        """
        method, (spec, changes) = self._methods[label], self._kinds[kind][index]
        if not method.consults:
            return None, False
        heeded = set(method.heeds) if asking.interval else set()
        touched = changes if self._advised else changes & heeded
        return (spec, False) if touched else (HONEST, bool(changes))

    def _shared(self, advisor: Spec | None, protocol: Spec, method: Spec) -> dict[str, Any]:
        """What the arms of all novices and seeds have in common, every key checked."""
        varied = {
            "out": "arm",
            "advisor": advisor,
            "protocol": NEVER if advisor is None else whole_spec(protocol),
            "method": whole_spec(method),
        }
        plain = config_to_plain(config_from({**self._study.base, **varied}, "the study's base"))
        del plain["out"]
        return plain


def _hash(plain: Mapping[str, Any]) -> str:
    """Names a config. Keys at their defaults do not count, so that a key that is new in the package changes no name."""
    text = json.dumps(_without(plain, _defaults()), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def _defaults() -> dict[str, Any]:
    return config_to_plain(RunConfig(out=Path()))


def _without(plain: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key, value in plain.items():
        usual = defaults.get(key)
        if key in ("play", "learn", "evaluate"):
            told[key] = _without(value, {} if usual is None else usual)
        elif value != usual:
            told[key] = value
    return told


def _method(label: str, spec: Spec) -> Method:
    try:
        return from_spec(whole_spec(spec), Method)
    except SpecError as error:
        raise SpecError(f"the method {label!r} of the study: {error}") from error


@dataclass(frozen=True)
class _Asking:
    """A protocol: in words, at every how many turns H asks by it (0: never), and the plainest spec of it."""

    text: str
    interval: int
    spec: Spec


def _protocols(specs: Sequence[Spec]) -> list[_Asking]:
    found: dict[str, _Asking] = {}
    for spec in specs:
        asking = _protocol(spec)
        plainest = json.dumps(asking.spec, sort_keys=True)
        if plainest in found:
            raise SpecError(
                f"the protocols {found[plainest].text!r} and {asking.text!r} of the study are the same: name each once"
            )
        found[plainest] = asking
    return list(found.values())


def _protocol(spec: Spec) -> _Asking:
    try:
        whole = whole_spec(spec)
        made = from_spec(whole, Protocol)
    except SpecError as error:
        raise SpecError(f"the protocol {spec_text(spec)!r} of the study: {error}") from error
    if isinstance(made, EveryNTurns):
        interval = made.n
    elif isinstance(made, AtRandom):
        interval = round(1 / made.probability) if made.probability > 0 else 0
    else:
        interval = 0 if isinstance(made, Never) else 1
    always = (isinstance(made, EveryNTurns) and made.n == 1) or (isinstance(made, AtRandom) and made.probability == 1)
    if always or interval == 0:
        whole = {"kind": EVERY_TURN if always else NEVER}
    return _Asking(spec_text(spec), interval, whole)
