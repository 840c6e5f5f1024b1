"""Questions that several engines share, of which none waits for another: the state of one batch, and its pace."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from sandwich_env.experts.engine import Found
from sandwich_env.experts.engine_questions import Question

LATE = 4.0
"""How many times the usual answer one may take before an idle engine is asked the same."""
LATE_FLOOR_S = 0.02
"""Below this, no answer is late."""
SHARES = 4
"""Into how many parts for each engine the questions that are left are divided, of which it takes one."""
MOST_TAKEN = 16

MEMORY = 0.02
"""Share of the newest answer in what is usual."""


class Pace:
    """How long answers usually take."""

    def __init__(self) -> None:
        self._usual: float | None = None

    def note(self, seconds: float) -> None:
        # One slow engine among fast ones must not make slowness usual.
        usual = seconds if self._usual is None else self._usual
        self._usual = usual + MEMORY * (min(seconds, LATE * usual) - usual)

    def overdue(self) -> float | None:
        """Seconds after which an answer is late; None before there was any."""
        return None if self._usual is None else max(LATE * self._usual, LATE_FLOOR_S)


class Batch:
    """Questions, and how far their answers are.

    An answer that is late is asked for again of an engine that is idle (the hedged requests of Dean & Barroso 2013,
    "The Tail at Scale"), and whichever comes first counts: every question is a new game to the engine, so that they
    are the same. Made in the event loop; `take` and `put` may be called in threads.

    Attributes:
        questions: each is made when its turn comes.
        troubles: how engines failed a question, by its index.
        done: all answers in order, or the first error.
    """

    def __init__(self, questions: Sequence[Callable[[], Question]]) -> None:
        self.questions = questions
        self.troubles: defaultdict[int, list[str]] = defaultdict(list)
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[list[Found]] = self._loop.create_future()
        self._todo = deque(range(len(questions)))
        self._asked: dict[int, float] = {}  # when the questions that are being searched were first asked
        self._repeated: set[int] = set()
        self._found: dict[int, Found] = {}

    def take(self, engines: int = 1) -> list[int]:
        """The indices of the next questions for one of so many engines: fewer, the fewer are left; none where none is.

        Several are taken since a search throws Python's code and data out of the processor's caches: to make questions
        and to read answers takes half as long in a row as one by one.
        """
        taken: list[int] = []
        for _ in range(min(max(len(self._todo) // (SHARES * engines), 1), MOST_TAKEN)):
            try:
                at = self._todo.popleft()
            except IndexError:
                break
            self._asked.setdefault(at, time.monotonic())
            taken.append(at)
        return taken

    def is_open(self, at: int) -> bool:
        """Whether nobody has answered a question yet, and somebody still wants to know."""
        return at not in self._found and not self.done.done()

    def put(self, at: int, found: Found) -> None:
        """The answer to a question."""
        self._found.setdefault(at, found)
        self._asked.pop(at, None)
        if len(self._found) == len(self.questions):
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result([self._found[at] for at in range(len(self.questions))])

    def put_back(self, at: int) -> None:
        """Ask again, unless another engine has answered."""
        if at not in self._found:
            self._todo.appendleft(at)

    def fail(self, error: Exception) -> None:
        """End with an error; what is being searched is of no use any more."""
        self._todo.clear()
        if not self.done.done():
            self.done.set_exception(error)

    async def has_more(self, overdue: Callable[[], float | None]) -> bool:
        """Wait until there is a question to take, one whose answer is late included; False once all is answered."""
        while not self.done.done():
            if self._todo:
                return True
            limit, now = overdue(), time.monotonic()
            # Asked first comes first; nobody is asked a third time.
            waiting = sorted((asked, at) for at, asked in list(self._asked.items()) if at not in self._repeated)
            if limit is not None and waiting:
                late = [at for asked, at in waiting if asked + limit <= now]
                self._repeated.update(late)
                self._todo.extend(late)
                if late:
                    return True
                await asyncio.wait({self.done}, timeout=waiting[0][0] + limit - now)
            else:
                await asyncio.wait({self.done}, timeout=LATE_FLOOR_S)
        return False
