"""For tests of players and methods that ask by a line: minds made by hand, and a look at what an object leads to."""

from __future__ import annotations

import functools
import types
import zlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games, move_to_action

ROOK_TAKES_QUEEN = "4k3/8/8/3q4/8/8/3R4/4K3 w - - 0 1"
"""d2d5 wins the queen; after e1e2, say, it is still there."""
MATE = "6k1/5ppp/8/8/8/8/8/R3K3 w - - 0 1"
"""a1a8 is mate."""
STALEMATE = "7k/8/6K1/8/8/8/8/5Q2 w - - 0 1"
"""f1f7 is stalemate."""
LAST_MAN = "7k/8/8/8/8/8/r7/K7 w - - 0 1"
"""Two moves: a1a2 draws at once, and a1b1 leaves the rook."""
FORCED = "7k/8/8/8/8/1r6/8/K7 w - - 0 1"
"""One move: a1a2."""

_WORTH = {"p": 1, "n": 3, "b": 3, "r": 5, "q": 9}


class Mind(Expert):
    """Likes the moves `likes` (UCI) where they are legal, the first of them best, and values its men.

    Its value is the mover's material less the opponent's, in pawns by 40, times `sign`. It refuses finished games,
    about which there is nothing to ask.
    """

    def __init__(self, *likes: str, sign: float = 1.0) -> None:
        self.likes = likes
        self.sign = sign
        self.asked: list[str] = []

    def evaluate(self, games: Games) -> Evaluation:
        assert not games.finished.any()
        fens = games.fens()
        self.asked += fens
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf)).astype(np.float32)
        for row, fen in enumerate(fens):
            for place, uci in enumerate(self.likes):
                if chess.Board(fen).is_legal(chess.Move.from_uci(uci)):
                    policy[row, action(fen, uci)] = len(self.likes) - place
        value = [self.sign * material(fen) / 40 for fen in fens]
        return Evaluation(policy, np.array(value, dtype=np.float32))


class Hashed(Expert):
    """Thinks something else of every position, for no reason."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def evaluate(self, games: Games) -> Evaluation:
        keys = mix(self.seed, np.array([zlib.crc32(fen.encode()) for fen in games.fens()]))
        streams = Streams(np.broadcast_to(keys, (len(games),)))
        policy = streams.normal(games.legal_mask() == 1).astype(np.float32)
        policy[games.legal_mask() == 0] = -np.inf
        return Evaluation(policy, (2 * streams.random() - 1).astype(np.float32))


def material(fen: str) -> int:
    """What the mover has more than the opponent, in pawns."""
    men, turn = fen.split()[:2]
    white = sum(_WORTH.get(man.lower(), 0) * (1 if man.isupper() else -1) for man in men)
    return white if turn == "w" else -white


def action(fen: str, uci: str) -> int:
    return move_to_action(chess.Move.from_uci(uci), chess.Board(fen))


def streams(n: int, seed: int = 0) -> Streams:
    return Streams(mix(seed, np.arange(n), "player"))


def advise(games: Games, *moves: str | None) -> VisibleAdvice:
    """Advice to play these moves (UCI), None for none."""
    fens = games.fens()
    move = np.array([NO_MOVE if uci is None else action(fen, uci) for fen, uci in zip(fens, moves, strict=True)])
    given = (move != NO_MOVE).astype(np.int8)
    return VisibleAdvice(move, np.zeros(len(move), dtype=np.float32), np.stack([given, 0 * given], axis=1))


def moves_of(games: Games, actions: NDArray[np.int64]) -> list[str]:
    """Actions as UCI."""
    return [uci_of(fen, act) for fen, act in zip(games.fens(), actions.tolist(), strict=True)]


def uci_of(fen: str, act: int) -> str:
    board = chess.Board(fen)
    return next(move.uci() for move in board.legal_moves if move_to_action(move, board) == act)


def reachable(root: object) -> Iterator[object]:
    """The object, and whatever its attributes, slots and items lead to; methods and partials lead to their owners.

    A plain function is a wall: what it closes over is no attribute of what holds it.
    """
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        yield thing
        waiting += _held(thing)


def _held(thing: Any) -> list[object]:
    if isinstance(thing, dict):
        return [*thing, *thing.values()]
    if isinstance(thing, (list, tuple, set, frozenset)):
        return list(thing)
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, types.MethodType):
        return [thing.__self__]
    names = [*getattr(thing, "__dict__", {})] if not isinstance(thing, type) else []
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    if is_dataclass(thing) and not isinstance(thing, type):
        names += [field.name for field in fields(thing)]
    return [getattr(thing, name) for name in names if hasattr(thing, name)]
