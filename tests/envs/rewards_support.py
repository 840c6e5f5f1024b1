"""Experts and loops that the tests of rewards share."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.players.base import Player
from sandwich_env.randomness import Streams
from sandwich_env.rules import Games, move_to_action

WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9}


class ByBoard(Expert):
    """Gives every legal move the same logit, and a position what `of_board` says, from the mover's side."""

    closed = 0

    def evaluate(self, games: Games) -> Evaluation:
        over, result = result_for_mover(games)
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        value = np.array([self.of_board(games.board(i)) for i in range(len(games))], dtype=np.float32)
        return Evaluation(policy=policy, value=np.where(over, result, value).astype(np.float32))

    def of_board(self, board: chess.Board) -> float:
        raise NotImplementedError

    def close(self) -> None:
        type(self).closed += 1


class Counter(ByBoard):
    """A tenth for each pawn's worth of pieces that the mover is ahead."""

    def of_board(self, board: chess.Board) -> float:
        sides = (board.turn, not board.turn)
        mine, theirs = (sum(worth * len(board.pieces(p, side)) for p, worth in WORTH.items()) for side in sides)
        return max(-1.0, min(1.0, 0.1 * (mine - theirs)))


class Whim(ByBoard):
    """A number from -1 to 1 that hangs on all of the position and means nothing."""

    def of_board(self, board: chess.Board) -> float:
        return zlib.crc32(board.fen().encode()) / 2**31 - 1


COUNTER = {"kind": f"{__name__}:Counter"}
WHIM = {"kind": f"{__name__}:Whim"}


class FirstMove(Player):
    """Plays the legal action with the lowest number."""

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        return games.legal_mask().argmax(axis=1)


FIRST_MOVE = {"kind": f"{__name__}:FirstMove"}


def act(env: Any, uci: str) -> Any:
    """Step an environment by a move in words."""
    return env.step(move_to_action(chess.Move.from_uci(uci), env.unwrapped.board()))


def whim_for(board: chess.Board, color: chess.Color) -> float:
    value = Whim().of_board(board)
    return value if board.turn == color else -value


def play(env: Any, seed: int, ask: bool = False) -> Iterator[tuple[float, bool, dict[str, Any]]]:
    """Play legal actions drawn by the seed to the end: each step's reward, whether it was a question, and its info."""
    rng = np.random.default_rng(seed)
    seen, _ = env.reset(seed=seed)
    ended = False
    while not ended:
        questions = np.flatnonzero(seen["action_mask"][4672:])
        asks = bool(ask and len(questions) and rng.random() < 0.5)
        action = 4672 + rng.choice(questions) if asks else rng.choice(np.flatnonzero(seen["action_mask"][:4672]))
        seen, reward, terminated, truncated, info = env.step(int(action))
        ended = terminated or truncated
        yield reward, asks, info
