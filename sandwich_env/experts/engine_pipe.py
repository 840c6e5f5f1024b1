"""The pipes of one engine while it searches: a thread writes a question and reads the answer, and nothing is between.

An engine tells every line of its search on its own, dozens in a millisecond. An event loop that wakes up for each of
them takes as long as the search itself; a thread that waits for the pipe hardly shows.
"""

from __future__ import annotations

import os
import weakref

import chess.engine

BESTMOVE = b"\nbestmove"
"""The answer's last line; a `readyok` always comes before it."""

CHUNK = 1 << 16


class EnginePipe:
    """Copies of the two ends that the program holds, so that nobody else closes them in the middle of an answer.

    Args:
        stdin: file descriptor of the pipe that the engine reads.
        stdout: of the one that it writes; nobody else reads it while a question is open.
    """

    def __init__(self, stdin: int, stdout: int) -> None:
        self._stdin, self._stdout = os.dup(stdin), os.dup(stdout)
        for end in (self._stdin, self._stdout):
            os.set_blocking(end, True)
        # An engine is killed from another thread than the one that reads here: they are closed when both are through.
        weakref.finalize(self, _close, self._stdin, self._stdout)

    def ask(self, lines: str) -> str:
        """Send lines of which the last starts a search; all that the engine says up to the end of its `bestmove` line.

        It waits for as long as the engine lives.

        Args:
            lines: UCI commands, each with its newline.

        Raises:
            chess.engine.EngineTerminatedError: the engine died, or was killed.
        """
        data = lines.encode()
        try:
            while data:
                data = data[os.write(self._stdin, data) :]
            heard, read = bytearray(), 0
            while chunk := os.read(self._stdout, CHUNK):
                heard += chunk
                at = heard.find(BESTMOVE, read)
                if at >= 0 and heard.find(b"\n", at + 1) >= 0:
                    return heard.decode(errors="replace")
                read = max(heard.rfind(b"\n"), 0)  # the last line may be cut anywhere: it is looked at again
        except ConnectionError as error:
            raise chess.engine.EngineTerminatedError("it died") from error
        raise chess.engine.EngineTerminatedError("it died")


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
