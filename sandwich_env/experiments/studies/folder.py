"""The folder of a sweep: what lies where, who worked in it, and how far each arm has come."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.about import about
from sandwich_env.experiments.engine_marks import Engines, check_engines
from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.plain import differences
from sandwich_env.experiments.studies.folder_spent import spent_in_vain
from sandwich_env.experiments.studies.study import Study, study_from, study_to_plain

UNCOMPARED = ("attempts",)
"""Keys of a study that no result depends on."""

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

    def sign_in(
        self,
        study: Study,
        arms: int,
        weights: Mapping[str, str],
        files: Mapping[str, str],
        engines: Engines | None = None,
    ) -> str | None:
        """Write down which study runs here and with what, or see that it is the one that ran here before.

        Args:
            study: the study.
            arms: how many it has, so that a report can say so without making the study.
            weights: the SHA-256 of every file of weights, by the name it is given by.
            files: likewise of openings and puzzles.
            engines: what the engines are.

        Returns:
            A line for the reader, where another version of the package has worked here; None otherwise.

        Raises:
            SpecError: another study, or other weights, openings, puzzles or engines (the text names what differs), or
                the folder is a run's.
            DataError: what the sweep began with is damaged or gone.
        """
        mine = about(dict(weights)) | {"files": dict(files), "engines": dict(engines or {}), "arms": arms}
        if not self.study.is_file():
            if RunFolder(self.root).config.is_file():  # whose about.json would be overwritten
                raise SpecError(f"{str(self.root)!r} holds a run: give another folder")
            write_json(self.about, mine)
            write_json(self.study, study_to_plain(study))
            return None
        self._check_study(study)
        known = self._known()
        for part, what in (("weights", "the weights"), ("files", "the file")):
            for name, mark in mine[part].items():
                if known[part].get(name) != mark:
                    raise SpecError(
                        f"{what} {name!r} are not what the sweep in {str(self.root)!r} began with: "
                        f"put them back, or give another folder"
                    )
        if "engines" in known:  # earlier versions did not write them down
            check_engines(mine["engines"], known["engines"], f"the sweep in {str(self.root)!r}")
        return _other_versions(mine, known)

    def _known(self) -> dict[str, Any]:
        """What the sweep began with."""
        what = "with which weights and files the sweep began: put it back, or give another folder"
        if not self.about.is_file():
            raise DataError(f"{str(self.about)!r} is not there, which says {what}")
        known = read_json(self.about)
        if not all(isinstance(known.get(part, {}), dict) for part in ("weights", "files", "engines")):
            raise DataError(f"{str(self.about)!r} is damaged, which says {what}")
        return {"weights": {}, "files": {}} | known

    def _check_study(self, study: Study) -> None:
        recorded = study_from(read_json(self.study), repr(str(self.study)))
        mine, theirs = (
            {key: value for key, value in study_to_plain(one).items() if key not in UNCOMPARED}
            for one in (study, recorded)
        )
        changed = [f"{key} was {old!r} and is now {new!r}" for key, new, old in differences(mine, theirs)]
        if changed:
            raise SpecError(
                f"the sweep in {str(self.root)!r} was begun with another study: {'; '.join(changed)}. "
                f"Go on with the old one, or give another folder"
            )


def _other_versions(mine: Mapping[str, Any], known: Mapping[str, Any]) -> str | None:
    keys = ("sandwich_env", "python", "libraries")
    one, other = ({key: about.get(key) for key in keys} for about in (mine, known))
    changed = [f"{key} was {old} and is now {new}" for key, new, old in differences(one, other)]
    return f"Other versions than at the start: {'; '.join(changed)}." if changed else None


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
