"""Speeds beside each other: contestants take turns, round by round, in one run.

A contestant is a function that plays for about so many seconds and returns how many units (plies, steps, answers) it
did. All of them play a short while in every round, so that a machine whose speed drifts drifts for all of them;
ratios are taken within a round, and the median over the rounds is told with the least and the greatest.

    from harness import Goal, arguments, compare, report

    args = arguments(__doc__)
    players = {"ours": play_ours, "theirs": play_theirs}
    table = compare("one game", players, args, goals=[Goal("ours", 25, over="theirs")])
    report([table], args)
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import machine


class ContestantError(Exception):
    """A contestant that is not there, or that died; the others go on without it."""


@dataclass(frozen=True)
class Played:
    """What a contestant did in its turn, where it takes the time itself.

    Attributes:
        units: plies, steps or answers.
        seconds: that they took.
        processor: seconds of a processor that the contestant had meanwhile; None where that is this process.
    """

    units: float
    seconds: float
    processor: float | None = None


Contestant = Callable[[float], float | Played]
"""Plays for about so many seconds; returns the units done, or those and the seconds that they took."""


@dataclass(frozen=True)
class Goal:
    """What a contestant should reach.

    Attributes:
        contestant: its name.
        at_least: units a second; where `over` is given, how many times that contestant's.
        over: the contestant that it is divided by, within each round.
        note: what the goal stands for, if that is not plain.
    """

    contestant: str
    at_least: float | None = None
    over: str | None = None
    note: str = ""

    @property
    def name(self) -> str:
        return self.contestant if self.over is None else f"{self.contestant} / {self.over}"


@dataclass
class Table:
    """The figures of one comparison.

    Attributes:
        name: what is compared.
        unit: what is counted, in the plural.
        pinned: to which cores the contestants were kept, in words.
        rounds: units a second by contestant, for each round.
        processor: likewise, how much of a processor the contestant had: 1 is a whole one, all the time. On a machine
            that others use it is less, and the speed with it. Nothing is known of a contestant's own processes.
        goals: what should be reached.
        absent: why a contestant is not among them, or not in all rounds.
        notes: further facts that were measured, by name.
    """

    name: str
    unit: str
    pinned: str
    rounds: list[dict[str, float]]
    goals: list[Goal] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    processor: list[dict[str, float]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The contestants that played a round, in the order in which they were given."""
        return list(dict.fromkeys(name for row in self.rounds for name in row))

    def speeds(self, name: str) -> list[float]:
        return [row[name] for row in self.rounds if name in row]

    def ratios(self, name: str, over: str) -> list[float]:
        """How many times `over`, in each round that both played."""
        return [row[name] / row[over] for row in self.rounds if name in row and over in row]

    def median(self, name: str, over: str | None = None) -> float:
        """Units a second, or how many times those of `over`; not a number where no round has it."""
        values = self.speeds(name) if over is None else self.ratios(name, over)
        return statistics.median(values) if values else math.nan

    def per_processor_second(self, name: str) -> float:
        """Units for each second in which the contestant had a processor, the median; not a number where none played."""
        rows = zip(self.rounds, self.processor, strict=True)
        values = [speeds[name] / had[name] for speeds, had in rows if had.get(name)]
        return statistics.median(values) if values else math.nan

    def to_json(self) -> dict[str, Any]:
        goals: list[dict[str, Any]] = []
        for goal in self.goals:
            values = self.speeds(goal.contestant) if goal.over is None else self.ratios(goal.contestant, goal.over)
            if values:
                reached = None if goal.at_least is None else statistics.median(values) >= goal.at_least
                goals.append({**asdict(goal), "reached": reached, **_spread(values)})
        return {
            "name": self.name,
            "unit": f"{self.unit} per second",
            "pinned": self.pinned,
            "figures": {name: _spread(self.speeds(name)) for name in self.names},
            "per_processor_second": {
                name: value for name in self.names if math.isfinite(value := self.per_processor_second(name))
            },
            "goals": goals,
            "rounds": self.rounds,
            "absent": self.absent,
            "notes": self.notes,
        }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def arguments(doc: str | None, extra: Callable[[argparse.ArgumentParser], object] | None = None) -> argparse.Namespace:
    """The command line that all benchmarks share; `extra` may add to it."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often every contestant plays")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long it plays each time")
    parser.add_argument("--json", type=Path, help="write the figures there")
    if extra is not None:
        extra(parser)
    args = parser.parse_args()
    if args.rounds < 1 or not 0 < args.seconds < math.inf:
        parser.error(f"--rounds {args.rounds!r} --seconds {args.seconds!r}: both must be more than 0")
    args.cores = machine.allowed_cores()
    return args


def compare(
    name: str,
    contestants: Mapping[str, Contestant | ContestantError],
    args: argparse.Namespace,
    *,
    unit: str = "plies",
    goals: Iterable[Goal] = (),
    cores: int | None = 1,
    processor: bool = False,
) -> Table:
    """Let the contestants play in turns.

    Args:
        name: what is compared.
        contestants: by name; an error in the place of one that is not there.
        args: of `arguments`: `rounds`, `seconds`, and `cores` to choose from.
        unit: what is counted.
        goals: what should be reached; those of contestants that are not there are left out.
        cores: how many cores they are kept to; None leaves the process as it is. Processes that have been started
            before are not reached: call `machine.keep_to` before you start one.
        processor: whether to tell speeds by the time for which they had a processor as well; for contestants that
            start no processes of their own.
    """
    pinned = "free to move between cores" if cores is None else machine.keep_to(cores, args.cores)
    table = Table(name, unit, pinned, [], list(goals))
    unknown = {n for g in table.goals for n in (g.contestant, g.over) if n is not None} - set(contestants)
    if unknown:
        raise ValueError(f"goals name contestants that are not there: {', '.join(sorted(unknown))}")
    playing: dict[str, Contestant] = {}
    for who, contestant in contestants.items():
        if isinstance(contestant, ContestantError):
            table.absent[who] = str(contestant)
        else:
            playing[who] = contestant
    _turn(playing, min(args.seconds, 0.2), table.absent, {})  # compiles, and warms up
    for number in range(args.rounds):
        had: dict[str, float] = {}
        row = _turn(playing, args.seconds, table.absent, had, backwards=number % 2 == 1)
        table.rounds.append({who: row[who] for who in contestants if who in row})
        table.processor.append(had if processor else {})
    return table


def _turn(
    playing: dict[str, Contestant],
    seconds: float,
    absent: dict[str, str],
    processor: dict[str, float],
    backwards: bool = False,
) -> dict[str, float]:
    """One turn of each: units a second; how much of a processor each had is put into `processor`. Who dies is out."""
    row: dict[str, float] = {}
    for who in sorted(playing, key=list(playing).index, reverse=backwards):
        started, worked = time.perf_counter(), time.process_time()
        try:
            played = playing[who](seconds)
        except ContestantError as error:
            absent[who] = str(error)
            del playing[who]
            continue
        took, had = time.perf_counter() - started, time.process_time() - worked
        if not isinstance(played, Played):
            played = Played(played, took)
        if not (played.units > 0 and played.seconds > 0):
            absent[who] = f"it did {played.units!r} units in {played.seconds!r} s"
            del playing[who]
            continue
        row[who] = played.units / played.seconds
        processor[who] = had / took if played.processor is None else played.processor / played.seconds
    return row


def report(tables: Sequence[Table], args: argparse.Namespace) -> None:
    """Print the tables, and write them to `args.json`."""
    about = machine.describe()
    print(f"{about['cpu']}, {about['cores']} cores; Python {about['python']}; {about['date']}")
    for table in tables:
        _print_table(table)
    if args.json is not None:
        figures = {"machine": about, "arguments": _plain_arguments(args), "tables": [t.to_json() for t in tables]}
        args.json.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")


def _plain_arguments(args: argparse.Namespace) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()}


def _print_table(table: Table) -> None:
    rows = []
    for who in table.names:
        speeds, worked = table.speeds(who), table.per_processor_second(who)
        spread = f"{number(min(speeds))} to {number(max(speeds))}"
        rows.append([who, number(table.median(who)), spread, number(worked) if math.isfinite(worked) else ""])
    print(f"\n{table.name} ({len(table.rounds)} rounds; {table.pinned})")
    has_worked = any(row[-1] for row in rows)
    header = ["", f"{table.unit}/s", "least to greatest", "per processor second"]
    print_rows(header[: 3 + has_worked], [row[: 3 + has_worked] for row in rows])
    told = [_told(table, goal) for goal in table.goals]
    if any(told):
        print_rows(["", "median", "least to greatest", "goal", ""], [row for row in told if row])
    for key, value in table.notes.items():
        print(f"  {key}: {value}")
    for who, why in table.absent.items():
        print(f"  without {who}: {why}")


def _told(table: Table, goal: Goal) -> list[str]:
    values = table.speeds(goal.contestant) if goal.over is None else table.ratios(goal.contestant, goal.over)
    if not values:
        return []
    median, sign = statistics.median(values), "" if goal.over is None else " x"
    spread = f"{number(min(values))} to {number(max(values))}"
    label = goal.name + (f" ({goal.note})" if goal.note else "")
    if goal.at_least is None:
        return [label, number(median) + sign, spread, "", ""]
    missing = 1 - median / goal.at_least
    verdict = "reached" if missing <= 0 else f"short by {missing:.0%}" if missing >= 0.01 else "short by less than 1%"
    return [label, number(median) + sign, spread, f"{number(goal.at_least)}{sign}", verdict]


def number(value: float) -> str:
    """Three figures or all whole ones: 1,234,567; 12.3; 0.00123."""
    if value == 0 or not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table: the first column to the left, the others to the right."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print(("  " + "  ".join(cells)).rstrip(), file=sys.stdout)
