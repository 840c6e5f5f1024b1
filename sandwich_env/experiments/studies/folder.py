"""The folder of a sweep: what lies where, and how far each arm has come."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError
from sandwich_env.experiments.folder import RunFolder, read_json
from sandwich_env.experiments.studies.folder_spent import spent_in_vain

MADE = ("corpus", "games", "checkpoints", "unfinished")
"""Folders of a finished arm that a sweep which keeps the numbers alone removes."""


@dataclass(frozen=True)
class SweepFolder:
    """Paths in the folder of a sweep.

    Attributes:
        root: the folder itself.
    """

    root: Path

    @property
    def study(self) -> Path:
        """The study; with it, the folder is a sweep's."""
        return self.root / "study.json"

    @property
    def about(self) -> Path:
        """What the sweep began with: versions, machine, the hashes of weights, files and engines."""
        return self.root / "about.json"

    @property
    def commands(self) -> Path:
        """What it was begun and gone on with, a line for each time."""
        return self.root / "commands.txt"

    @property
    def results(self) -> Path:
        """The table."""
        return self.root / "results.parquet"

    def arm(self, id: str) -> RunFolder:
        """The run of an arm."""
        return RunFolder(self.root / "arms" / id)

    def anchors(self, id: str) -> Path:
        """What anchors did against each other and on the puzzles; a folder of this name is whole."""
        return self.root / "anchors" / id

    def failure(self, id: str) -> Path:
        """Why an arm has failed; there is no such file for any other arm."""
        return self.arm(id).root / "failed.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other sweep out. The system takes the lock back from a process that was killed.

        Arms have locks of their own: processes of a sweep that was killed may still be ending there.

        Raises:
            RunLockedError: another process holds it.
            OSError: the folder cannot be made.
        """
        with RunFolder(self.root).locked(inside=False):
            yield

    def begun(self) -> set[str]:
        """The ids of the arms of which there is anything."""
        there = (path.name for path in self.root.glob("arms/*"))
        return {id for id in there if self._has_begun(id)}

    def _has_begun(self, id: str) -> bool:
        run = self.arm(id)
        return any(path.is_file() for path in (run.config, run.metrics, self.failure(id)))


@dataclass(frozen=True)
class Record:
    """How far an arm has come.

    Attributes:
        rows: the measures of its rounds, round 0 first.
        seconds: what each stage took, as `seconds.json` has it.
        failure: `failed.json`; None for an arm that has not failed.
        rounds: how many it is to have.
        in_vain: what an arm that has failed had spent on the round that it failed in, by the columns of a run's
            metrics, as far as its files tell.
    """

    rows: list[dict[str, Any]]
    seconds: dict[str, float]
    failure: dict[str, Any] | None
    rounds: int
    in_vain: Mapping[str, int] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """ "done", "unfinished", "failed" or "diverged"."""
        if len(self.rows) > self.rounds:
            return "done"
        return "unfinished" if self.failure is None else str(self.failure["status"])


def read_record(folder: SweepFolder, id: str, rounds: int) -> Record:
    """What the files of an arm say; nothing measured, where it has not begun. One with a damaged file has failed."""
    run, failure = folder.arm(id), folder.failure(id)
    try:
        rows, failed = _rounds_in(run), _failure_in(failure)
        return Record(
            rows=rows,
            seconds=_seconds_in(run.seconds),
            failure=failed,
            rounds=rounds,
            in_vain={} if failed is None or len(rows) > rounds else spent_in_vain(run, len(rows)),
        )
    except DataError as error:
        text = f"{error}: remove the folder {str(run.root)!r} to run the arm anew"
        return Record([], {}, {"status": "failed", "error": text, "traceback": ""}, rounds)


def anchors_seconds(folder: SweepFolder) -> float:
    """What the matches and measures took that arms share; 0 where it was not written down."""
    spent = 0.0
    for path in folder.root.glob("anchors/**/seconds.json"):
        try:
            spent += sum(_seconds_in(path).values())
        except (DataError, FileNotFoundError):  # an account that is damaged is no reason to stop; one may be moved
            continue
    return spent


def _rounds_in(run: RunFolder) -> list[dict[str, Any]]:
    rows = run.read_metrics()
    for round, row in enumerate(rows):
        if row.get("round") != round:
            raise DataError(f"{str(run.metrics)!r} is damaged: line {round + 1} is not of round {round}")
    return rows


def _seconds_in(path: Path) -> dict[str, float]:
    seconds = read_json(path) if path.is_file() else {}
    for stage, spent in seconds.items():
        if not stage.partition(" ")[0].isdigit() or not isinstance(spent, int | float):
            raise DataError(f"{str(path)!r} is damaged: {stage!r} took {spent!r}")
    return seconds


def _failure_in(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    failure = read_json(path)
    if failure.get("status") not in ("failed", "diverged") or "error" not in failure:
        raise DataError(f"{str(path)!r} is damaged: it does not say how the arm has failed")
    return failure


def tidy(root: Path) -> None:
    """Remove of a finished arm what it has made beside its numbers."""
    for name in MADE:
        shutil.rmtree(root / name, ignore_errors=True)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a folder of files: `target` is there, and on disk, when all of it is. One process at a time may do so."""
    if target.is_dir():
        return
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    settle(partial, target)


def settle(partial: Path, target: Path) -> None:
    """Give a folder its name when its files are on disk, so that one that has the name is whole.

    One that another process has put there meanwhile is as good, and stays.
    """
    for path in [*partial.rglob("*"), partial]:
        _to_disk(path)
    try:
        partial.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(partial)
    _to_disk(target.parent)


def _to_disk(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folder in this way, and keeps its own books of them
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
