"""One UCI engine process: started, asked about a position, and ended. python-chess speaks the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import chess
import chess.engine

from sandwich_env.errors import EngineError, did_you_mean
from sandwich_env.experts.engine_lines import Line, parse_answer
from sandwich_env.experts.engine_questions import Question

START_S = 30.0
"""How long an engine may take to start, and to take its options."""

PATIENCE_S = 5.0
"""How long an engine may take to answer once its time for a search is over, before it counts as hung."""

NODES_PER_HASH_MB = 50_000
"""How many nodes of a search are given one more megabyte of hash, where the options do not set it."""
MOST_HASH_MB = 256

FAREWELL_S = 1.0
"""How long an engine that was told to quit may take."""


BESTMOVE = b"\nbestmove"
"""The answer's last line; a `readyok` always comes before it."""


@dataclass(frozen=True)
class Search:
    """What every search of a pool is limited to.

    Attributes:
        nodes: positions that the engine may look at.
        time: seconds that it may take.
        multipv: moves that it scores, the best ones.
        wdl: whether it is to give its own chances of a win, a draw and a loss with each score.
        patience: seconds beyond `time` after which it counts as hung.
    """

    nodes: int
    time: float
    multipv: int = 1
    wdl: bool = False
    patience: float = PATIENCE_S


@dataclass(frozen=True)
class Found:
    """What an engine found in a position.

    Attributes:
        best: its move.
        lines: the moves that it scored, in its own order of preference; at least one.
        cut_short: whether the clock, not the count of nodes, may have ended the search.
    """

    best: chess.Move
    lines: tuple[Line, ...]
    cut_short: bool

    def value(self, by_wdl: bool = False) -> float:
        """Expected result of the player to move, -1 to 1.

        A search may end on a move that has just overtaken the others and has no exact score of its own yet. It is
        then worth as much as the best of them.
        """
        own = next((line for line in self.lines if line.move == self.best), self.lines[0])
        return own.expected(by_wdl)


class Uci(chess.engine.UciProtocol):
    """python-chess's protocol, which starts the engine and sets its options; a search goes past it.

    Its own searches take a millisecond of Python each, and its parser plays out every line on a board, which takes
    longer than a short search does. Here a question is one write, and what the engine says is read when it is complete.
    """

    def __init__(self) -> None:
        super().__init__()
        self._answer: asyncio.Future[str] | None = None
        self._heard = bytearray()
        self._read = 0

    async def ask(self, lines: str) -> str:
        """Send lines of which the last starts a search; all that the engine says up to its `bestmove`."""
        if self.returncode.done():
            raise self._death()
        self._heard.clear()
        self._read = 0
        self._answer = self.loop.create_future()
        try:
            self._stdin().write(lines.encode())
            return await self._answer
        finally:
            self._answer = None

    def _stdin(self) -> Any:
        return cast("asyncio.SubprocessTransport", self.transport).get_pipe_transport(0)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        if self._answer is None or fd != 1:
            super().pipe_data_received(fd, data)
            return
        self._heard += cast("bytes", data)
        at = self._heard.find(BESTMOVE, self._read)
        if at < 0 or self._heard.find(b"\n", at + 1) < 0:
            self._read = max(self._heard.rfind(b"\n"), 0)  # the last line may be cut anywhere: it is looked at again
        elif not self._answer.done():
            self._answer.set_result(self._heard.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._death())

    def _death(self) -> chess.engine.EngineTerminatedError:
        return chess.engine.EngineTerminatedError(f"it died (exit code {self.returncode.result()})")


class Engine:
    """One running engine process."""

    def __init__(self, command: tuple[str, ...], transport: asyncio.SubprocessTransport, protocol: Uci) -> None:
        self.command = command
        self.transport = transport
        self.protocol = protocol

    @classmethod
    async def start(cls, command: tuple[str, ...], options: Mapping[str, Any], search: Search) -> Engine:
        # In a process group of its own, so that Ctrl-C reaches the program, which then closes its engines.
        transport, protocol = await Uci.popen(list(command), setpgrp=True, stderr=asyncio.subprocess.DEVNULL)
        engine = cls(command, transport, protocol)
        try:
            await engine._or_death(protocol.initialize(), START_S, "start")
            engine._check_options(options, search)
            await engine._or_death(protocol.configure(engine._options(options, search)), START_S, "take options")
            engine._settle(search)
        except BaseException:
            engine.kill()
            raise
        return engine

    def _check_options(self, options: Mapping[str, Any], search: Search) -> None:
        known = self.protocol.options
        for name in options:
            if name not in known:
                raise EngineError(f"{self.command[0]!r} has no option {name!r}: {did_you_mean(name, known)}")
            if known[name].is_managed():
                raise EngineError(f"the option {name!r} is set by the package: it cannot be given in options")
        if search.multipv > 1 and "MultiPV" not in known:
            raise EngineError(f"{self.command[0]!r} has no MultiPV: it needs multipv=1, not {search.multipv!r}")
        if search.wdl and "UCI_ShowWDL" not in known:
            raise EngineError(f"{self.command[0]!r} has no UCI_ShowWDL: it needs wdl=False")

    def _options(self, options: Mapping[str, Any], search: Search) -> dict[str, Any]:
        # More than one thread would make answers depend on the scheduler. The hash is cleared before each search, which
        # takes longer than a short search does if it is large.
        usual = {"Threads": 1, "Hash": min(1 + search.nodes // NODES_PER_HASH_MB, MOST_HASH_MB)}
        known = {name: value for name, value in usual.items() if name in self.protocol.options}
        return known | ({"UCI_ShowWDL": True} if search.wdl else {}) | dict(options)

    def _settle(self, search: Search) -> None:
        """Set what python-chess keeps for itself to set; the same in every search."""
        for name, value in (("Ponder", "false"), ("UCI_AnalyseMode", "true"), ("MultiPV", str(search.multipv))):
            if name in self.protocol.options:
                self.protocol.send_line(f"setoption name {name} value {value}")

    async def search(self, question: Question, search: Search) -> Found:
        """Ask about one position, as a new game, so that the answer does not depend on earlier ones.

        Raises:
            chess.engine.EngineError: the engine died, hung or answered nonsense.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        go = f"go nodes {search.nodes} movetime {max(int(1000 * search.time), 1)}"
        # The engine takes one line after the other: nothing is gained by waiting for its `readyok` in between, which
        # only marks where the answer begins.
        asked = asyncio.ensure_future(self.protocol.ask(f"ucinewgame\nisready\n{question.position}\n{go}\n"))
        alarm = loop.call_later(search.time + search.patience, asked.cancel)
        try:
            heard = await asked
        except asyncio.CancelledError:
            if loop.time() - started < search.time + search.patience:
                raise
            raise chess.engine.EngineError(f"it took more than {search.time + search.patience:g} s to answer") from None
        finally:
            alarm.cancel()
        elapsed = loop.time() - started
        best, lines = parse_answer(heard, search.multipv)
        return _checked(Found(best, lines, elapsed >= search.time), question, search)

    async def _or_death(self, doing: Any, seconds: float, what: str) -> Any:
        """The result of `doing`, unless the engine dies or the time is over first."""
        task = asyncio.ensure_future(doing)
        try:
            await asyncio.wait({task, self.protocol.returncode}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if self.protocol.returncode.done():
                raise chess.engine.EngineTerminatedError(f"it died (exit code {self.protocol.returncode.result()})")
            raise chess.engine.EngineError(f"it took more than {seconds:g} s to {what}")
        finally:
            task.cancel()

    def kill(self) -> None:
        """End the process, by its own handle, and close its pipes."""
        self.transport.close()

    async def quit(self) -> None:
        """Ask the engine to end, then make it."""
        if not self.protocol.returncode.done():
            self.protocol.send_line("quit")
            await asyncio.wait({self.protocol.returncode}, timeout=FAREWELL_S)
            self.kill()
            await asyncio.wait({self.protocol.returncode}, timeout=FAREWELL_S)


def _checked(found: Found, question: Question, search: Search) -> Found:
    """The answer, if it is one.

    Raises:
        chess.engine.EngineError: it holds no score, or a move that is not legal.
    """
    if not found.lines:
        raise chess.engine.EngineError("it gave no score")
    if not question.is_legal(found.best):
        raise chess.engine.EngineError(f"it chose an illegal uci: {found.best.uci()!r}")
    for line in found.lines:
        if line.move != found.best and not question.is_legal(line.move):
            raise chess.engine.EngineError(f"it scored the illegal move {line.move.uci()!r}")
        if search.wdl and line.wdl is None:
            raise chess.engine.EngineError("it gave a score without win, draw and loss")
    return found
