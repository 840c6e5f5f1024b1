"""A pool of UCI engines that are asked about many positions at once, and replaced when they die, hang or lie.

One daemon thread runs the event loop in which the engines of a pool are started and ended; while they search, each has
a thread that waits for its answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import chess.engine

from sandwich_env.errors import EngineError
from sandwich_env.experts.engine import FAREWELL_S, Answer, Engine, Found, Search
from sandwich_env.experts.engine_batch import Batch, Pace
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
        self._batches: set[Batch] = set()
        self._workers: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="uci engine")
        self.pace = Pace()
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
        future = asyncio.run_coroutine_threadsafe(self._search_all(questions), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _search_all(self, questions: Sequence[Callable[[], Question]]) -> list[Found]:
        batch = Batch(questions)
        self._batches.add(batch)
        workers = [asyncio.ensure_future(self._work(batch)) for _ in range(min(len(self._slots), len(questions)))]
        self._workers.update(workers)
        for worker in workers:
            worker.add_done_callback(self._workers.discard)
        try:
            found = await batch.done
        except BaseException:
            for worker in workers:
                worker.cancel()
            raise
        finally:
            self._batches.discard(batch)
        self.cut_short += sum(one.cut_short for one in found)
        return found

    async def _work(self, batch: Batch) -> None:
        """Let one engine take questions of a batch until all are answered."""
        try:
            slot = await self._free_slot(batch)
            try:
                while slot is not None and await batch.has_more(self.pace.overdue):
                    await self._answer(slot, batch)
            except BaseException:
                # Perhaps cancelled in mid-search: what the engine says next would answer a question of the past.
                self._kill(slot)
                raise
            finally:
                if slot is not None:
                    self._idle.put_nowait(slot)
        except Exception as error:
            batch.fail(error)

    async def _free_slot(self, batch: Batch) -> _Slot | None:
        """The next engine that is idle; None if the batch is over before."""
        waiting = asyncio.ensure_future(self._idle.get())
        try:
            both: set[asyncio.Future[Any]] = {waiting, batch.done}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not waiting.cancel():  # it came at the same moment
                self._idle.put_nowait(waiting.result())
            raise
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        return None

    async def _answer(self, slot: _Slot, batch: Batch) -> None:
        """Let an engine answer questions until none is left, or it fails one."""
        try:
            engine = slot.engine or await self._start(slot)
        except chess.engine.EngineError as error:
            for at in batch.take():
                self._note(batch, at, str(error))
            return
        searching = self._loop.run_in_executor(self._threads, self._ask_on, engine, batch)
        failed = await engine.watch(searching, self._search)
        if failed:
            told = [(at, await engine.told(trouble)) for at, trouble in failed.items()]
            self._kill(slot)
            for at, trouble in told:
                self._note(batch, at, trouble)

    def _ask_on(self, engine: Engine, batch: Batch) -> dict[int, chess.engine.EngineError]:
        """In a thread: some questions after the others, until none is left or some were failed: which, and how."""
        failed: dict[int, chess.engine.EngineError] = {}
        while not failed and (taken := batch.take(len(self._slots))):
            questions = {at: batch.questions[at]() for at in taken}
            answers: dict[int, Answer] = {}
            for at, question in questions.items():
                if failed:
                    batch.put_back(at)
                elif batch.is_open(at):
                    try:
                        answers[at] = engine.ask(question, self._search)
                        self.pace.note(answers[at].seconds)
                    except chess.engine.EngineError as error:
                        failed[at] = error
            for at, answer in answers.items():
                try:
                    batch.put(at, answer.read(questions[at], self._search))
                except chess.engine.EngineError as error:
                    failed[at] = error
        return failed

    def _note(self, batch: Batch, at: int, trouble: str) -> None:
        """Put a question that an engine failed back, unless it was failed too often or answered by another."""
        fen, troubles = batch.questions[at]().fen, batch.troubles[at]
        troubles.append(trouble)
        LOGGER.warning("engine %r failed on %r: %s", self.command[0], fen, trouble)
        if len(troubles) >= ATTEMPTS:
            told = "; ".join(f"attempt {number}: {text}" for number, text in enumerate(troubles, start=1))
            raise EngineError(f"engine {self.command[0]!r} was asked {ATTEMPTS} times about {fen!r}: {told}")
        batch.put_back(at)

    def _kill(self, slot: _Slot | None) -> None:
        engine = None if slot is None else slot.engine
        if slot is not None and engine is not None:
            slot.engine = None
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
        self._threads.shutdown()
        self._loop.close()

    async def _quit_all(self) -> None:
        for batch in self._batches:
            batch.fail(EngineError(f"the engines {self.command[0]!r} were closed before they answered"))
        workers = set(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
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
