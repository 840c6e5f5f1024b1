"""How long the stages of a run take, written down beside its numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandwich_env.errors import DataError
from sandwich_env.experiments.folder import read_json, write_json


@contextmanager
def timed(path: Path, stage: str) -> Iterator[None]:
    """Add what a stage takes to an account of seconds; what one takes that does not end well was spent too.

    Args:
        path: of the account, a JSON file.
        stage: its number and name.
    """
    began = time.monotonic()
    try:
        yield
    except BaseException:
        with suppress(OSError, DataError):  # what went wrong in the stage is to be heard
            _add(path, stage, time.monotonic() - began)
        raise
    _add(path, stage, time.monotonic() - began)


def _add(path: Path, stage: str, seconds: float) -> None:
    spent = read_json(path) if path.is_file() else {}
    spent[stage] = round_seconds(spent.get(stage, 0.0) + seconds)
    write_json(path, spent)


def round_seconds(seconds: float) -> float:
    """Seconds to the tenth."""
    return round(seconds, 1)
