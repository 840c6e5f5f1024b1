"""Tables of positions with all their moves, judged: what B and the detector learn from. Kept as safetensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.experts.base import Expert
from sandwich_env.files import write_atomically
from sandwich_env.learning.adversary.looking import Seen, drop, look, look_as
from sandwich_env.rules import Games

_SURPRISE = 6.0
"""So many nats below its favourite, a move is as surprising as it gets: e^-6 is a quarter of a percent."""


@dataclass(frozen=True)
class MoveTable:
    """N positions and their M legal moves, one position after the other.

    Attributes:
        fens: the positions.
        game: int64 [N], the game that each comes from.
        actions: uint16 [M].
        counts: int64 [N].
        expert_logits: float32 [M], of E.
        expert_value: float32 [N], of E.
        loss: float32 [M], the chance of winning that the move gives away by E's reckoning, 0 to 1.
        seen_drop: float32 [V, M], the same by each victim's own value, the mean of one ply and of two.
        surprise: float32 [V, M], how far below its favourite each victim's policy has it, 0 to 1.
    """

    fens: list[str]
    game: NDArray[np.int64]
    actions: NDArray[np.uint16]
    counts: NDArray[np.int64]
    expert_logits: NDArray[np.float32]
    expert_value: NDArray[np.float32]
    loss: NDArray[np.float32]
    seen_drop: NDArray[np.float32]
    surprise: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.fens)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each position's moves begin, [N]."""
        return np.cumsum(self.counts) - self.counts

    def seen(self, league: int | None = None) -> NDArray[np.float32]:
        """How suspicious each move looks to the first victims (or all) without a detector, 0 to 1, [M]."""
        seen: NDArray[np.float32] = ((self.seen_drop[:league] + self.surprise[:league]) / 2).mean(axis=0)
        return seen

    def favourites(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Where in the moves each position's highest score is, the first among equals, [N]."""
        best = np.repeat(np.maximum.reduceat(scores, self.starts), self.counts)
        places = np.where(scores == best, np.arange(len(scores)), len(scores))
        found: NDArray[np.int64] = np.minimum.reduceat(places, self.starts)
        return found

    def select(self, rows: NDArray[np.int64]) -> MoveTable:
        """Some of the positions (indices), with their moves."""
        counts = self.counts[rows]
        at = np.repeat(self.starts[rows] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return MoveTable(
            fens=[self.fens[i] for i in rows],
            game=self.game[rows],
            actions=self.actions[at],
            counts=counts,
            expert_logits=self.expert_logits[at],
            expert_value=self.expert_value[rows],
            loss=self.loss[at],
            seen_drop=self.seen_drop[:, at],
            surprise=self.surprise[:, at],
        )


def judge(fens: Sequence[str], game: NDArray[np.int64], expert: Expert, victims: Sequence[Expert]) -> MoveTable:
    """Look at every legal move of every position, none of which may be over."""
    games = Games.from_fens(fens)
    moves = look(games, expert)
    counts = moves.legal.counts
    seen = [look_as(games, victim, moves.legal) for victim in victims]
    return MoveTable(
        fens=list(fens),
        game=np.asarray(game, dtype=np.int64),
        actions=moves.legal.actions,
        counts=counts,
        expert_logits=moves.legal.logits,
        expert_value=expert.evaluate(games).value,
        loss=drop(counts, moves.value),
        seen_drop=np.stack([(drop(counts, one.value) + drop(counts, one.shallow)) / 2 for one in seen]),
        surprise=np.stack([_surprise(counts, one) for one in seen]),
    )


def _surprise(counts: NDArray[np.int64], seen: Seen) -> NDArray[np.float32]:
    below = 2 * drop(counts, seen.logits)  # the difference of logits is that of log-probabilities
    surprise: NDArray[np.float32] = np.minimum(below / _SURPRISE, 1.0).astype(np.float32)
    return surprise


def join(tables: Sequence[MoveTable]) -> MoveTable:
    """Several tables of the same league as one."""
    if not tables:
        raise DataError("there are no positions to join")
    return MoveTable(
        fens=[fen for table in tables for fen in table.fens],
        **{
            name: np.concatenate([getattr(table, name) for table in tables], axis=-1)
            for name in MoveTable.__dataclass_fields__
            if name != "fens"
        },
    )


def save_table(table: MoveTable, path: Path) -> None:
    """Write a table in one step: the file is whole or not there."""
    from safetensors.numpy import save

    arrays = {
        name: np.ascontiguousarray(getattr(table, name)) for name in MoveTable.__dataclass_fields__ if name != "fens"
    }
    write_atomically(path, save(arrays, metadata={"fens": json.dumps(table.fens)}))


def load_table(path: Path) -> MoveTable:
    """The table at a path.

    Raises:
        DataError: it is damaged, or something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return MoveTable(fens=json.loads((file.metadata() or {})["fens"]), **arrays)
    except (SafetensorError, KeyError, TypeError) as error:
        raise DataError(f"{str(path)!r} is no table of judged moves, or is damaged: {error}") from error
