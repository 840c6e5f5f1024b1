"""An advisor as a player: A itself at the board, an anchor to measure H against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advisor, Query, VisibleAdvice
from sandwich_env.experts.base import Expert
from sandwich_env.oversight.disclosures import Disclosures, check_rating
from sandwich_env.oversight.protocols import Protocol
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

MOST_GAMES = 1 << 16
"""Games whose lies are remembered, the latest played in; more in a batch that is larger."""

_FIRST_PLIES = 2
"""So many plies at the start of a game are the players' first turns."""


class AdvisorPlayer(Player):
    """Plays the move that an advisor recommends, having asked it at every one of its turns.

    It counts how many of a game's answers were tampered with, for the schedule 'budget'. A game is known by the
    `origin` of its random numbers, and followed from its first turn: of one met later the count is not known.

    Args:
        advisor: whose moves are played.
        proposer: the expert whose best move and value the advisor is told as its player's own; None: it is told none.
        rating: the player's Elo, as the advisor is told; None: it is not told.
        watch: at which turns the advisor is told that it is watched; None: it is never told anything of it.

    Raises:
        SpecError: an argument is not what it should be.
    """

    def __init__(
        self,
        advisor: Advisor,
        proposer: Expert | None = None,
        rating: float | None = None,
        watch: Protocol | None = None,
    ) -> None:
        self.advisor = from_spec(advisor, Advisor, f"advisor of {self.kind!r}")
        self.proposer = None if proposer is None else from_spec(proposer, Expert, f"proposer of {self.kind!r}")
        self.rating = check_rating(rating, f"rating of {self.kind!r}")
        self.watch = None if watch is None else from_spec(watch, Protocol, f"watch of {self.kind!r}")
        self._disclosures = Disclosures(proposer=self.proposer, rating=rating, watch=self.watch)
        self._lies = _Lies()

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        # One query a turn, and turns alternate: after p plies the mover has had p // 2 of them. One object may play
        # both sides of a game, of which each has a count, and random numbers, of its own.
        turns = games.ply // 2
        keys = mix(rng.origin, "advisor_player", games.turn)
        query = Query(
            games=games,
            keys=keys,
            count=turns,
            asks="move",
            in_parts=True,  # whoever plays by moves alone does not say that values would be of no use
            lies=self._lies.so_far(keys, games.ply),
            **self._disclosures.told(games, turns, keys),
        )
        answer = self.advisor.advise(query)
        self._lies.note(keys, games.ply, answer.provenance.tampered)
        return answer.move

    def close(self) -> None:
        self.advisor.close()
        if self.proposer is not None:
            self.proposer.close()


class _Lies:
    """How many of the answers in each game were tampered with, by the game's key."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int, int]] = {}  # ply of the last answer, lies before it, lies with it

    def so_far(self, keys: UInt64s, plies: NDArray[np.integer]) -> NDArray[np.int64] | None:
        """How many there were before this ply of each game, [N]; None where one was not followed from its start."""
        counts = [self._of(key, ply) for key, ply in zip(keys.tolist(), plies.tolist(), strict=True)]
        known = [count for count in counts if count is not None]
        return np.array(known, dtype=np.int64) if len(known) == len(counts) else None

    def _of(self, key: int, ply: int) -> int | None:
        if ply < _FIRST_PLIES:
            return 0
        last, before, after = self._known.get(key, (ply + 1, 0, 0))
        if last > ply:
            return None
        return before if last == ply else after  # asked again about a position, it is no second answer

    def note(self, keys: UInt64s, plies: NDArray[np.integer], tampered: NDArray[np.bool_]) -> None:
        """The answers at these plies, and whether each was tampered with."""
        for key, ply, lie in zip(keys.tolist(), plies.tolist(), tampered.tolist(), strict=True):
            before = self._of(key, ply)
            self._known.pop(key, None)  # the latest comes last
            if before is not None:
                self._known[key] = ply, before, before + lie
        while len(self._known) > max(MOST_GAMES, len(keys)):
            del self._known[next(iter(self._known))]
