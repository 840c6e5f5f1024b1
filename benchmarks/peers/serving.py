"""What all peers share: `serve(play, about)` answers the lines that the benchmark sends; see `remote.py`.

Nothing but the standard library is imported here: a peer's environment need hold nothing else.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable


def serve(play: Callable[[], int], **about: object) -> None:
    """Play when asked to, until the pipe is closed.

    Args:
        play: does a little, and returns how many units that was. It was warmed up before.
        about: facts for the report, such as the batch size.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    print(json.dumps(about), file=answers, flush=True)
    for line in sys.stdin:
        word, seconds = line.split()
        if word != "play":
            raise SystemExit(f"asked {line!r}: it should be 'play SECONDS'")
        units, started, worked = 0, time.perf_counter(), time.process_time()
        while (took := time.perf_counter() - started) < float(seconds):
            units += play()
        print(
            json.dumps({"units": units, "seconds": took, "processor": time.process_time() - worked}),
            file=answers,
            flush=True,
        )


def version(name: str) -> str:
    """Of an installed distribution, with its name."""
    return f"{name} {importlib.metadata.version(name)}"
