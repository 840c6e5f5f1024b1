"""One UCI engine process: started, asked about a position, and ended. python-chess speaks the protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import chess
import chess.engine

from sandwich_env.errors import EngineError, did_you_mean
from sandwich_env.experts.engine_lines import Line, parse_answer
from sandwich_env.experts.engine_pipe import EnginePipe
from sandwich_env.experts.engine_questions import Question

T = TypeVar("T")

START_S = 30.0
"""How long an engine may take to start, and to take its options."""

PATIENCE_S = 5.0
"""How long an engine may take to answer once its time for a search is over, before it counts as hung."""

NODES_PER_HASH_MB = 50_000
"""How many nodes of a search are given one more megabyte of hash, where the options do not set it."""
MOST_HASH_MB = 256

EVERY_MOVE = 218
"""The most legal moves that any position has (Petrovic 1964), so that so many lines are all of them."""

FAREWELL_S = 1.0
"""How long an engine that was told to quit may take."""


@dataclass(frozen=True)
class Search:
    """What every search of a pool is limited to.

    Attributes:
        nodes: positions that the engine may look at; with multipv="all", for each legal move.
        time: seconds that it may take.
        multipv: moves that it scores, the best ones; "all" for every legal move, without which an answer is refused.
        wdl: whether it is to give its own chances of a win, a draw and a loss with each score.
        patience: seconds beyond `time` after which it counts as hung.
    """

    nodes: int
    time: float
    multipv: int | Literal["all"] = 1
    wdl: bool = False
    patience: float = PATIENCE_S

    @property
    def lines(self) -> int:
        """How many lines the engine is asked for."""
        return EVERY_MOVE if self.multipv == "all" else self.multipv

    def nodes_for(self, question: Question) -> int:
        """Positions that the engine may look at for one question."""
        return self.nodes * question.moves if self.multipv == "all" else self.nodes


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

    @property
    def line(self) -> Line:
        """The line of the engine's move.

        A search may end on a move that has just overtaken the others and has no exact score of its own yet. It is
        then worth as much as the best of them.
        """
        return next((line for line in self.lines if line.move == self.best), self.lines[0])

    def value(self, by_wdl: bool = False) -> float:
        """Expected result of the player to move, -1 to 1."""
        return self.line.expected(by_wdl)


@dataclass(frozen=True)
class Answer:
    """What an engine said to a question, not read yet.

    Attributes:
        heard: all of it, `bestmove` included.
        seconds: that it took.
    """

    heard: str
    seconds: float

    def read(self, question: Question, search: Search) -> Found:
        """What it means.

        Raises:
            chess.engine.EngineError: it is nonsense: no move or none that is legal, or no score.
        """
        best, lines = parse_answer(self.heard, search.lines, by_move=search.multipv == "all")
        if not lines:
            raise chess.engine.EngineError("it gave no score")
        if not question.is_legal(best):
            raise chess.engine.EngineError(f"it chose an illegal uci: {best.uci()!r}")
        for line in lines:
            if line.move != best and not question.is_legal(line.move):
                raise chess.engine.EngineError(f"it scored the illegal move {line.move.uci()!r}")
            if search.wdl and line.wdl is None:
                raise chess.engine.EngineError("it gave a score without win, draw and loss")
        if search.multipv == "all" and len(lines) < question.moves:
            raise chess.engine.EngineError(
                f"it scored {len(lines)} of {question.moves} legal moves with {search.nodes} nodes for each"
            )
        return Found(best, lines, self.seconds >= search.time)


class Engine:
    """One running engine process."""

    def __init__(
        self, command: tuple[str, ...], transport: asyncio.SubprocessTransport, protocol: chess.engine.UciProtocol
    ) -> None:
        self.command = command
        self.transport = transport
        self.protocol = protocol
        self.pipe: EnginePipe | None = None
        self._deadline = 0.0
        self._hung = ""

    @classmethod
    async def start(cls, command: tuple[str, ...], options: Mapping[str, Any], search: Search) -> Engine:
        # In a process group of its own, so that Ctrl-C reaches the program, which then closes its engines.
        transport, protocol = await chess.engine.UciProtocol.popen(
            list(command), setpgrp=True, stderr=asyncio.subprocess.DEVNULL
        )
        engine = cls(command, transport, protocol)
        try:
            await engine._or_death(protocol.initialize(), START_S, "start")
            engine._check_options(options, search)
            await engine._or_death(protocol.configure(engine._options(options, search)), START_S, "take options")
            engine._settle(search)
            engine.pipe = engine._take_over()
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
        if search.lines > 1 and "MultiPV" not in known:
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
        for name, value in (("Ponder", "false"), ("UCI_AnalyseMode", "true"), ("MultiPV", self._multipv(search))):
            if name in self.protocol.options:
                self.protocol.send_line(f"setoption name {name} value {value}")

    def _multipv(self, search: Search) -> int:
        """So many lines as are asked for; for all, as many as the engine can give."""
        most = self.protocol.options["MultiPV"].max if "MultiPV" in self.protocol.options else None
        return min(search.lines, most) if search.multipv == "all" and most is not None else search.lines

    def _take_over(self) -> EnginePipe:
        """From now on a thread reads what the engine says."""
        ends = [self.transport.get_pipe_transport(fd) for fd in (0, 1)]
        cast("asyncio.ReadTransport", ends[1]).pause_reading()
        stdin, stdout = (cast("asyncio.BaseTransport", end).get_extra_info("pipe").fileno() for end in ends)
        return EnginePipe(stdin, stdout)

    def ask(self, question: Question, search: Search) -> Answer:
        """Ask about one position, as a new game, so that the answer does not depend on earlier ones.

        Called in a thread of its own. Killing the engine ends it.

        Raises:
            chess.engine.EngineError: the engine died or was killed.
        """
        if self.pipe is None:
            raise chess.engine.EngineTerminatedError("it was not started")
        started = time.monotonic()
        self._deadline = started + search.time + search.patience
        go = f"go nodes {search.nodes_for(question)} movetime {max(int(1000 * search.time), 1)}"
        # The engine takes one line after the other: nothing is gained by waiting for its `readyok` in between, which
        # only marks where the answer begins.
        heard = self.pipe.ask(f"ucinewgame\nisready\n{question.position}\n{go}\n")
        return Answer(heard, time.monotonic() - started)

    async def watch(self, searching: asyncio.Future[T], search: Search) -> T:
        """The result of searches that begin now, in a thread; one that takes too long gets the engine killed."""
        self._deadline = time.monotonic() + search.time + search.patience
        while not searching.done():
            left = self._deadline - time.monotonic()
            if left <= 0:
                self._hung = f"it took more than {search.time + search.patience:g} s to answer"
                self.kill()
                return await searching
            await asyncio.wait({searching}, timeout=left)  # by then there may be another search, with more time
        return searching.result()

    async def told(self, error: chess.engine.EngineError) -> str:
        """What an error text says of the end of this engine, its exit code where it has died."""
        if self._hung:
            return self._hung
        if isinstance(error, chess.engine.EngineTerminatedError):
            self._listen()
            await asyncio.wait({self.protocol.returncode}, timeout=FAREWELL_S)
            if self.protocol.returncode.done():
                return f"{error} (exit code {self.protocol.returncode.result()})"
        return str(error)

    def _listen(self) -> None:
        """Let the event loop read the pipe again, so that it notices the end of the process."""
        pipe = self.transport.get_pipe_transport(1)
        if pipe is not None and not self.transport.is_closing():
            cast("asyncio.ReadTransport", pipe).resume_reading()

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
            self._listen()
            await asyncio.wait({self.protocol.returncode}, timeout=FAREWELL_S)
            self.kill()
            await asyncio.wait({self.protocol.returncode}, timeout=FAREWELL_S)
