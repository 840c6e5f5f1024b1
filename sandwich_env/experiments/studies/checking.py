"""Before a sweep begins: everybody who takes part is made once, and what they are made of is written down."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandwich_env.errors import SandwichError, SpecError
from sandwich_env.experiments.config import RunConfig
from sandwich_env.experiments.contenders import Contenders
from sandwich_env.experiments.studies.grid import Arm
from sandwich_env.nets.weights import resolve


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What runs are made of.

    Attributes:
        weights: the SHA-256 of every file of weights, by the name it is given by.
        files: likewise of openings and puzzles.
    """

    weights: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: Marks) -> Marks:
        return Marks(weights={**self.weights, **other.weights}, files={**self.files, **other.files})

    def __and__(self, other: Marks) -> Marks:
        return Marks(weights=_shared(self.weights, other.weights), files=_shared(self.files, other.files))

    def check(self) -> None:
        """See that the files here are still these: they may have changed since, or be others on this computer.

        Raises:
            SpecError: one differs; the text names it.
            WeightsError: weights that are not there.
            OSError: a file that is not there.
        """
        parts: tuple[tuple[Mapping[str, str], str, Callable[[str], Path]], ...] = (
            (self.weights, "the file of the weights", resolve),
            (self.files, "the file", Path),
        )
        for marks, what, find in parts:
            for name, mark in marks.items():
                if _mark(find(name)) != mark:
                    raise SpecError(
                        f"{what} {name!r} differs from that of the sweep: put it back, or give another folder"
                    )


@dataclass(frozen=True)
class Checked:
    """What all arms are made of, and each of them.

    Attributes:
        all: of the sweep.
        arms: by the arm's id, and, of what all arms measured against the same anchors have, by the anchors'.
    """

    all: Marks
    arms: Mapping[str, Marks]


def check_arms(arms: Iterable[Arm]) -> Checked:
    """Make the contenders of every arm, each combination of E, H and A at least once, and close them again.

    Raises:
        SandwichError: something cannot be made; the text says of which arm it is.
    """
    everything, found = Marks(), dict[str, Marks]()
    weights: dict[str, Mapping[str, str]] = {}
    seen: set[str] = set()
    mark = functools.cache(_mark)  # files are large, and arms many
    for arm in arms:
        plain = arm.plain
        who = json.dumps([plain[part] for part in ("expert", "novice", "advisor", "book", "evaluate")])
        told = json.dumps([plain["method"], plain["advisor"] is None])  # whether H is told what its method goes by
        config = arm.config(Path("arm"))
        if not {who, told} <= seen:
            seen |= {who, told}
            weights[who] = _weights_of(config)
        marks = found[arm.id] = Marks(weights=weights[who], files={str(path): mark(path) for path in _files_of(config)})
        found[arm.anchors] = marks if arm.anchors not in found else found[arm.anchors] & marks
        everything |= marks
    return Checked(everything, found)


def _weights_of(config: RunConfig) -> dict[str, str]:
    try:
        contenders = Contenders.of(config)
    except SandwichError as error:
        text = f"the arm of {config.advisor!r} and {config.method!r} cannot be made: {error}"
        raise SandwichError(text) from error
    try:
        return contenders.fingerprints()
    finally:
        contenders.close()


def _files_of(config: RunConfig) -> list[Path]:
    given = (config.book, config.evaluate.puzzles)
    return [Path(one) for one in given if one is not None and str(one) != "default"]


def _mark(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _shared(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    return {name: mark for name, mark in one.items() if name in other}
