"""Contestants in processes of their own: peers whose libraries live in another environment.

The process runs a script that answers lines: `play 0.5` with `{"units": 123, "seconds": 0.51}`. Between its turns it
waits for the next line and takes no time from the others. It inherits the cores that the benchmark is kept to.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, Any

from harness import ContestantError, Played

START_S = 300.0
"""How long a peer may take to start, to compile and to warm up."""

PATIENCE_S = 60.0
"""How long it may take beyond the seconds that it was asked to play."""

FAREWELL_S = 1.0
"""How long it may take to end once it has closed its pipes."""

TOLD_LINES = 3
"""How many of the last lines of its errors are told when it dies."""


class Remote:
    """A process that plays when it is asked to.

    Args:
        command: the program and its arguments.
        start: seconds that it may take until it is ready.
        patience: seconds that it may take beyond those of a turn.

    Attributes:
        about: what it says of itself: its versions, its batch size.

    Raises:
        ContestantError: it does not start.
    """

    def __init__(self, command: Sequence[str], start: float = START_S, patience: float = PATIENCE_S) -> None:
        self._patience = patience
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
            )
        except OSError as error:
            raise ContestantError(f"{command[0]!r} cannot be run: {error}") from error
        self.about: dict[str, Any] = self._answer(start)

    def __call__(self, seconds: float) -> Played:
        if self._process.poll() is not None:
            raise ContestantError(f"it has ended (exit code {self._process.returncode})")
        try:
            self._process.stdin.write(f"play {seconds!r}\n")  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise self._death("it is gone") from error
        answer = self._answer(seconds + self._patience)
        return Played(float(answer["units"]), float(answer["seconds"]), answer.get("processor"))

    def _answer(self, seconds: float) -> dict[str, Any]:
        """The next answer of the process, which is killed if it takes too long; what its libraries print is skipped."""
        alarm = threading.Timer(seconds, self._process.kill)
        alarm.start()
        try:
            for line in iter(self._process.stdout.readline, ""):  # type: ignore[union-attr]
                with contextlib.suppress(ValueError):
                    answer = json.loads(line)
                    if isinstance(answer, dict):
                        return answer
        finally:
            alarm.cancel()
        raise self._death(f"it gave no answer within {seconds:g} s")

    def _death(self, what: str) -> ContestantError:
        with contextlib.suppress(subprocess.TimeoutExpired):  # whose pipes are closed is about to end by itself
            self._process.wait(FAREWELL_S)
        self._process.kill()
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-TOLD_LINES:]
        self.close()
        return ContestantError(f"{what} (exit code {code})" + "".join(f"; {line.strip()}" for line in last))

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:  # what was still to be written has nobody to read it
                    continue

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
