"""Who takes part in a run, made from its config before anything is played."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandwich_env.advisors.base import Advisor, Honest
from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.experiments.config import RunConfig
from sandwich_env.experiments.engine_marks import Engines, engines_among
from sandwich_env.experiments.naming import make_advisor, make_expert, parse_spec
from sandwich_env.experts.base import Expert
from sandwich_env.experts.counting import Counted
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.methods.base import Method
from sandwich_env.nets.weights import resolve
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.reading.puzzles import Puzzle, read_puzzles
from sandwich_env.specs import from_spec

NOVICE, ADVISOR, EXPERT = "H0", "A", "E"
"""The anchors' names in matches, tables and plots; H after round k is called "Hk"."""

ANCHOR_NAMES = {"novice": NOVICE, "advisor": ADVISOR, "expert": EXPERT}


def student_name(round: int) -> str:
    """The name of H after a round."""
    return f"H{round}"


@dataclass(frozen=True)
class Contenders:
    """Who takes part in a run, and where from.

    Attributes:
        expert: E.
        novice: H before it learnt.
        advisor: A; None in a run without advice, and under a method that asks nobody.
        knowledge: E as A asks it, counted.
        protocol: when H asks A.
        disclosures: what H lets A know of itself when it asks, but for what it proposes, which changes as it learns.
        method: how H plays and learns.
        anchors: whom H is measured against, by name. A is left out where there is none, and where it is E.
        openings: FENs that matches begin from.
        book: the other openings, which self-play begins from.
        puzzles: what H solves after each round.
    """

    expert: Expert
    novice: NetworkExpert
    advisor: Advisor | None
    knowledge: Counted
    protocol: Protocol
    disclosures: Disclosures
    method: Method
    anchors: dict[str, Player]
    openings: list[str]
    book: list[str]
    puzzles: list[Puzzle]

    @classmethod
    def of(cls, config: RunConfig) -> Contenders:
        """Make everybody, and read the openings and the puzzles.

        Raises:
            SandwichError: a spec, weights, an engine or a file that is not what it should be.
        """
        expert = make_expert(config.expert, config.device)
        novice = NetworkExpert(config.novice, config.device)
        method = from_spec(_spec(config.method), Method)
        _check_told(method, config)
        knowledge = Counted(expert)
        advisor = None if config.advisor is None else make_advisor(config.advisor, knowledge, config.device)
        if not method.consults:  # it was made all the same: its spec may hold a misspelt word
            advisor = None
        watch = None if config.watch is None else from_spec(_spec(config.watch), Protocol)
        openings, book = split_book(config)
        players: dict[str, Player] = {"novice": ExpertPlayer(novice), "expert": ExpertPlayer(expert)}
        if advisor is not None and not _is_expert(advisor, knowledge):
            proposer = novice if config.proposes else None
            players["advisor"] = AdvisorPlayer(advisor, proposer=proposer, rating=config.rating, watch=watch)
        return cls(
            expert=expert,
            novice=novice,
            advisor=advisor,
            knowledge=knowledge,
            protocol=from_spec(_spec(config.protocol), Protocol),
            disclosures=Disclosures(watch=watch, rating=config.rating),
            method=method,
            anchors={
                short: players[name]
                for name, short in ANCHOR_NAMES.items()
                if name in config.evaluate.anchors and name in players
            },
            openings=openings,
            book=book,
            puzzles=read_puzzles(config.evaluate.puzzles or "default", limit=config.evaluate.puzzle_limit),
        )

    def fingerprints(self) -> dict[str, str]:
        """The SHA-256 of every file of weights that takes part, by the name it was given by."""
        specs = [self.expert.to_spec(), self.novice.to_spec()]
        if self.advisor is not None:
            specs.append(self.advisor.to_spec())
        names = sorted({name for spec in specs for name in _weights_in(spec)})
        return {name: hashlib.sha256(resolve(name).read_bytes()).hexdigest() for name in names}

    def engines(self) -> Engines:
        """Every UCI engine that takes part, wherever it stands, and what it is.

        Raises:
            EngineError: an engine does not start.
        """
        return engines_among(part for part in (self.expert, self.novice, self.advisor) if part is not None)

    def close(self) -> None:
        """Release engines and devices."""
        self.expert.close()
        self.novice.close()
        if self.advisor is not None:
            self.advisor.close()


def split_book(config: RunConfig) -> tuple[list[str], list[str]]:
    """The openings that H is measured from, and those that it plays itself from: other ones for each seed.

    So what differs between seeds holds what the choice of openings does.

    Raises:
        DataError: the book cannot be read, or is too short to be split.
    """
    fens = load_openings(config.book)
    count = config.evaluate.openings
    if len(fens) <= count:
        raise DataError(
            f"the book {config.book!r} has {len(fens)} openings, and {count} are kept for measuring: "
            f"give a longer book, or fewer evaluate.openings"
        )
    order = np.random.default_rng(config.seed).permutation(len(fens))
    return [fens[i] for i in order[:count]], [fens[i] for i in order[count:]]


def _spec(given: Any) -> Any:
    return parse_spec(given) if isinstance(given, str) else given


def _check_told(method: Method, config: RunConfig) -> None:
    """Refuse a run in which H would never be told what its method goes by."""
    missing = [part for part in method.heeds if config.asks not in (part, "both")]
    if missing and method.consults and config.advisor is not None:
        raise SpecError(
            f"the method {method.kind!r} goes by the advised {missing[0]}, and asks is {config.asks!r}: "
            f"give asks='both', or {missing[0]!r}"
        )


def _is_expert(advisor: Advisor, expert: Expert) -> bool:
    return isinstance(advisor, Honest) and advisor.expert is expert


def _weights_in(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict):
        if spec.get("kind") == "network":
            yield str(spec["weights"])
        for value in spec.values():
            yield from _weights_in(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _weights_in(value)
