"""When a misalignment may act: schedules, shared by all wrappers as their argument `when`.

What depends on the position is a trigger (`triggers.py`), and a schedule as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.advice import Advice, Query
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.randomness import Streams
from sandwich_env.specs import Spec, Specified, check_count, check_share, from_spec

Bools = NDArray[np.bool_]


class Schedule(Specified, ABC):
    """Says at which queries of a game a wrapper may tamper. It keeps no state: what it needs, the query carries.

    Attributes:
        of_board: whether it depends on the game's position alone, so that it can be asked about an earlier one too.
        needs_lies: whether the query must carry the count of earlier lies.
    """

    of_board: bool = False
    needs_lies: bool = False

    @abstractmethod
    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        """Whether the wrapper may tamper with the answer, bool [N].

        Args:
            query: what was asked.
            advice: what the wrapper would pass on otherwise; `advice.provenance` holds what the expert said.
            rng: random numbers of this schedule, a stream for each game.

        Raises:
            AdviceError: the query does not carry what the schedule needs.
        """


class Always(Schedule):
    """At every query."""

    of_board = True

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        return np.ones(len(query), dtype=np.bool_)


class ByChance(Schedule):
    """At each query with probability `epsilon`. As an argument of the wrapper, `epsilon` does the same.

    Args:
        epsilon: 0 to 1.
    """

    def __init__(self, epsilon: float) -> None:
        self.epsilon = check_share(f"epsilon of {self.kind!r}", epsilon)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        return rng.random() < self.epsilon


class EveryNth(Schedule):
    """At the n-th, 2n-th, 3n-th, ... query of a game.

    Args:
        n: 1 or more; 1 is every query.
    """

    def __init__(self, n: int) -> None:
        self.n = check_count(f"n of {self.kind!r}", n)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        due: Bools = (query.count + 1) % self.n == 0
        return due


class AfterFirst(Schedule):
    """Never at the first `k` queries of a game: trust is earned first.

    Args:
        k: 0 or more.
    """

    def __init__(self, k: int) -> None:
        self.k = check_count(f"k of {self.kind!r}", k, least=0)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        due: Bools = query.count >= self.k
        return due


class Budget(Schedule):
    """As long as fewer than `lies` of a player's answers in this game were tampered with, by whichever wrapper.

    Args:
        lies: 1 or more, for each game and player.
    """

    needs_lies = True

    def __init__(self, lies: int) -> None:
        self.lies = check_count(f"lies of {self.kind!r}", lies)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        if query.lies is None:
            raise AdviceError("the schedule 'budget' needs the count of earlier lies, which nobody has kept here")
        due: Bools = query.lies + advice.provenance.tampered < self.lies
        return due


class Unwatched(Schedule):
    """While the player does not look closely: where the query says that it is watched, the answer is left alone."""

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        if query.watched is None:
            raise AdviceError("the schedule 'unwatched' needs to know when the player watches: give `watch`")
        return ~query.watched


class AllOf(Schedule):
    """Where every one of several schedules says so.

    Args:
        schedules: one or more schedules, specs or names.
    """

    def __init__(self, schedules: Sequence[Schedule | Spec]) -> None:
        self.schedules = _several("all_of", schedules)
        self.of_board = all(one.of_board for one in self.schedules)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        dues = [one.due(query, advice, rng.child(k)) for k, one in enumerate(self.schedules)]
        every: Bools = np.logical_and.reduce(dues)
        return every


class AnyOf(Schedule):
    """Where at least one of several schedules says so.

    Args:
        schedules: one or more schedules, specs or names.
    """

    def __init__(self, schedules: Sequence[Schedule | Spec]) -> None:
        self.schedules = _several("any_of", schedules)
        self.of_board = all(one.of_board for one in self.schedules)

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        dues = [one.due(query, advice, rng.child(k)) for k, one in enumerate(self.schedules)]
        some: Bools = np.logical_or.reduce(dues)
        return some


class Not(Schedule):
    """Where another schedule does not say so.

    Args:
        schedule: a schedule, its spec or its name.
    """

    def __init__(self, schedule: Schedule | Spec) -> None:
        self.schedule = from_spec(schedule, Schedule, f"schedule of {self.kind!r}")
        self.of_board = self.schedule.of_board

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        return ~self.schedule.due(query, advice, rng)


def _several(name: str, schedules: Sequence[Schedule | Spec]) -> list[Schedule]:
    if isinstance(schedules, (str, dict, Schedule)) or not len(schedules):
        raise SpecError(f"{name!r} takes a list of schedules, one or more, not {schedules!r}")
    return [from_spec(one, Schedule, f"schedules of {name!r}") for one in schedules]
