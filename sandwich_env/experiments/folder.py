"""The folder of a run: where each thing lies. A file that is there is whole, and is never computed again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandwich_env.errors import DataError, MissingExtraError, RunLockedError
from sandwich_env.files import write_atomically

COUNTED = ("inquiries", "expert_calls")
"""What is counted while the games of a round are played, besides what the corpus holds."""


@dataclass(frozen=True)
class RunFolder:
    """Paths in the folder of a run.

    Attributes:
        root: the folder itself.
    """

    root: Path

    @property
    def config(self) -> Path:
        """The run's config."""
        return self.root / "config.json"

    @property
    def about(self) -> Path:
        """What it ran on and with: versions, and the hashes of the weights."""
        return self.root / "about.json"

    @property
    def metrics(self) -> Path:
        """A line of JSON for each round, round 0 (H before it learnt) first."""
        return self.root / "metrics.jsonl"

    @property
    def seconds(self) -> Path:
        """How long each stage took. The one file that differs between two runs of one config."""
        return self.root / "seconds.json"

    @property
    def plots(self) -> Path:
        """The folder of the plots."""
        return self.root / "plots"

    @property
    def report(self) -> Path:
        """The report, one page."""
        return self.root / "report.html"

    def corpus(self, round: int) -> Path:
        """The games of a round, for programs."""
        return self.root / "corpus" / f"round_{round}.parquet"

    def games(self, round: int) -> Path:
        """The games of a round, for people."""
        return self.root / "games" / f"round_{round}.pgn"

    def checkpoint(self, round: int) -> Path:
        """H after a round."""
        return self.root / "checkpoints" / f"round_{round}.safetensors"

    def counts(self, round: int) -> Path:
        """What the answers of a round cost: questions beyond the protocol's, and positions E was asked about."""
        return self.root / "corpus" / f"round_{round}_counts.json"

    @property
    def anchors(self) -> Path:
        """What the anchors did against each other and on the puzzles."""
        return self.root / "anchors"

    def anchor_match(self, first: str, second: str) -> Path:
        """The match between two anchors."""
        return self.anchors / f"{first}_{second}.json"

    def anchor_puzzles(self, name: str) -> Path:
        """Which puzzles an anchor solves."""
        return self.anchors / f"puzzles_{name}.json"

    def anchor_loss(self, name: str) -> Path:
        """What the best moves of an anchor cost, position by position."""
        return self.anchors / f"loss_{name}.json"

    def match(self, round: int, anchor: str) -> Path:
        """The match of H after a round against an anchor."""
        return self.root / "matches" / f"round_{round}_{anchor}.json"

    def part(self, round: int, index: int) -> Path:
        """Some of the games of a round that is still being played."""
        return self.root / "unfinished" / f"round_{round}_part_{index}.parquet"

    def part_counts(self, round: int, index: int) -> Path:
        """What the answers in these games cost."""
        return self.root / "unfinished" / f"round_{round}_part_{index}_counts.json"

    def fit(self, round: int) -> Path:
        """The fit of a round that has not reached its last step."""
        return self.root / "unfinished" / f"round_{round}_fit.safetensors"

    @contextmanager
    def locked(self, *, inside: bool = True) -> Iterator[None]:
        """Keep every other process out. The system takes the lock back from a process that was killed.

        Args:
            inside: whether what killed processes left half written is removed from the folders inside too; not where
                others may be at work in these.

        Raises:
            RunLockedError: another process holds it.
            OSError: the folder cannot be made.
        """
        try:
            from filelock import FileLock, Timeout
        except ModuleNotFoundError as error:
            raise MissingExtraError(str(error.name), "train") from error
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RunLockedError(
                f"another process is at work on {str(self.root)!r}: wait for it to end, or give another folder"
            ) from error
        try:
            _sweep_out(self.root, inside)
            yield
        finally:
            lock.release()

    def read_config(self) -> dict[str, Any]:
        """The config that the run was started with.

        Raises:
            DataError: there is no run in this folder, or its config is damaged.
        """
        if not self.config.is_file():
            raise DataError(f"there is no run in {str(self.root)!r}: a run's folder holds a config.json")
        return read_json(self.config)

    def read_metrics(self) -> list[dict[str, Any]]:
        """The metrics of the rounds that are done; none where nothing was measured yet.

        Raises:
            DataError: the file is damaged.
        """
        if not self.metrics.is_file():
            return []
        lines = _text_of(self.metrics).splitlines()
        return [_parsed(line, f"{str(self.metrics)!r}, line {number}") for number, line in enumerate(lines, 1)]


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file.

    Raises:
        DataError: it holds something else, or is no text.
    """
    return _parsed(_text_of(path), repr(str(path)))


def _sweep_out(root: Path, inside: bool) -> None:
    """Remove what processes that were killed while they wrote have left; another may be at it, so that files vanish."""
    for place, folders, names in os.walk(root):
        for name in names:
            if name.startswith(".") and name.endswith(".partial"):
                Path(place, name).unlink(missing_ok=True)
        if not inside:
            folders.clear()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is damaged: {error}") from error


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{where} is damaged: {error}") from error
    if not isinstance(data, dict):
        raise DataError(f"{where} is damaged: it holds {data!r}, where a mapping is due")
    return data


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, in one step."""
    write_atomically(path, (json.dumps(data, indent=2) + "\n").encode())


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a line of JSON for each row, in one step."""
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows).encode())
