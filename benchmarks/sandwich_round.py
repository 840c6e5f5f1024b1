"""What a round of `sandwich run` takes, and what of it are the networks; beside a plain loop on chess_v6.

    python benchmarks/sandwich_round.py --rounds 3 --seconds 10 --json sandwich_round.json

A run is made with the default settings, but for what is given here, and the clock is put around its parts: the networks
while H plays, learns and is measured, and all else. After every round the plain loop (`plain_sandwich.py`) takes its
turn: it plays and plays matches, one game and one question at a time, answers one position at a time, and fits, each
for some seconds. What it would take for the round's plies, positions and steps is scaled up from that sample. Its games
begin from the usual position, ours from openings and a few random moves.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import torch
from harness import Goal, Played, Table, arguments, number, print_rows, report
from plain_sandwich import PlainSandwich
from round_clock import PARTS, Clock

import sandwich_env.experiments.run as running
from sandwich_env.evaluation.matches import MatchResult
from sandwich_env.experiments.config import EvaluateSettings, LearnSettings, PlaySettings, RunConfig
from sandwich_env.experiments.folder import read_json
from sandwich_env.learning import fine_tune, supervised
from sandwich_env.learning.corpus import Corpus

LOOP, PLAIN = "sandwich run", "one at a time, scaled"


@dataclass
class Shares:
    """What was measured in one round.

    Attributes:
        seconds: of the round.
        parts: of these, by `PARTS`.
        loop: units and seconds by what was done: "self-play", "matches", "fit".
        plain: likewise, of the sample of the plain loop, with "answers".
        units: the round's, by what was done.
        games: of the round.
    """

    seconds: float
    parts: dict[str, float]
    loop: dict[str, Played]
    plain: dict[str, Played]
    units: dict[str, int]
    games: int

    @property
    def plain_seconds(self) -> float:
        """What the plain loop would take for this round."""
        return sum(self.units[what] * took.seconds / took.units for what, took in self.plain.items())


class Measured:
    """Puts the clock around the rounds of runs, and lets the plain loop play after each.

    Attributes:
        rounds: what was measured.
        paused: seconds that went to the plain loop.
    """

    def __init__(self, seconds: float) -> None:
        self.rounds: list[Shares] = []
        self.paused = 0.0
        self._clock, self._fitted = Clock(), {}
        self._plain = PlainSandwich(seconds)
        clock, rounds = self._clock, running._Run
        clock.around_networks()
        for owner, name, part in (
            (Corpus, "to_pgn", "games written"),
            (Corpus, "to_parquet", "games written"),
            (supervised, "_batch", "batches"),
            (fine_tune, "save_tensors", "checkpoints"),
        ):
            clock.around(owner, name, part)
        running.fine_tune = self._remembering(running.fine_tune)  # type: ignore[attr-defined]
        clock.around(running, "fine_tune", "fit")
        clock.around(running, "play_match", "matches", stage=True)
        clock.around(rounds, "corpus", "playing", stage=True)
        clock.around(rounds, "student", "learning", stage=True)
        rounds.round_row = self._measuring(rounds.round_row)  # type: ignore[method-assign]

    def _remembering(self, fit: Callable[..., Any]) -> Callable[..., Any]:
        """The same fit; what was fitted is kept for the plain loop."""

        def remembered(start: Any, examples: Any, config: Any, **options: Any) -> Any:
            self._fitted = {"examples": examples, "config": config}
            return fit(start, examples, config, **options)

        return remembered

    def _measuring(self, round_row: Callable[..., Any]) -> Callable[..., Any]:
        def measured(run: Any, round: int) -> Any:
            if not self.rounds:
                method = type(run.who.method)
                self._clock.around(method, "examples", "examples")
            self._clock.seconds.clear()
            self._clock.asked.clear()
            began = time.perf_counter()
            row = round_row(run, round)
            seconds = time.perf_counter() - began
            began = time.perf_counter()
            self.rounds.append(self._shares(run, row, seconds))
            self.paused += time.perf_counter() - began
            return row

        return measured

    def _shares(self, run: Any, row: dict[str, Any], seconds: float) -> Shares:
        spent, folder = self._clock.seconds, run.folder
        matches = [MatchResult.from_dict(read_json(folder.match(row["round"], anchor))) for anchor in run.who.anchors]
        units = {
            "self-play": row["plies"],
            "matches": int(sum(match.plies.sum() for match in matches)),
            "answers": self._clock.asked["measuring"],
            "fit": row["steps"],
        }
        took = {"self-play": spent["playing"], "matches": spent["matches"], "fit": spent["fit"]}
        loop = {what: Played(units[what], took[what]) for what in took}
        parts = self._clock.parts(seconds)  # before the plain loop, whose networks are not these
        plain = self._plain.sample(run.who.puzzles, **self._fitted)
        return Shares(seconds, parts, loop, plain, units, row["games"])


def tables(measured: Measured, whole: float, pinned: str) -> list[Table]:
    """Speeds beside each other, in each round."""
    found = []
    for what, unit in (("self-play", "plies"), ("matches", "plies"), ("fit", "steps")):
        speeds = [
            {LOOP: r.loop[what].units / r.loop[what].seconds, PLAIN: r.plain[what].units / r.plain[what].seconds}
            for r in measured.rounds
        ]
        goal = Goal(LOOP, 20 if what == "self-play" else None, over=PLAIN)
        found.append(Table(what, unit, pinned, speeds, [goal], processor=[{}] * len(speeds)))
    rounds = [{LOOP: 1 / r.seconds, PLAIN: 1 / r.plain_seconds} for r in measured.rounds]
    goals = [Goal(LOOP, 20, over=PLAIN)]
    table = Table("a whole round", "rounds", pinned, rounds, goals, processor=[{}] * len(rounds))
    table.notes["rounds per hour"] = number(3600 * table.median(LOOP))
    table.notes["games per second of self-play"] = number(
        sum(r.games for r in measured.rounds) / sum(r.loop["self-play"].seconds for r in measured.rounds)
    )
    table.notes["seconds of the whole arm, round 0 with it"] = number(whole)
    table.notes["positions answered while H was measured"] = ", ".join(str(r.units["answers"]) for r in measured.rounds)
    table.notes["plies that the plain loop played, of each round's"] = ", ".join(
        f"{r.plain['self-play'].units:.0f} of {r.units['self-play']}" for r in measured.rounds
    )
    total = sum(r.seconds for r in measured.rounds)
    shares = {part: sum(r.parts[part] for r in measured.rounds) / total for part in PARTS}
    table.notes["shares"] = {part: round(share, 4) for part, share in shares.items()}
    return [*found, table]


def print_shares(table: Table) -> None:
    """The shares of a round, and what of it no network does."""
    shares = table.notes["shares"]
    rows = [[part, f"{share:.1%}"] for part, share in shares.items()]
    print()
    print_rows(["a round of sandwich run", "share"], rows)
    rest = sum(share for part, share in shares.items() if part.startswith("else"))
    print(f"  all that is no network: {rest:.1%} (goal: less than 15 %); the loss and the optimizer count as network")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--games", type=int, default=PlaySettings.games, help="in each round")
    parser.add_argument("--openings", type=int, default=EvaluateSettings.openings, help="of each match")
    parser.add_argument("--batch", type=int, default=LearnSettings.batch_size, help="examples a step")
    parser.set_defaults(rounds=3, seconds=10.0)


def main() -> None:
    args = arguments(__doc__, options)
    torch.set_num_threads(1)
    pinned, measured = machine.keep_to(1, args.cores), Measured(args.seconds)
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            out=Path(folder) / "run",
            advisor="honest",  # as in the plain loop
            rounds=args.rounds,
            device="cpu",
            play=PlaySettings(games=args.games, games_at_once=min(args.games, PlaySettings.games_at_once)),
            learn=LearnSettings(batch_size=args.batch),
            evaluate=EvaluateSettings(openings=args.openings),
        )
        began = time.perf_counter()
        running.start(config)
        whole = time.perf_counter() - began - measured.paused
    found = tables(measured, whole, pinned)
    report(found, args)
    print_shares(found[-1])


if __name__ == "__main__":
    main()
