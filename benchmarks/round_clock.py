"""A clock around the parts of `sandwich run`: its stages, the networks in them, and what else takes time."""

from __future__ import annotations

import functools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandwich_env.nets.running import NetworkRunner

PARTS = (
    "networks playing",
    "networks learning",
    "networks measuring",
    "else, playing",
    "else, games written",
    "else, examples and batches",
    "else, measuring",
    "else",
)


@dataclass
class Clock:
    """Seconds of a round by its stages and by what was done in them.

    Attributes:
        stage: the one that is going on.
        seconds: of stages ("playing"), and of what is told apart in them ("network, playing").
        asked: positions that were run through a network, by stage.
    """

    stage: str = "measuring"
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    asked: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - began

    def around(self, owner: Any, name: str, part: str, *, stage: bool = False) -> None:
        """Time a function of a module or a class from now on; `stage` says that it is one."""
        function: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before, self.stage = self.stage, part if stage else self.stage
            try:
                with self.timed(part):
                    return function(*args, **kwargs)
            finally:
                self.stage = before

        setattr(owner, name, timed)

    def around_networks(self) -> None:
        """Time the networks' answers, and count the positions, by stage."""
        run_legal = NetworkRunner.run_legal

        def timed(runner: NetworkRunner, planes: Any, *given: Any) -> Any:
            self.asked[self.stage] += len(planes)
            with self.timed(f"network, {self.stage}"):
                return run_legal(runner, planes, *given)

        NetworkRunner.run_legal = timed  # type: ignore[method-assign]

    def parts(self, whole: float) -> dict[str, float]:
        """The seconds of a round that took `whole`, by `PARTS`."""
        s = self.seconds
        parts = {
            "networks playing": s["network, playing"],
            "networks learning": s["fit"] - s["batches"] - s["checkpoints"] + s["network, learning"],
            "networks measuring": s["network, matches"] + s["network, measuring"],
            "else, playing": s["playing"] - s["network, playing"] - s["games written"],
            "else, games written": s["games written"],
            "else, examples and batches": s["examples"] - s["network, learning"] + s["batches"],
            "else, measuring": whole - s["playing"] - s["learning"] - s["network, matches"] - s["network, measuring"],
        }
        return parts | {"else": whole - sum(parts.values())}
