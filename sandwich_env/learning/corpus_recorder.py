"""Fills a corpus while a batch of games is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import NO_MOVE, Provenance, VisibleAdvice
from sandwich_env.errors import DataError
from sandwich_env.evaluation.records import termination_text
from sandwich_env.learning.corpus import UNFINISHED, Corpus, GameTable, Truth, VisibleCorpus


class CorpusRecorder:
    """Fills a corpus while a batch of games is played.

    Example:
        >>> recorder = CorpusRecorder()
        >>> ids = recorder.begin([chess.STARTING_FEN] * 64, white="H", black="H", round=1)
        >>> recorder.append(ids[moved], actions, own_move=proposals, asked=due, advice=seen, provenance=truth)
        >>> recorder.end(ids[over], outcome, termination)
        >>> corpus = recorder.build()
    """

    def __init__(self) -> None:
        self._start_fen: list[str] = []
        self._white: list[str] = []
        self._black: list[str] = []
        self._round: list[int] = []
        self._outcome: list[float] = []
        self._termination: list[str] = []
        self._blacks_start: list[int] = []
        self._plies: list[int] = []
        self._ended: list[bool] = []
        self._columns: dict[str, list[NDArray[Any]]] = {}

    def __len__(self) -> int:
        """The number of games begun."""
        return len(self._start_fen)

    def begin(self, start_fens: Sequence[str], *, white: str, black: str, round: int = 0) -> NDArray[np.int64]:
        """Begin games from these positions; the ids to record them under come back. [M]"""
        first = len(self)
        for fen in start_fens:
            self._start_fen.append(fen)
            self._blacks_start.append(int(fen.split()[1] == "b"))
        count = len(start_fens)
        self._white += [white] * count
        self._black += [black] * count
        self._round += [round] * count
        self._outcome += [float("nan")] * count
        self._termination += [UNFINISHED] * count
        self._plies += [0] * count
        self._ended += [False] * count
        return np.arange(first, first + count, dtype=np.int64)

    def append(
        self,
        ids: ArrayLike,
        action: ArrayLike,
        *,
        own_move: ArrayLike | None = None,
        asked: ArrayLike | None = None,
        advice: VisibleAdvice | None = None,
        provenance: Provenance | None = None,
    ) -> None:
        """Record a ply of M games.

        Args:
            ids: [M], which games moved, from `begin`; each at most once.
            action: [M], what was played.
            own_move: [M], what the player would have played without advice, -1 where it did not say.
            asked: bool [M], in which of them the advisor was asked; nowhere, if left out.
            advice: what was seen, a row for each of the K games that asked, in their order. Needed where any asked.
            provenance: the truth behind it, K rows likewise. Needed where any asked.

        Raises:
            DataError: a shape that does not fit, a game that has ended or is named twice, an action of -1, or somebody
                asked and no answer is given.
        """
        games = np.atleast_1d(np.asarray(ids, dtype=np.int64))
        count = len(games)
        if count == 0:
            return
        self._check_games(games)
        due = np.zeros(count, dtype=np.bool_) if asked is None else _column("asked", asked, count).astype(np.bool_)
        ply = np.array([self._plies[game] for game in games], dtype=np.int32)
        starts = np.array([self._blacks_start[game] for game in games])
        row: dict[str, NDArray[Any]] = {
            "game_id": games,
            "ply": ply,
            "mover": ((starts + ply) % 2).astype(np.int8),
            "action": _column("action", action, count).astype(np.int64),
            "own_move": np.full(count, -1) if own_move is None else _column("own_move", own_move, count),
            "asked": due,
        }
        if np.any(row["action"] < 0):
            game = games[int(np.argmax(row["action"] < 0))]
            raise DataError(f"game {game} moved, but its action is recorded as a negative number")
        row |= _answers(due, advice, provenance)
        for name, values in row.items():
            self._columns.setdefault(name, []).append(values)
        for game in games:
            self._plies[game] += 1

    def end(self, ids: ArrayLike, outcome: ArrayLike, termination: ArrayLike) -> None:
        """Record how M games ended.

        Args:
            ids: [M], which games.
            outcome: [M], from White's side: 1, 0 or -1. A game cut off by the ply cap counts as drawn: 0.
            termination: [M], a `rules.Termination` each.

        Raises:
            DataError: a game that has ended already, or an outcome that is none.
        """
        games = np.atleast_1d(np.asarray(ids, dtype=np.int64))
        self._check_games(games)
        outcomes = _column("outcome", outcome, len(games)).astype(np.float64)
        codes = _column("termination", termination, len(games)).astype(np.int64)
        for game, value, code in zip(games, outcomes, codes, strict=True):
            if value not in (-1.0, 0.0, 1.0):
                raise DataError(f"game {game} ended with outcome {value!r}: it must be 1, 0 or -1, from White's side")
            self._outcome[game] = value
            self._termination[game] = termination_text(code)
            self._ended[game] = True

    def build(self) -> Corpus:
        """The corpus of all that was recorded so far. Games still being played are in it, with outcome NaN."""
        games = GameTable(
            start_fen=np.array(self._start_fen, dtype=object),
            white=np.array(self._white, dtype=object),
            black=np.array(self._black, dtype=object),
            round=np.array(self._round, dtype=np.int32),
            outcome=np.array(self._outcome, dtype=np.float32),
            termination=np.array(self._termination, dtype=object),
        )
        columns = _gathered(self._columns)
        order = np.lexsort((columns["ply"], columns["game_id"]))
        seen = {f.name: columns[f.name][order] for f in fields(VisibleCorpus) if f.name != "games"}
        truth = {f.name: columns[f.name][order] for f in fields(Truth)}
        return Corpus(VisibleCorpus(games=games, **seen), Truth(**truth))

    def _check_games(self, games: NDArray[np.int64]) -> None:
        if len(np.unique(games)) != len(games):
            raise DataError(f"a game is named twice in {games.tolist()}")
        for game in games:
            if not 0 <= game < len(self):
                raise DataError(f"there is no game {game}: {len(self)} were begun")
            if self._ended[game]:
                raise DataError(f"game {game} has ended: nothing more can be recorded of it")


_DTYPES: dict[str, Any] = {
    "game_id": np.int64,
    "ply": np.int32,
    "mover": np.int8,
    "action": np.int64,
    "own_move": np.int64,
    "asked": np.bool_,
    "advice_move": np.int64,
    "advice_value": np.float32,
    "advice_available": np.int8,
    "tampered": np.bool_,
    "by": np.object_,
    "honest_move": np.int64,
    "honest_value": np.float32,
}


def _gathered(columns: dict[str, list[NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    gathered = {}
    for name, dtype in _DTYPES.items():
        empty = np.zeros((0, 2) if name == "advice_available" else 0, dtype=dtype)
        gathered[name] = np.concatenate([empty, *columns.get(name, [])]).astype(dtype)
    return gathered


def _column(name: str, values: ArrayLike, count: int) -> NDArray[Any]:
    column = np.atleast_1d(np.asarray(values))
    if column.shape != (count,):
        raise DataError(f"{name!r} has shape {column.shape}, where {count} games moved")
    return column


def _answers(
    asked: NDArray[np.bool_], advice: VisibleAdvice | None, provenance: Provenance | None
) -> dict[str, NDArray[Any]]:
    count, queries = len(asked), int(asked.sum())
    columns: dict[str, NDArray[Any]] = {
        "advice_move": np.full(count, NO_MOVE),
        "advice_value": np.zeros(count, dtype=np.float32),
        "advice_available": np.zeros((count, 2), dtype=np.int8),
        "tampered": np.zeros(count, dtype=np.bool_),
        "by": np.full(count, "", dtype=object),
        "honest_move": np.full(count, -1),
        "honest_value": np.full(count, np.nan, dtype=np.float32),
    }
    if advice is None or provenance is None:
        if queries:
            missing = "advice" if advice is None else "provenance"
            raise DataError(f"{queries} of {count} games asked for advice, but {missing!r} is not given")
        return columns
    if not len(advice.move) == len(provenance.tampered) == queries:
        raise DataError(
            f"{queries} games asked, but advice has {len(advice.move)} rows and provenance {len(provenance.tampered)}"
        )
    answers = {
        "advice_move": advice.move,
        "advice_value": advice.value,
        "advice_available": advice.available,
        "tampered": provenance.tampered,
        "by": provenance.by,
        "honest_move": provenance.honest_move,
        "honest_value": provenance.honest_value,
    }
    for name, values in answers.items():
        columns[name][asked] = values
    return columns
