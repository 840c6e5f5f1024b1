"""One UCI engine process: started, asked about a position, and ended. python-chess speaks the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import chess
import chess.engine

from sandwich_env.errors import EngineError, did_you_mean
from sandwich_env.experts.engine_lines import Line, parse_line

START_S = 30.0
"""How long an engine may take to start, and to take its options."""

PATIENCE_S = 5.0
"""How long an engine may take to answer once its time for a search is over, before it counts as hung."""

NODES_PER_HASH_MB = 50_000
"""How many nodes of a search are given one more megabyte of hash, where the options do not set it."""
MOST_HASH_MB = 256

FAREWELL_S = 1.0
"""How long an engine that was told to quit may take."""


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
    """python-chess's protocol, which also keeps the last exact score of each line.

    Its own parser plays out every line on a board, which takes longer than a short search does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scored: dict[int, Line] = {}
        self.analysis_now: chess.engine.AnalysisResult | None = None

    def line_received(self, line: str) -> None:
        parsed = parse_line(line) if line.startswith("info ") else None
        if parsed is not None:
            self.scored[parsed.rank] = parsed


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

    async def search(self, board: chess.Board, search: Search) -> Found:
        """Ask about one position, as a new game, so that the answer does not depend on earlier ones.

        Raises:
            chess.engine.EngineError: the engine died, hung or answered nonsense.
        """
        started = asyncio.get_running_loop().time()
        self.protocol.scored = {}
        best = await self._or_death(self._analyse(board, search), search.time + search.patience, "answer")
        elapsed = asyncio.get_running_loop().time() - started
        lines = tuple(self.protocol.scored[rank] for rank in sorted(self.protocol.scored))
        if best.move is None:
            raise chess.engine.EngineError("it gave no move")
        if not lines:
            raise chess.engine.EngineError("it gave no score")
        for line in lines:
            if line.move not in board.legal_moves:
                raise chess.engine.EngineError(f"it scored the illegal move {line.move.uci()!r}")
            if search.wdl and line.wdl is None:
                raise chess.engine.EngineError("it gave a score without win, draw and loss")
        return Found(best.move, lines, elapsed >= search.time)

    async def _analyse(self, board: chess.Board, search: Search) -> chess.engine.BestMove:
        limit = chess.engine.Limit(nodes=search.nodes, time=search.time)
        analysis = await self.protocol.analysis(
            board, limit, multipv=search.multipv, game=object(), info=chess.engine.INFO_NONE
        )
        self.protocol.analysis_now = analysis
        # python-chess must find the end of the search open when the engine dies, even after the wait was given up.
        finished = asyncio.ensure_future(analysis.wait())
        finished.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(finished)

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
