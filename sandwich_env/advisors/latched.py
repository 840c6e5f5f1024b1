"""A trigger that, once it has fired in a game, fires for the rest of it."""

from __future__ import annotations

import numpy as np

from sandwich_env.advisors.advice import Advice, Query
from sandwich_env.advisors.schedules import Bools, Schedule
from sandwich_env.errors import SpecError
from sandwich_env.randomness import Streams
from sandwich_env.rules import NO_ACTION, Games
from sandwich_env.specs import Spec, from_spec


class Latched(Schedule):
    """Where a schedule fires now, or would have at an earlier turn of the same player, whether it asked then or not.

    No state is kept: the game is gone through again from its start at every query, so an answer does not depend on what
    was asked before it. That takes time in proportion to the plies played.

    Args:
        schedule: one that depends on the position alone (`Schedule.of_board`), its spec or its name.

    Raises:
        SpecError: a schedule that depends on more than the position.
    """

    of_board = True

    def __init__(self, schedule: Schedule | Spec) -> None:
        self.schedule = from_spec(schedule, Schedule, f"schedule of {self.kind!r}")
        if not self.schedule.of_board:
            raise SpecError(
                f"'latched' holds a schedule that depends on the position alone, such as 'material', not "
                f"{self.schedule!r}: what else was so at earlier turns cannot be known"
            )

    def due(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        fired = self.schedule.due(query, advice, rng)
        rows = np.flatnonzero(~fired)
        fired[rows] = self._fired_before(query.select(rows), advice.select(rows), rng.select(rows))
        return fired

    def _fired_before(self, query: Query, advice: Advice, rng: Streams) -> Bools:
        """Whether the schedule would have fired at an earlier turn, [N]; `advice` and `rng` are those of this turn."""
        now = query.games
        fired = np.zeros(len(query), dtype=np.bool_)
        games = Games.from_fens(now.start_fens(), max_plies=now.max_plies, claim_draws=now.claim_draws)
        lines = [now.played(i) for i in range(len(now))]
        for ply in range(int(now.ply.max(initial=0))):
            earlier = ply < now.ply
            asked = np.flatnonzero(earlier & (games.turn == now.turn) & ~fired)
            if len(asked):
                then = Query(games.select(asked), query.keys[asked], query.count[asked], query.asks)
                fired[asked] = self.schedule.due(then, advice.select(asked), rng.select(asked))
            games.step([int(line[ply]) if more else NO_ACTION for line, more in zip(lines, earlier, strict=True)])
        return fired
