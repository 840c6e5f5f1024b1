"""Matches: two players, many openings, each played twice with colours swapped, all games at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError, IllegalActionError, InvalidPositionError
from sandwich_env.evaluation.records import game_to_pgn, termination_text
from sandwich_env.files import replacing
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams, UInt64s, mix
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS, Games
from sandwich_env.specs import check_count

Progress = Callable[[int, int], None]
"""Called with how many games are over and how many there are."""

MAX_PLIES = 400
"""A game that lasts longer is scored as a draw."""

BATCH_SIZE = 1024
"""Games that are played at the same time."""


@dataclass(frozen=True)
class MatchResult:
    """What came of a match of n openings. Each was played twice: first with `first` as White, then as Black.

    Attributes:
        first: name of the player whose points are counted.
        second: name of the other.
        openings: n FENs.
        scores: float64 [n, 2], points of `first` in each game of each pair: 1, 0.5 or 0.
        terminations: int8 [n, 2], a `rules.Termination` each.
        actions: 2 n arrays int16 [plies], what was played; game 2 i + k is game k of pair i. Empty where the games
            were not kept.
    """

    first: str
    second: str
    openings: tuple[str, ...]
    scores: NDArray[np.float64]
    terminations: NDArray[np.int8]
    plies: NDArray[np.int64]
    actions: tuple[NDArray[np.int16], ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.openings), 2)
        for name in ("scores", "terminations", "plies"):
            if getattr(self, name).shape != shape:
                raise DataError(f"{name} has shape {getattr(self, name).shape}, where {shape[0]} pairs were played")
        if np.any((self.scores != 0) & (self.scores != 0.5) & (self.scores != 1)):
            raise DataError("the scores of a match are 1, 0.5 and 0")
        if self.actions and len(self.actions) != self.scores.size:
            raise DataError(f"{self.scores.size} games were played, but {len(self.actions)} are recorded")

    @property
    def games(self) -> int:
        """How many games were played."""
        return self.scores.size

    @property
    def wins(self) -> int:
        """Games that `first` won."""
        return int(np.sum(self.scores == 1.0))

    @property
    def draws(self) -> int:
        """Games drawn, those cut off by the ply cap included."""
        return int(np.sum(self.scores == 0.5))

    @property
    def losses(self) -> int:
        """Games that `first` lost."""
        return int(np.sum(self.scores == 0.0))

    @property
    def score(self) -> float:
        """Points of `first` for each game played, 0 to 1."""
        return float(self.scores.mean())

    @property
    def pair_scores(self) -> NDArray[np.float64]:
        """Mean points of `first` in each pair, 0 to 1. [n]"""
        means: NDArray[np.float64] = self.scores.mean(axis=1)
        return means

    def to_dict(self, *, with_games: bool = False) -> dict[str, Any]:
        """Plain data for JSON, from which `from_dict` makes an equal result."""
        plain: dict[str, Any] = {
            "first": self.first,
            "second": self.second,
            "openings": list(self.openings),
            "scores": self.scores.tolist(),
            "terminations": self.terminations.tolist(),
            "plies": self.plies.tolist(),
        }
        if with_games:
            plain["actions"] = [actions.tolist() for actions in self.actions]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> MatchResult:
        """The result that `to_dict` wrote.

        Raises:
            DataError: an entry is missing, or does not fit the others.
        """
        missing = {"first", "second", "openings", "scores", "terminations", "plies"} - set(plain)
        if missing:
            raise DataError(f"the result of a match lacks {', '.join(map(repr, sorted(missing)))}")
        return cls(
            first=str(plain["first"]),
            second=str(plain["second"]),
            openings=tuple(plain["openings"]),
            scores=np.array(plain["scores"], dtype=np.float64).reshape(-1, 2),
            terminations=np.array(plain["terminations"], dtype=np.int8).reshape(-1, 2),
            plies=np.array(plain["plies"], dtype=np.int64).reshape(-1, 2),
            actions=tuple(np.array(actions, dtype=np.int16) for actions in plain.get("actions", ())),
        )

    def to_pgn(self, path: str | Path, *, event: str = "match") -> None:
        """Write the games down.

        Raises:
            DataError: the games were not kept.
            OSError: the file could not be written; what was there before is untouched.
        """
        if len(self.actions) != self.games:
            raise DataError("this result holds no games: it was read from data written without them")
        with replacing(path) as part, part.open("w", encoding="utf-8") as stream:
            for game, actions in enumerate(self.actions):
                stream.write(self._game_to_pgn(game, actions, event))

    def _game_to_pgn(self, game: int, actions: NDArray[np.int16], event: str) -> str:
        pair, seat = divmod(game, 2)
        score = self.scores[pair, seat]
        white, black = (self.first, self.second) if seat == 0 else (self.second, self.first)
        headers = {
            "Event": event,
            "Site": "sandwich_env",
            "Round": f"{pair + 1}.{seat + 1}",
            "White": white,
            "Black": black,
            "Termination": termination_text(self.terminations[pair, seat]),
        }
        outcome = 2.0 * score - 1.0 if seat == 0 else 1.0 - 2.0 * score
        return game_to_pgn(self.openings[pair], actions, outcome=outcome, headers=headers)


def play_match(
    first: Player,
    second: Player,
    openings: Sequence[str],
    *,
    seed: int,
    names: tuple[str, str] = ("first", "second"),
    max_plies: int = MAX_PLIES,
    batch_size: int = BATCH_SIZE,
    on_progress: Progress | None = None,
) -> MatchResult:
    """Play every opening twice, colours swapped. Nobody is advised.

    The games are played side by side, and each player is asked once a ply for all games in which it is to move. A
    game's random numbers depend on `seed`, its pair and its seat alone, so that the batch size changes nothing.

    Args:
        first: whose points are counted.
        second: its opponent.
        openings: FENs, one for each pair.
        seed: of the players' random numbers.
        names: of the two, for tables and PGN.
        max_plies: a game that lasts longer is a draw.
        batch_size: how many games are played at the same time, 2 or more.
        on_progress: called after each ply.

    Raises:
        DataError: no openings.
        InvalidPositionError: an opening that cannot be played from, such as one that is over.
        IllegalActionError: a player answered with an action that is not legal; the text names the player.
    """
    if len(openings) == 0:
        raise DataError("a match needs one opening or more")
    pairs_at_once = check_count("batch_size", batch_size, 2) // 2
    games = 2 * len(openings)
    parts: list[Games] = []
    for start in range(0, len(openings), pairs_at_once):
        pairs = np.arange(start, min(start + pairs_at_once, len(openings)))

        def report(over: int, before: int = 2 * start) -> None:
            if on_progress is not None:
                on_progress(before + over, games)

        batch = _Batch(openings, pairs, seed, max_plies)
        batch.play((first, second), names, report)
        parts.append(batch.games)
    outcome = np.concatenate([part.outcome for part in parts]).astype(np.float64).reshape(-1, 2)
    return MatchResult(
        first=names[0],
        second=names[1],
        openings=tuple(openings),
        scores=(1.0 + outcome * np.array([1.0, -1.0])) / 2.0,
        terminations=np.concatenate([part.termination for part in parts]).reshape(-1, 2),
        plies=np.concatenate([part.ply for part in parts]).reshape(-1, 2),
        actions=tuple(part.played(i).astype(np.int16) for part in parts for i in range(len(part))),
    )


class _Batch:
    """Some pairs of a match, side by side: game 2 i has the first player as White, game 2 i + 1 as Black."""

    def __init__(self, openings: Sequence[str], pairs: NDArray[np.int64], seed: int, max_plies: int) -> None:
        fens = [openings[pair] for pair in pairs for _ in range(2)]
        self.games = Games.from_fens(fens, max_plies=max_plies)
        if self.games.finished.any():  # would count as a game played, and as one that both played alike
            over = fens[int(np.argmax(self.games.finished))]
            raise InvalidPositionError(f"the game is over in the opening {over!r}: nobody can move there")
        self.keys: UInt64s = mix(seed, "match", np.repeat(pairs, 2), np.tile([0, 1], len(pairs)))
        self.first_is_white = np.tile([True, False], len(pairs))

    def play(self, players: tuple[Player, Player], names: tuple[str, str], report: Callable[[int], None]) -> None:
        """Play all games to their ends."""
        streams = [Streams(self.keys).child("player", seat) for seat in range(2)]
        ply = 0
        while not self.games.finished.all():
            actions = np.full(len(self.games), NO_ACTION, dtype=np.int64)
            first_moves = self.games.turn == self.first_is_white
            for seat, moves in enumerate((first_moves, ~first_moves)):
                rows = np.flatnonzero(moves & ~self.games.finished)
                if len(rows):
                    rng = streams[seat].select(rows).child(ply)
                    chosen = players[seat].act(self.games.select(rows), None, rng)
                    actions[rows] = _checked(chosen, len(rows), names[seat])
            try:
                self.games.step(actions)
            except IllegalActionError as error:
                who = names[0] if first_moves[self._first_illegal(actions)] else names[1]
                raise IllegalActionError(f"player {who!r} made no legal move: {error}") from error
            ply += 1
            report(int(self.games.finished.sum()))

    def _first_illegal(self, actions: NDArray[np.int64]) -> int:
        legal = self.games.legal_mask()
        inside = (actions >= 0) & (actions < NUM_ACTIONS)
        fine = (legal[np.arange(len(actions)), np.where(inside, actions, 0)] == 1) & inside
        return int(np.argmin(fine | (actions == NO_ACTION)))


def _checked(chosen: NDArray[np.int64], count: int, name: str) -> NDArray[np.int64]:
    actions = np.asarray(chosen)
    if actions.shape != (count,):
        raise IllegalActionError(f"player {name!r} was asked for {count} actions and gave shape {actions.shape}")
    if np.any(actions == NO_ACTION):
        raise IllegalActionError(f"player {name!r} gave no action in a game that is not over")
    return actions
