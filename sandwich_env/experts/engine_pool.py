"""A pool of UCI engines that are asked about many positions at once, and replaced when they die, hang or lie.

python-chess speaks the protocol; one daemon thread runs its event loop for all engines of a pool.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import chess
import chess.engine

from sandwich_env.errors import EngineError, did_you_mean
from sandwich_env.experts.engine_lines import Line, parse_line

LOGGER = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a query is asked before the engine is given up."""

START_S = 30.0
"""How long an engine may take to start, and to take its options."""

PATIENCE_S = 5.0
"""How long an engine may take to answer once its time for a search is over, before it counts as hung."""

NODES_PER_HASH_MB = 50_000
"""How many nodes of a search are given one more megabyte of hash, where the options do not set it."""
MOST_HASH_MB = 256

_FAREWELL_S = 1.0
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


class _Uci(chess.engine.UciProtocol):
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


class _Engine:
    """One running engine process."""

    def __init__(self, command: tuple[str, ...], transport: asyncio.SubprocessTransport, protocol: _Uci) -> None:
        self.command = command
        self.transport = transport
        self.protocol = protocol

    @classmethod
    async def start(cls, command: tuple[str, ...], options: Mapping[str, Any], search: Search) -> _Engine:
        # In a process group of its own, so that Ctrl-C reaches the program, which then closes its engines.
        transport, protocol = await _Uci.popen(list(command), setpgrp=True, stderr=asyncio.subprocess.DEVNULL)
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
        return await analysis.wait()

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
            await asyncio.wait({self.protocol.returncode}, timeout=_FAREWELL_S)
            self.kill()
            await asyncio.wait({self.protocol.returncode}, timeout=_FAREWELL_S)


class _Slot:
    """The place of one engine in the pool; empty until it is first needed and after a death."""

    def __init__(self) -> None:
        self.engine: _Engine | None = None
        self.has_run = False

    def kill(self) -> None:
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.kill()


class EnginePool:
    """Up to `size` processes of one engine, started when they are needed.

    Args:
        command: the program and its arguments.
        size: how many engines work at the same time.
        options: UCI options, by name.
        search: the limits of every search.
    """

    def __init__(self, command: tuple[str, ...], size: int, options: Mapping[str, Any], search: Search) -> None:
        self.command = command
        self.name = ""
        self.restarts = 0
        self.cut_short = 0
        self._search = search
        self._options = dict(options)
        self._slots = [_Slot() for _ in range(size)]
        self._idle: asyncio.Queue[_Slot] = asyncio.Queue()
        for slot in self._slots:
            self._idle.put_nowait(slot)
        self._closed = False
        self.is_inherited = False
        self._close_lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_on_loop_error)
        self._thread = threading.Thread(target=self._loop.run_forever, name="uci engines", daemon=True)
        self._thread.start()
        _POOLS.add(self)

    def search(self, boards: Sequence[chess.Board]) -> list[Found]:
        """Ask about positions, none of which is the end of a game; the answers come in their order.

        Raises:
            EngineError: the engine cannot be run, or failed a query `ATTEMPTS` times; or the pool is closed.
        """
        if self._closed:
            raise EngineError(f"the engines {self.command[0]!r} are closed: make a new expert")
        future = asyncio.run_coroutine_threadsafe(self._search_all(boards), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _search_all(self, boards: Sequence[chess.Board]) -> list[Found]:
        found: dict[int, Found] = {}
        todo = deque(range(len(boards)))

        async def work() -> None:
            slot = await self._idle.get()
            try:
                while todo:
                    at = todo.popleft()
                    found[at] = await self._ask(slot, boards[at])
            except BaseException:
                todo.clear()
                raise
            finally:
                self._idle.put_nowait(slot)

        workers = [work() for _ in range(min(len(self._slots), len(boards)))]
        for outcome in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        self.cut_short += sum(one.cut_short for one in found.values())
        return [found[at] for at in range(len(boards))]

    async def _ask(self, slot: _Slot, board: chess.Board) -> Found:
        troubles: list[str] = []
        while len(troubles) < ATTEMPTS:
            try:
                engine = slot.engine or await self._start(slot)
                return await engine.search(board, self._search)
            except chess.engine.EngineError as error:
                slot.kill()
                troubles.append(str(error))
                LOGGER.warning("engine %r failed on %r: %s", self.command[0], board.fen(), error)
            except BaseException:
                # Cancelled in mid-search: what the engine says next would answer a question of the past.
                slot.kill()
                raise
        told = "; ".join(f"attempt {number}: {trouble}" for number, trouble in enumerate(troubles, start=1))
        raise EngineError(f"engine {self.command[0]!r} was asked {ATTEMPTS} times about {board.fen()!r}: {told}")

    async def _start(self, slot: _Slot) -> _Engine:
        try:
            engine = await _Engine.start(self.command, self._options, self._search)
        except OSError as error:
            raise EngineError(f"engine {self.command[0]!r} cannot be run: {error}") from error
        except chess.engine.EngineError as error:
            if slot.has_run:
                raise
            raise EngineError(
                f"{self.command[0]!r} does not start as a UCI engine: {error}; give the path of one"
            ) from error
        self.name = engine.protocol.id.get("name", self.command[0])
        self.restarts += slot.has_run
        slot.engine, slot.has_run = engine, True
        return engine

    def close(self) -> None:
        """End the engines and the thread. Safe to call twice, at exit, and in a forked child."""
        if threading.current_thread() is self._thread:  # the garbage collector may run here, and must not wait
            threading.Thread(target=self.close).start()
            return
        with self._close_lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._quit_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _quit_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.gather(*(slot.engine.quit() for slot in self._slots if slot.engine is not None))

    def disown(self) -> None:
        """In a forked child: the engines and the thread are the parent's."""
        self._closed = self.is_inherited = True
        _INHERITED.append(self)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Hand the waiting search an error that python-chess meets after it has returned the handle of the search."""
    protocol, error = context.get("protocol"), context.get("exception")
    if isinstance(protocol, _Uci) and protocol.analysis_now is not None and isinstance(error, chess.engine.EngineError):
        protocol.analysis_now.set_exception(error)
    else:
        loop.default_exception_handler(context)


_POOLS: weakref.WeakSet[EnginePool] = weakref.WeakSet()

_INHERITED: list[EnginePool] = []
"""Kept, since collecting the parent's pipes would also end the parent's watch over them: a fork shares its epoll."""


def _disown_all() -> None:
    for pool in list(_POOLS):
        pool.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
