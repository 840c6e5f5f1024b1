"""A pool of UCI engines that are asked about many positions at once, and replaced when they die, hang or lie.

One daemon thread runs the event loop of all engines of a pool.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import chess.engine

from sandwich_env.errors import EngineError
from sandwich_env.experts.engine import FAREWELL_S, Engine, Found, Search
from sandwich_env.experts.engine_questions import Question

LOGGER = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a query is asked before the engine is given up."""


class _Slot:
    """The place of one engine in the pool; empty until it is first needed and after a death."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.has_run = False


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
        self._searches: set[asyncio.Task[list[Found]]] = set()
        self._killed: set[asyncio.Future[int]] = set()
        self._closed = False
        self.is_inherited = False
        self._close_lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="uci engines", daemon=True)
        self._thread.start()
        _POOLS.add(self)

    def search(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
        """Ask about positions, none of which is the end of a game; the answers come in their order.

        Args:
            questions: each is made when its turn comes.

        Raises:
            EngineError: the engine cannot be run, or failed a query `ATTEMPTS` times; or the pool is closed.
        """
        if self._closed:
            raise EngineError(f"the engines {self.command[0]!r} are closed: make a new expert")
        future = asyncio.run_coroutine_threadsafe(self._registered(questions), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _registered(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
        task = asyncio.ensure_future(self._search_all(questions))
        self._searches.add(task)
        task.add_done_callback(self._searches.discard)
        return await task

    async def _search_all(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
        found: dict[int, Found] = {}
        todo = deque(range(len(questions)))

        async def work() -> None:
            slot = await self._idle.get()
            try:
                while todo:
                    at = todo.popleft()
                    found[at] = await self._ask(slot, questions[at]())
            except BaseException:
                todo.clear()
                raise
            finally:
                self._idle.put_nowait(slot)

        workers = [work() for _ in range(min(len(self._slots), len(questions)))]
        for outcome in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        self.cut_short += sum(one.cut_short for one in found.values())
        return [found[at] for at in range(len(questions))]

    async def _ask(self, slot: _Slot, question: Question) -> Found:
        troubles: list[str] = []
        while len(troubles) < ATTEMPTS:
            try:
                engine = slot.engine or await self._start(slot)
                return await engine.search(question, self._search)
            except chess.engine.EngineError as error:
                self._kill(slot)
                troubles.append(str(error))
                LOGGER.warning("engine %r failed on %r: %s", self.command[0], question.fen, error)
            except BaseException:
                # Cancelled in mid-search: what the engine says next would answer a question of the past.
                self._kill(slot)
                raise
        told = "; ".join(f"attempt {number}: {trouble}" for number, trouble in enumerate(troubles, start=1))
        raise EngineError(f"engine {self.command[0]!r} was asked {ATTEMPTS} times about {question.fen!r}: {told}")

    def _kill(self, slot: _Slot) -> None:
        engine, slot.engine = slot.engine, None
        if engine is not None:
            engine.kill()
            self._killed.add(engine.protocol.returncode)
            engine.protocol.returncode.add_done_callback(self._killed.discard)

    async def _start(self, slot: _Slot) -> Engine:
        try:
            engine = await Engine.start(self.command, self._options, self._search)
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
        for task in self._searches:
            task.cancel()
        await asyncio.gather(*self._searches, return_exceptions=True)
        await asyncio.gather(*(slot.engine.quit() for slot in self._slots if slot.engine is not None))
        if self._killed:
            await asyncio.wait(self._killed, timeout=FAREWELL_S)

    def disown(self) -> None:
        """In a forked child: the engines and the thread are the parent's."""
        self._closed = self.is_inherited = True
        _INHERITED.append(self)


_POOLS: weakref.WeakSet[EnginePool] = weakref.WeakSet()

_INHERITED: list[EnginePool] = []
"""Kept, since collecting the parent's pipes would also end the parent's watch over them: a fork shares its epoll."""


def _disown_all() -> None:
    for pool in list(_POOLS):
        pool.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
