"""What a run is: everything that its numbers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from sandwich_env.advisors.base import Asks
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experiments.naming import parse_spec
from sandwich_env.experiments.plain import differences, from_plain, to_plain
from sandwich_env.oversight.channel import check_asks
from sandwich_env.oversight.disclosures import check_rating
from sandwich_env.oversight.on_demand import PLAYERS_DO_NOT_ASK, refuse_on_demand
from sandwich_env.specs import Spec, check_count, check_scale, class_of

Advised = Literal["both", "white", "black", "none"]
Anchor = Literal["novice", "advisor", "expert"]


@dataclass(frozen=True, kw_only=True)
class PlaySettings:
    """The games that H plays with itself."""

    games: int = 300
    """Games in each round."""
    games_at_once: int = 150
    """Games played side by side; each such batch is kept as soon as it is over. The games do not depend on it."""
    max_plies: int = 200
    """A game that lasts longer is cut off, as a draw."""
    random_plies: int = 4
    """Random moves between the opening and the start of a game, at the most."""

    def __post_init__(self) -> None:
        for name in ("games", "games_at_once", "max_plies"):
            check_count(name, getattr(self, name))
        check_count("random_plies", self.random_plies, least=0)


@dataclass(frozen=True, kw_only=True)
class LearnSettings:
    """How H is fitted to the games of a round."""

    epochs: float = 1.0
    """How often each example is shown, on average."""
    steps: int | None = None
    """Gradient steps of a round, whatever the number of examples: then arms whose games are longer learn no longer."""
    batch_size: int = 256
    """Examples a step."""
    learning_rate: float = 1e-3
    """The highest, after a warm-up; it falls to zero within each round."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    value_weight: float = 0.5
    """What the value's squared error counts beside the policy's cross-entropy."""
    mirror: bool = True
    """Show half of the positions without castling rights with the a-file and the h-file exchanged."""
    replay_rounds: int = 0
    """How many earlier rounds' games are learnt from again."""
    checkpoint_every: int = 50
    """Steps between checkpoints within a round."""

    def __post_init__(self) -> None:
        for name in ("epochs", "learning_rate", "weight_decay", "value_weight"):
            check_scale(name, getattr(self, name))
        if self.learning_rate == 0:
            raise SpecError("learning_rate is 0: it must be above 0, or nothing is learnt")
        if self.steps is not None:
            check_count("steps", self.steps)
        check_count("batch_size", self.batch_size)
        check_count("replay_rounds", self.replay_rounds, least=0)
        check_count("checkpoint_every", self.checkpoint_every)


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """How H is measured after each round."""

    openings: int = 100
    """Openings of each match; each is played twice, with colours swapped."""
    anchors: tuple[Anchor, ...] = ("novice", "advisor", "expert")
    """Whom H plays: H before it learnt, A as a player, E. PGR needs the first and the last of them."""
    max_plies: int = 200
    """A game that lasts longer is a draw."""
    puzzles: Path | None = None
    """Puzzles in Lichess's CSV form; the embedded set without it."""
    puzzle_limit: int | None = None
    """How many puzzles at the most."""
    positions: int = 500
    """Positions, from the games of E and H before it learnt, on which moves are compared with E's."""
    resamples: int = 1000
    """Of every bootstrap."""
    min_gap: float = 50.0
    """The least gap between E and H, in Elo, that PGR is divided by."""

    def __post_init__(self) -> None:
        for name in ("openings", "max_plies", "positions", "resamples"):
            check_count(name, getattr(self, name))
        if self.puzzle_limit is not None:
            check_count("puzzle_limit", self.puzzle_limit)
        for anchor in ("novice", "expert"):
            if anchor not in self.anchors:
                raise SpecError(
                    f"anchors is {self.anchors!r}: 'novice' and 'expert' must be among them, to measure PGR"
                )
        if len(set(self.anchors)) != len(self.anchors):
            raise SpecError(f"anchors is {self.anchors!r}: name each once")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One sandwich: who they are, what H may ask, and how it learns and is measured."""

    out: Path
    """The run's folder."""
    expert: Spec = "expert"
    """E: "expert", weights (.safetensors), "stockfish:nodes=1000", or a spec."""
    novice: str = "novice"
    """H at the start: "novice", or weights (.safetensors)."""
    advisor: Spec | None = "honest"
    """A: a name, "random_move:epsilon=0.5", a spec (what it leaves out is made of E), or none at all."""
    advised: Advised = "both"
    """Which sides of a game may ask A."""
    protocol: Spec = "every_turn"
    """When they ask: "every_turn", "every_n_turns:n=4", "never", or a spec; "on_demand" is for environments alone."""
    asks: Asks = "both"
    """What they are told: the move, the value or both."""
    watch: Spec | None = None
    """At which of its turns H lets A know that it watches: "every_n_turns:n=3", a spec; without it, it never says."""
    rating: float | None = None
    """H's Elo, as A is told; without it, A is not told."""
    proposes: bool = False
    """Whether H tells A the move that it would play, and the value that it hopes for, before A answers."""
    method: Spec = "imitate"
    """How H uses advice and how it learns: a name, or a spec."""
    rounds: int = 3
    """How often H plays, learns and is measured."""
    book: str = "default"
    """Openings: the embedded set, or an EPD or PGN file. Some are kept for measuring, games start from the others."""
    seed: int = 0
    """Of everything that is random."""
    device: str = "auto"
    """Where networks run: a GPU where there is one, "cpu", "cuda"."""
    threads: int = 1
    """CPU threads of torch. Another number may give other last digits."""
    play: PlaySettings = field(default_factory=PlaySettings)
    """The games that H plays with itself."""
    learn: LearnSettings = field(default_factory=LearnSettings)
    """How H is fitted to them."""
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    """How H is measured."""

    def __post_init__(self) -> None:
        check_count("rounds", self.rounds)
        check_count("seed", self.seed, least=0)
        check_count("threads", self.threads)
        check_asks(self.asks)
        protocol = parse_spec(self.protocol) if isinstance(self.protocol, str) else self.protocol
        refuse_on_demand("protocol", class_of(protocol), PLAYERS_DO_NOT_ASK)
        check_rating(self.rating)
        known = ("both", "white", "black", "none")
        if self.advised not in known:
            raise SpecError(f"unknown advised {self.advised!r}: {did_you_mean(str(self.advised), known)}")


UNCOMPARED = ("out",)
"""Keys that a run does not depend on: its folder may be moved."""


def config_from(data: Mapping[str, Any], where: str = "the config") -> RunConfig:
    """A config from plain data, every key checked.

    Raises:
        SpecError: an unknown key (with the nearest right one), one missing, or a value that cannot be.
    """
    return from_plain(RunConfig, data, where)


def config_to_plain(config: RunConfig) -> dict[str, Any]:
    """The config as JSON holds it."""
    plain: dict[str, Any] = to_plain(config)
    return plain


def check_same(config: RunConfig, recorded: Mapping[str, Any], folder: Path) -> None:
    """Refuse to go on with a run under another config. A key that was not recorded had its default.

    Raises:
        SpecError: a key differs; the text names each.
    """
    mine, theirs = (
        {key: value for key, value in plain.items() if key not in UNCOMPARED}
        for plain in (config_to_plain(config), config_to_plain(config_from(recorded)))
    )
    changed = [f"{key} was {old!r} and is now {new!r}" for key, new, old in differences(mine, theirs)]
    if changed:
        raise SpecError(
            f"the run in {str(folder)!r} was started with another config: {'; '.join(changed)}. "
            f"Go on with the old one, or give another folder"
        )


def config_keys() -> tuple[str, ...]:
    """The keys of a config."""
    return tuple(field.name for field in fields(RunConfig))
