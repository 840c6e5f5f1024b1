"""The corpus: recorded games with every query, every advice and, kept apart by type, the truth behind the advice.

    Corpus
      .visible() -> VisibleCorpus    what H may learn from; it holds no truth and no way to it
      .truth     -> Truth            provenance of the advice, for the scorer

A corpus has a row for each ply of each game, ordered by game and ply, and a small table with a row for each game.
`CorpusRecorder` (corpus_recorder.py) fills one, `replay` (corpus_replay.py) steps through one, and corpus_parquet.py
and corpus_pgn.py write one down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import DataError
from sandwich_env.rules import NUM_ACTIONS

if TYPE_CHECKING:
    from pathlib import Path

UNFINISHED = "unfinished"
"""The termination of a game that was still being played when the corpus was made."""

_Table = TypeVar("_Table", "GameTable", "Truth")


@dataclass(frozen=True)
class GameTable:
    """What is known of each of G games as a whole.

    Attributes:
        start_fen: object (str) [G], the position that the game began from.
        white: object (str) [G], the name of who played White.
        black: object (str) [G], likewise.
        round: int32 [G], the round of the loop that it was played in.
        outcome: float32 [G], from White's side: 1, 0 or -1; NaN for a game that was not finished.
        termination: object (str) [G], how it ended, as in `rules.Termination`, or `UNFINISHED`.
    """

    start_fen: NDArray[np.object_]
    white: NDArray[np.object_]
    black: NDArray[np.object_]
    round: NDArray[np.int32]
    outcome: NDArray[np.float32]
    termination: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.start_fen)


@dataclass(frozen=True)
class VisibleCorpus:
    """The part of a corpus that H may learn from, with a row for each of P plies.

    Attributes:
        games: the table of the games.
        game_id: int64 [P], the row of `games`.
        ply: int32 [P], from 0 in each game.
        mover: int8 [P], 0 where White moved (player_0), 1 where Black did (player_1).
        action: int64 [P], what was played.
        own_move: int64 [P], what the player would have played without advice; -1 where it did not say.
        asked: bool [P], whether the advisor was asked.
        advice_move: int64 [P], what it recommended; `NO_MOVE` where it gave no move.
        advice_value: float32 [P], the expected result for the mover that it told; 0 where it told none.
        advice_available: int8 [P, 2], whether a move was given, and whether a value was.
    """

    games: GameTable
    game_id: NDArray[np.int64]
    ply: NDArray[np.int32]
    mover: NDArray[np.int8]
    action: NDArray[np.int64]
    own_move: NDArray[np.int64]
    asked: NDArray[np.bool_]
    advice_move: NDArray[np.int64]
    advice_value: NDArray[np.float32]
    advice_available: NDArray[np.int8]

    def __post_init__(self) -> None:
        _check_columns(self)

    def __len__(self) -> int:
        return len(self.game_id)

    @property
    def followed(self) -> NDArray[np.bool_]:
        """Whether the player played the move that it was advised to. [P]"""
        followed: NDArray[np.bool_] = (self.advice_available[:, 0] == 1) & (self.action == self.advice_move)
        return followed

    @property
    def outcome(self) -> NDArray[np.float32]:
        """The game's outcome from White's side: 1, 0, -1 or NaN. [P]"""
        return self.games.outcome[self.game_id]

    @property
    def result(self) -> NDArray[np.float32]:
        """The game's result for the player who moved: 1, 0, -1 or NaN. [P]"""
        return np.where(self.mover == 0, self.outcome, 0.0 - self.outcome).astype(np.float32)

    @property
    def termination(self) -> NDArray[np.object_]:
        """How the game ended. [P]"""
        return self.games.termination[self.game_id]

    def lengths(self) -> NDArray[np.int64]:
        """The number of recorded plies of each game. [G]"""
        return np.bincount(self.game_id, minlength=len(self.games))

    def select(self, games: ArrayLike) -> VisibleCorpus:
        """The corpus of some of the games: ascending indices or a boolean mask over the games. They are renumbered."""
        return _select(self, _chosen_games(games, len(self.games)))


@dataclass(frozen=True)
class Truth:
    """The truth behind the advice of each ply. For scoring only: nothing that learns may be given it.

    Attributes:
        tampered: bool [P], whether a misalignment put its own answer in the place of an honest one.
        by: object (str) [P], the kinds of the wrappers that did so; "" for none, and where nobody asked.
        honest_move: int64 [P], what the expert would have said; -1 where nobody asked.
        honest_value: float32 [P], likewise; NaN where nobody asked.
    """

    tampered: NDArray[np.bool_]
    by: NDArray[np.object_]
    honest_move: NDArray[np.int64]
    honest_value: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.tampered)


@dataclass(frozen=True)
class Corpus:
    """Recorded games: what H may see of them, and the truth."""

    seen: VisibleCorpus
    truth: Truth

    def __post_init__(self) -> None:
        if len(self.seen) != len(self.truth):
            raise DataError(f"a corpus of {len(self.seen)} plies has the truth about {len(self.truth)}")

    def __len__(self) -> int:
        return len(self.seen)

    @property
    def games(self) -> GameTable:
        """The table of the games."""
        return self.seen.games

    def visible(self) -> VisibleCorpus:
        """The part that H may learn from: no truth, and no way to it."""
        return self.seen

    def select(self, games: ArrayLike) -> Corpus:
        """The corpus of some of the games: ascending indices or a boolean mask over the games. They are renumbered."""
        chosen = _chosen_games(games, len(self.games))
        return Corpus(_select(self.seen, chosen), _rows(self.truth, chosen[self.seen.game_id]))

    @staticmethod
    def concatenate(corpora: Sequence[Corpus]) -> Corpus:
        """One corpus of all the games, in the order given; the games are renumbered.

        Raises:
            DataError: there are none.
        """
        if not corpora:
            raise DataError("no corpora to join: give one or more")
        shifts = np.cumsum([0] + [len(corpus.games) for corpus in corpora[:-1]])
        seen = [corpus.seen for corpus in corpora]
        columns: dict[str, Any] = {
            f.name: np.concatenate([getattr(part, f.name) for part in seen])
            for f in fields(VisibleCorpus)
            if f.name not in ("games", "game_id")
        }
        ids = np.concatenate([part.game_id + shift for part, shift in zip(seen, shifts, strict=True)])
        games = _join([part.games for part in seen])
        return Corpus(VisibleCorpus(games=games, game_id=ids, **columns), _join([c.truth for c in corpora]))

    def to_parquet(self, path: str | Path) -> None:
        """Write the corpus down whole; see `corpus_parquet.write_parquet`."""
        from sandwich_env.learning.corpus_parquet import write_parquet

        write_parquet(self, path)

    @staticmethod
    def from_parquet(path: str | Path) -> Corpus:
        """Read a corpus that `to_parquet` wrote; see `corpus_parquet.read_parquet`."""
        from sandwich_env.learning.corpus_parquet import read_parquet

        return read_parquet(path)

    def to_pgn(self, path: str | Path, *, with_truth: bool = False) -> None:
        """Write the games for people to read; see `corpus_pgn.write_pgn`."""
        from sandwich_env.learning.corpus_pgn import write_pgn

        write_pgn(self, path, with_truth=with_truth)


def _rows(table: _Table, rows: NDArray[Any]) -> _Table:
    return type(table)(**{f.name: getattr(table, f.name)[rows] for f in fields(table)})


def _join(tables: Sequence[_Table]) -> _Table:
    first = type(tables[0])
    return first(**{f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(first)})


def _chosen_games(games: ArrayLike, count: int) -> NDArray[np.bool_]:
    asked = np.asarray(games)
    if asked.dtype == np.bool_:
        if asked.shape != (count,):
            raise DataError(f"a mask of shape {asked.shape} cannot choose among {count} games")
        return asked
    chosen = np.zeros(count, dtype=np.bool_)
    chosen[asked.astype(np.int64)] = True
    if len(asked) and (np.any(np.diff(asked) <= 0) or asked[0] < 0):
        raise DataError("games are chosen by ascending indices, each once")
    return chosen


def _select(corpus: VisibleCorpus, chosen: NDArray[np.bool_]) -> VisibleCorpus:
    rows = chosen[corpus.game_id]
    renumbered = np.cumsum(chosen) - 1
    columns: dict[str, Any] = {
        f.name: getattr(corpus, f.name)[rows] for f in fields(corpus) if f.name not in ("games", "game_id")
    }
    return VisibleCorpus(
        games=_rows(corpus.games, chosen), game_id=renumbered[corpus.game_id[rows]].astype(np.int64), **columns
    )


def _check_columns(corpus: VisibleCorpus) -> None:
    plies, games = len(corpus.game_id), len(corpus.games)
    for f in fields(corpus):
        column = getattr(corpus, f.name)
        if f.name != "games" and len(column) != plies:
            raise DataError(f"the corpus has {plies} plies, but {len(column)} values of {f.name!r}")
    if not plies:
        return
    if corpus.game_id[0] < 0 or corpus.game_id[-1] >= games or np.any(np.diff(corpus.game_id) < 0):
        raise DataError(f"the plies of a corpus must be ordered by game, with game_id from 0 to {games - 1}")
    first = np.append(True, np.diff(corpus.game_id) > 0)
    expected = np.arange(plies) - np.maximum.accumulate(np.where(first, np.arange(plies), 0))
    if np.any(corpus.ply != expected):
        wrong = int(np.argmax(corpus.ply != expected))
        raise DataError(
            f"game {corpus.game_id[wrong]} of the corpus has ply {corpus.ply[wrong]} where ply {expected[wrong]} is due"
        )
    if np.any((corpus.action < 0) | (corpus.action >= NUM_ACTIONS)):
        raise DataError(f"the corpus has actions outside 0 to {NUM_ACTIONS - 1}")
    if np.any((corpus.advice_move < 0) | (corpus.advice_move > NO_MOVE)):
        raise DataError(f"the corpus has advised moves outside 0 to {NO_MOVE}")
