"""`sandwich demo`: what H learns through five assistants, from the shipped networks alone.

Each arm is a run like any other, in a folder of its own, and can be gone on from. The arms take turns in a few
processes with a thread each: that is quicker than threads within one, and the numbers do not depend on it.
"""

from __future__ import annotations

import io
import multiprocessing
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from sandwich_env.experiments.config import EvaluateSettings, LearnSettings, PlaySettings, RunConfig
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.measure import Row
from sandwich_env.experiments.plots import Series
from sandwich_env.experiments.progress import Lines, Reporter, Update, new_bars
from sandwich_env.experiments.report import cell, compare, redraw
from sandwich_env.experiments.run import measure_anchors, resume, start
from sandwich_env.experiments.workers import begin_worker
from sandwich_env.files import write_atomically
from sandwich_env.specs import Spec, check_count

ARMS: dict[str, Spec | None] = {
    "no advisor": None,
    "honest": "honest",
    "random move 0.5": {"kind": "random_move", "epsilon": 0.5},
    "random move 0.9": {"kind": "random_move", "epsilon": 0.9},
    "policy noise 3": {"kind": "policy_noise", "scale": 3.0},
}
"""The assistants that H learns through, by the name of the arm."""


@dataclass(frozen=True, kw_only=True)
class DemoConfig:
    """The size of the demo. Its defaults take minutes on two cores."""

    out: Path = Path("runs/demo")
    """The folder of the arms, the plots and the report. A demo that was stopped goes on when it is started again."""
    expert: str = "expert"
    """E: the shipped one, or weights (.safetensors)."""
    novice: str = "novice"
    """H at the start, likewise."""
    rounds: int = 2
    """How often H plays, learns and is measured, in each arm."""
    games: int = 200
    """Games in each round."""
    openings: int = 60
    """Openings of each match; each is played twice, with colours swapped."""
    seed: int = 0
    """Of everything that is random."""
    processes: int = 2
    """Arms that are at work at once. The numbers do not depend on it."""

    def __post_init__(self) -> None:
        for name in ("rounds", "games", "openings", "processes"):
            check_count(name, getattr(self, name))
        check_count("seed", self.seed, least=0)

    def arm(self, name: str) -> RunConfig:
        """The run of an arm."""
        return RunConfig(
            out=self.out / name.replace(" ", "_"),
            expert=self.expert,
            novice=self.novice,
            advisor=ARMS[name],
            rounds=self.rounds,
            seed=self.seed,
            device="cpu",
            play=PlaySettings(games=self.games, games_at_once=self.games),
            learn=LearnSettings(learning_rate=1e-3, batch_size=128),
            evaluate=EvaluateSettings(openings=self.openings, anchors=("novice", "expert")),
        )


def demo(config: DemoConfig, console: Console) -> dict[str, list[Row]]:
    """Run the arms that are not done, then print the table and draw the plots; returns each arm's rows.

    Raises:
        SandwichError: an arm could not be made or gone on with.
        OSError: a file could not be written. What was recorded is whole, and the demo goes on from there.
    """
    began = time.monotonic()
    console.print(
        f"H learns through {len(ARMS)} assistants, {config.rounds} rounds of {config.games} games each, "
        f"in {str(config.out)!r}.",
        highlight=False,
    )
    _share_anchors(config, console)
    rows = _run_arms(config, console)
    runs = [Series(name, rows[name]) for name in ARMS]
    for name in ARMS:
        redraw(config.arm(name).out, name)
    text = "Each arm begins with the same H and is measured without advice."
    report = compare(runs, config.out, "H through five assistants", text)
    _print_results(runs, config, report, console)
    console.print(f"{time.monotonic() - began:.0f} seconds in all.", highlight=False)
    return rows


def _share_anchors(config: DemoConfig, console: Console) -> None:
    """Measure E and H against each other once, and hand the result to every arm: it is the same for all of them."""
    first, *others = (config.arm(name) for name in ARMS)
    measure_anchors(first, Lines(console))
    source = RunFolder(first.out).anchors
    for arm in others:
        target = RunFolder(arm.out).anchors
        if not target.is_dir():
            partial = target.with_name(target.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(source, partial)
            partial.rename(target)


def _run_arms(config: DemoConfig, console: Console) -> dict[str, list[Row]]:
    # A process that is forked after torch has begun would hang; a new one imports what it needs.
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with ExitStack() as stack:
        processes = min(config.processes, len(ARMS))
        pool = stack.enter_context(ProcessPoolExecutor(processes, context, _begin_process, (queue,)))
        board: _Board = stack.enter_context(_Bars(console)) if console.is_terminal else _Plain(console)
        futures = {name: pool.submit(_run_arm, name, config.arm(name)) for name in ARMS}
        try:
            while not all(future.done() for future in futures.values()):
                wait(futures.values(), timeout=0.2)
                _show(queue, board)
                for future in futures.values():
                    if future.done():
                        future.result()  # the first error ends the demo
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            for future in futures.values():
                future.cancel()
            for process in multiprocessing.active_children():
                process.terminate()
            raise


_queue: Any = None
"""In a process that runs arms: to the one that shows what they do."""


def _begin_process(queue: Any) -> None:
    global _queue  # noqa: PLW0603 - a queue reaches a pool's processes in no other way
    _queue = queue
    begin_worker()


def _run_arm(name: str, config: RunConfig) -> list[Row]:
    reporter = _Messages(name, _queue)
    if RunFolder(config.out).config.is_file():
        return resume(config.out, config, reporter)
    return start(config, reporter)


def _show(queue: Any, board: _Board) -> None:
    while not queue.empty():
        board.show(*queue.get())


class _Messages(Reporter):
    """Sends what an arm is doing to the process that shows it, a few times a second at the most."""

    def __init__(self, arm: str, queue: Any) -> None:
        self._arm = arm
        self._queue = queue

    def stage(self, name: str, total: int) -> Update:
        self._queue.put((self._arm, name, 0, total))
        sent = time.monotonic()

        def update(done: int) -> None:
            nonlocal sent
            if done >= total or time.monotonic() - sent > 0.3:
                sent = time.monotonic()
                self._queue.put((self._arm, name, done, total))

        return update

    def say(self, text: str) -> None:
        self._queue.put((self._arm, text, 0, 0))


class _Board(ABC):
    """Shows what the arms say; a total of 0 marks a line to keep."""

    @abstractmethod
    def show(self, arm: str, text: str, done: int, total: int) -> None:
        """An arm has done so much of so much of what the text says."""


class _Plain(_Board):
    """For logs and pipes: the lines to keep alone."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, arm: str, text: str, done: int, total: int) -> None:
        if total == 0:
            self._console.print(f"{arm}: {text}", highlight=False, markup=False, soft_wrap=True)


class _Bars(_Board):
    """For terminals: a bar for each arm, and the lines to keep above them."""

    def __init__(self, console: Console) -> None:
        self._progress: Progress = new_bars(console)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        self._tasks = {name: self._progress.add_task(f"{name}: waiting", total=None) for name in ARMS}
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def show(self, arm: str, text: str, done: int, total: int) -> None:
        if total == 0:
            self._progress.console.print(f"{arm}: {text}", highlight=False, markup=False)
        else:
            self._progress.update(self._tasks[arm], description=f"{arm}, {text}", completed=done, total=total)


HEADINGS = {"Elo of H": "elo", "PGR": "pgr", "puzzles": "puzzles", "as E": "agreement", "advice": "advice_honest"}
"""The table's columns after the arm's name, and the measures in them. Eighty characters must do for all."""

WITH_INTERVAL = ("elo", "pgr")


def results_table(runs: Sequence[Series]) -> Table:
    """A row for each arm after its last round."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("arm", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        row = run.rows[-1]
        short = (cell(row, column) if column in WITH_INTERVAL else _share(row, column) for column in HEADINGS.values())
        table.add_row(run.name, *short)
    return table


def _share(row: Row, column: str) -> str:
    return cell(row, column).split(" ")[0]


def _print_results(runs: Sequence[Series], config: DemoConfig, report: Path, console: Console) -> None:
    begin, table = runs[0].rows[0], results_table(runs)
    lines = [
        "H after its last round, playing without advice. Elo above its start and PGR with 95 % intervals;",
        "puzzles: share solved; as E: moves that E would play; advice: moves advised that E would have advised.",
        f"At the start H was {cell(begin, 'elo_expert')[1:]} Elo below E, solved {_share(begin, 'puzzles')} of the "
        f"puzzles and played {_share(begin, 'agreement')} of its moves as E.",
    ]
    lines += [f"{run.name}: no PGR. {run.rows[-1]['pgr_refused']}" for run in runs if run.rows[-1]["pgr_refused"]]
    console.print(table)
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    plain = Console(width=80, record=True, file=io.StringIO())
    plain.print(table)
    write_atomically(config.out / "table.txt", plain.export_text().encode())
    console.print(
        f"\nPlot:    {config.out / 'plots' / 'arms.png'}\nReport:  {report}\n"
        f"Games:   {config.arm('honest').out / 'games'}\n"
        "Next:    sandwich run --help (your own advisor, protocol and sizes), docs/experiments.md",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
