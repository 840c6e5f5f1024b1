"""`sandwich advisors`: the kinds of advisors, how good each one's advice is, and which settings do equal damage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from sandwich_env.errors import SandwichError, SpecError
from sandwich_env.evaluation.advice_positions import Positions, given_positions, reached_positions
from sandwich_env.evaluation.advice_quality import BLUNDER, AdviceQuality, Judge, measure_advice
from sandwich_env.evaluation.intervals import Estimate
from sandwich_env.evaluation.matching import Matched, match_quality
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.experiments.catalogue import Company, Entry, Example, entries, setting_of
from sandwich_env.experiments.naming import make_expert, parse_spec
from sandwich_env.experiments.progress import Reporter, Silent
from sandwich_env.experts.base import Expert
from sandwich_env.experts.remembered import Remembered
from sandwich_env.specs import Spec, check_count, check_scale, class_of

MEASURES = {
    "loss": "loss",
    "agreement": "as E",
    "blunders": "blunders",
    "tampered": "tampered",
    "value_error": "value off by",
    "value_bias": "value bias",
}
"""The measures of `AdviceQuality`, and how tables head them."""

_PERCENT = ("agreement", "blunders", "tampered")


@dataclass(frozen=True, kw_only=True)
class AdvisorsConfig:
    """The kinds of advisors; with --expert, --advisor, --match or --pictures also what their advice is worth."""

    expert: Spec | None = None
    """E, whom the advisors are made of and by whose reckoning they are measured: "expert", weights (.safetensors),
    "stockfish:nodes=200", or a spec. Given alone, it asks for the table."""
    judge: Spec | None = None
    """Who reckons in the place of E, likewise."""
    player: Spec = "novice"
    """H, an expert too: games of it against itself give the positions, its best move is what it proposes."""
    positions: int = 300
    """How many positions."""
    fens: Path | None = None
    """Positions to ask about in the place of those that H reaches: a file of EPD or FEN, or a PGN."""
    kinds: tuple[str, ...] = ()
    """Only these kinds."""
    advisor: tuple[Spec, ...] = ()
    """Measure these advisors instead of the catalogue's: "my_module:MyAdvisor", "random_move:epsilon=0.5", or JSON."""
    match: str | None = None
    """Find for each kind the dial at which it costs so much win probability on average: "loss=0.05"."""
    pictures: Path | None = None
    """Draw for each kind what it does to advice as its dial turns, into this folder."""
    json: bool = False
    """Print data, not tables."""
    blunder: float = BLUNDER
    """The least loss of win probability that counts as a blunder."""
    rating: float | None = None
    """H's Elo as the advisors know it, for those that look at it."""
    seed: int = 0
    """Of the games, the draw of positions, the advisors' chances and the resamples."""
    device: str = "auto"
    """Where networks run: a GPU where there is one, "cpu", "cuda"."""

    def __post_init__(self) -> None:
        check_count("positions", self.positions, 2)
        check_scale("blunder", self.blunder)
        self.target  # noqa: B018  # refuses what is no target before anything is played

    @property
    def measures(self) -> bool:
        """Whether anything is measured, beyond listing the kinds."""
        asked = (self.expert, self.judge, self.fens, self.match, self.pictures)
        return any(one is not None for one in asked) or bool(self.advisor)

    @property
    def target(self) -> float | None:
        """The mean loss that dials are matched at.

        Raises:
            SpecError: it is no number above 0 and below 1.
        """
        if self.match is None:
            return None
        name, _, text = self.match.rpartition("=")
        try:
            target = float(text)
        except ValueError:
            target = float("nan")
        if name.strip() not in ("", "loss") or not 0.0 < target < 1.0:
            raise SpecError(f"match is {self.match!r}: write loss=0.05, a mean loss of win probability between 0 and 1")
        return target


@dataclass(frozen=True)
class Row:
    """An advisor and what its advice is worth.

    Attributes:
        example: what was measured.
        quality: how good it is; None where it could not be measured.
        note: why not; or what a reader should know.
    """

    example: Example
    quality: AdviceQuality | None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        quality = None if self.quality is None else self.quality.to_dict()
        return {"name": self.example.title, "spec": dict(self.example.spec), "quality": quality, "note": self.note}


class Workshop:
    """E, H, the positions and the judge: all that a table is measured with.

    Args:
        config: what was asked for.
        reporter: is told how the games go.
    """

    def __init__(self, config: AdvisorsConfig, reporter: Reporter | None = None) -> None:
        reporter = reporter or Silent()
        self.config = config
        self.expert = _kept(make_expert(config.expert or "expert", config.device))
        judge = self.expert if config.judge is None else _kept(make_expert(config.judge, config.device))
        self.player = _kept(make_expert(config.player, config.device))
        self._engine: Expert | None = None
        self.company = Company(self.expert, self.player, self.engine)
        self.positions = self._positions(reporter)
        reporter.say(f"{len(self.positions)} positions from {self.positions.groups} openings")
        self.judge = Judge(judge, self.positions)
        self._experts = (self.expert, judge, self.player)

    def engine(self) -> Expert:
        """An engine that gives its chances: the one that is E, where E is one, or Stockfish.

        Raises:
            EngineError: there is none.
        """
        if self._engine is None:
            self._engine = make_expert({"kind": "uci", "nodes": 200, "wdl": True})
        return self._engine

    def _positions(self, reporter: Reporter) -> Positions:
        given = self.config
        if given.fens is not None:
            fens = load_openings(given.fens, limit=given.positions)
            return given_positions(fens, self.player, seed=given.seed, rating=given.rating)
        update = reporter.stage("games of H against itself", 2 * -(-given.positions // 4))
        return reached_positions(
            self.player, given.positions, seed=given.seed, rating=given.rating,
            on_progress=lambda done, total: update(done),
        )  # fmt: skip

    def measure(self, example: Example) -> Row:
        """One row of the table; what the advisor lacks stands in its note."""
        try:
            quality = measure_advice(
                self.company.advisor(example.spec), self.judge, seed=self.config.seed, blunder=self.config.blunder
            )
        except SandwichError as error:
            return Row(example, None, str(error))
        return Row(example, quality)

    def matched(self, example: Example, target: float) -> Matched | str:
        """The example at a mean loss, or why there is none."""
        try:
            dial = self.company.dial(example)
            return match_quality(
                dial.make, target, self.judge,
                ends=dial.ends, dial=dial.name, whole=dial.whole, seed=self.config.seed,
            )  # fmt: skip
        except SandwichError as error:
            return str(error)

    def close(self) -> None:
        """Release engines and devices."""
        for one in (*self._experts, *([] if self._engine is None else [self._engine])):
            one.close()


def _kept(expert: Expert) -> Expert:
    """Networks remember by themselves."""
    from sandwich_env.experts.network import NetworkExpert

    return expert if isinstance(expert, NetworkExpert) else Remembered(expert)


def show_advisors(config: AdvisorsConfig, out: Console, reporter: Reporter | None = None) -> dict[str, Any]:
    """Print what was asked for; returns it as plain data.

    Raises:
        SandwichError: a spec, weights, an engine or a file that is not what it should be.
    """
    listed = entries(config.kinds)
    data: dict[str, Any] = {"kinds": [_plain_entry(entry) for entry in listed]}
    tables = [kinds_table(listed)] if not config.measures else []
    if config.measures:
        workshop = Workshop(config, reporter)
        try:
            tables += _measured(workshop, listed, data, reporter or Silent())
        finally:
            workshop.close()
    if config.json:
        out.print_json(json.dumps(data))
    else:
        for table in tables:
            _print(out, table, whole=config.measures)
        for note in _notes(data):
            out.print(note, highlight=False, markup=False, soft_wrap=True)
    return data


def _measured(workshop: Workshop, listed: Sequence[Entry], data: dict[str, Any], reporter: Reporter) -> list[Table]:
    config = workshop.config
    examples = [one for entry in listed for one in entry.examples]
    if config.advisor:
        examples = [Example({"kind": "honest"}, None), *(own_example(spec) for spec in config.advisor)]
    data["positions"] = {"count": len(workshop.positions), "openings": workshop.positions.groups}
    if config.pictures is not None:
        from sandwich_env.experiments.advisors_pictures import draw_kinds

        data["pictures"] = [str(path) for path in draw_kinds(workshop, examples, config.pictures, reporter)]
        return []
    if config.target is not None:
        update = reporter.stage("matching", len(examples))
        found: list[tuple[Example, Matched | str]] = []
        for done, example in enumerate(examples, start=1):
            if example.dial is not None:
                found.append((example, workshop.matched(example, config.target)))
            update(done)
        data["matched"] = [_plain_match(*one) for one in found]
        return [matches_table(found)]
    update = reporter.stage("advisors", len(examples))
    rows = []
    for done, example in enumerate(examples, start=1):
        rows.append(workshop.measure(example))
        update(done)
    data["measured"] = [row.to_dict() for row in rows]
    return [measures_table(rows)]


def _print(out: Console, table: Table, *, whole: bool) -> None:
    """Print a table, fitted to the screen; or `whole`, as numbers that are cut short are none, however lines break."""
    width = out.width
    if whole:
        out.width = max(width, Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum)
    out.print(table, crop=False)
    out.width = width


_WIDEST = 400
"""Columns of a screen that no table of numbers fills."""


def own_example(spec: Spec) -> Example:
    """A user's own advisor as an example; its dial is the first of its class's that the spec sets."""
    whole = parse_spec(spec) if isinstance(spec, str) else spec
    plain = {"kind": whole} if isinstance(whole, str) else dict(whole)
    dials = getattr(class_of(plain), "dials", {})
    return Example(plain, next((name for name in dials if name in plain), None))


def kinds_table(listed: Sequence[Entry]) -> Table:
    """A row for each kind: its name, its dials and what it means."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("kind", no_wrap=True)
    table.add_column("dials: honest to worst", no_wrap=True)
    table.add_column("what it does")
    for entry in listed:
        table.add_row(entry.kind, dials_text(entry.dials), entry.meaning)
    return table


def dials_text(dials: dict[str, tuple[float, float]]) -> str:
    """The dials of a kind, a line each."""
    return "\n".join(f"{name}: {_number(honest)} to {_number(worst)}" for name, (honest, worst) in dials.items())


def measures_table(rows: Sequence[Row]) -> Table:
    """A row for each advisor."""
    table = _table("advisor", "at")
    for row in rows:
        if row.quality is not None:
            table.add_row(row.example.title, setting(row.example), *cells(row.quality))
    return table


def matches_table(found: Sequence[tuple[Example, Matched | str]]) -> Table:
    """A row for each advisor that could be matched."""
    table = _table("advisor", "dial")
    for example, match in found:
        if isinstance(match, Matched):
            table.add_row(
                example.title, f"{match.dial.rsplit('.', maxsplit=1)[-1]} {match.value:.3g}", *cells(match.quality)
            )
    return table


def _table(*first: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in first:
        table.add_column(heading, no_wrap=True)
    for heading in MEASURES.values():
        table.add_column(heading, justify="right")
    return table


def setting(example: Example) -> str:
    """Where the dial of an example stands."""
    if example.dial is None:
        return ""
    return f"{example.dial.rsplit('.', maxsplit=1)[-1]} {setting_of(example):g}"


def cells(quality: AdviceQuality) -> list[str]:
    """The measures as text."""
    return [cell(getattr(quality, name), percent=name in _PERCENT) for name in MEASURES]


def cell(estimate: Estimate, *, percent: bool) -> str:
    """A number with its interval."""
    low, high = estimate.interval.low, estimate.interval.high
    if percent:
        return f"{estimate.value:.0%} [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{_short(estimate.value)} [{_short(low)}, {_short(high)}]"


def _short(number: float) -> str:
    return f"{round(number, 3) + 0.0:.3f}"  # no "-0.000"


def _number(value: float) -> str:
    return "∞" if value == float("inf") else f"{value:g}"


def _plain_entry(entry: Entry) -> dict[str, Any]:
    ends = {name: [None if abs(end) == float("inf") else end for end in both] for name, both in entry.dials.items()}
    return {"kind": entry.kind, "meaning": entry.meaning, "dials": ends}


def _plain_match(example: Example, match: Matched | str) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": example.title}
    return plain | ({"note": match} if isinstance(match, str) else match.to_dict())


def _notes(data: dict[str, Any]) -> list[str]:
    rows = [*data.get("measured", ()), *data.get("matched", ())]
    notes = [f"{row['name']}: {row['note']}" for row in rows if row.get("note")]
    return notes + [str(path) for path in data.get("pictures", ())]
