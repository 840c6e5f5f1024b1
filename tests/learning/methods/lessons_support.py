"""What the tests of the methods share: an H with opinions, played games, games written by hand, and lessons of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import chess
import numpy as np
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.learning.corpus import Corpus, GameTable, Truth, VisibleCorpus
from sandwich_env.learning.methods.base import Lesson, Method
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.oversight.line import open_line
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.rules.actions import move_to_action

STARTS = (
    chess.STARTING_FEN,
    "8/P6k/8/8/8/8/7p/K7 b - - 0 1",
    "4k2r/1P6/8/3pP3/8/8/6p1/R3K3 w Qk d6 0 30",
    "7k/8/5K2/6Q1/8/8/8/8 w - - 0 1",
)
"""A usual start, two with promotions close at hand, and one that is won in a move."""


class Opinionated(Expert):
    """Logits and a value drawn once and for all for each position."""

    def __init__(self, salt: int = 0) -> None:
        self.salt = salt

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        rng = Streams(mix(np.array([zlib.crc32(fen.encode()) for fen in games.fens()]), "opinion", self.salt))
        legal = games.legal_mask().astype(np.bool_)
        policy = np.where(legal, 2.0 * rng.normal(legal), -np.inf).astype(np.float32)
        return Evaluation(policy, np.where(over, value, np.tanh(rng.random() - 0.5)).astype(np.float32))


H, E = Opinionated(1), Opinionated(2)

TABLE = Table(
    advisor=RandomMove(Honest(E), epsilon=0.5, seed=3),
    advised="both",
    protocol=EveryNTurns(2),
    asks="both",
    starts=STARTS,
    max_plies=24,
)


def played(method: Method, games: Sequence[int] = range(8), table: Table = TABLE) -> Corpus:
    """Some of the games that H plays by a method."""
    assert table.advisor is not None
    line, _ = open_line(table.advisor)
    return play_games(method.player(H, line), table, np.array(games, dtype=np.int64), seed=5, round=1)


def lesson(corpus: Corpus, novice: Expert = H, right: NDArray[np.bool_] | None = None) -> Lesson:
    return Lesson(corpus.visible(), novice, 1, np.random.default_rng(0), right)


def right_in(corpus: Corpus) -> NDArray[np.bool_]:
    """Where the advised move is E's, as a run tells a privileged method."""
    right: NDArray[np.bool_] = corpus.seen.advice_move == corpus.truth.honest_move
    return right


def written(*games: tuple[str, str, float]) -> Corpus:
    """Games from the usual start, each of its moves, of the moves advised at them ("-" for none), and of its outcome.

    A move is UCI. An honest move is not recorded; values of 0.25 are stated with every move.
    """
    actions, advice, plies, ids = [], [], [], []
    for game, (played_moves, advised_moves, _) in enumerate(games):
        board = chess.Board()
        for ply, (move, advised) in enumerate(zip(played_moves.split(), advised_moves.split(), strict=True)):
            advice.append(NO_MOVE if advised == "-" else move_to_action(chess.Move.from_uci(advised), board))
            actions.append(move_to_action(chess.Move.from_uci(move), board))
            board.push_uci(move)
            plies.append(ply)
            ids.append(game)
    advice_move = np.array(advice, dtype=np.int64)
    asked = advice_move != NO_MOVE
    count = len(plies)
    table = GameTable(
        start_fen=np.array([chess.STARTING_FEN] * len(games), dtype=object),
        white=np.array(["H"] * len(games), dtype=object),
        black=np.array(["H"] * len(games), dtype=object),
        round=np.ones(len(games), dtype=np.int32),
        outcome=np.array([outcome for _, _, outcome in games], dtype=np.float32),
        termination=np.array(["unfinished"] * len(games), dtype=object),
    )
    seen = VisibleCorpus(
        games=table,
        game_id=np.array(ids, dtype=np.int64),
        ply=np.array(plies, dtype=np.int32),
        mover=np.array(plies, dtype=np.int8) % np.int8(2),
        action=np.array(actions, dtype=np.int64),
        own_move=np.full(count, -1),
        asked=asked,
        advice_move=advice_move,
        advice_value=np.where(asked, 0.25, 0.0).astype(np.float32),
        advice_available=np.repeat(asked[:, None], 2, axis=1).astype(np.int8),
    )
    truth = Truth(
        tampered=np.zeros(count, dtype=np.bool_),
        by=np.full(count, "", dtype=object),
        honest_move=np.full(count, -1),
        honest_value=np.full(count, np.nan, dtype=np.float32),
    )
    return Corpus(seen, truth)


def with_outcomes(corpus: Corpus, outcome: NDArray[np.float32]) -> Corpus:
    """The same games with other ends."""
    games = replace(corpus.seen.games, outcome=outcome.astype(np.float32))
    return Corpus(replace(corpus.seen, games=games), corpus.truth)


def unasked(corpus: Corpus) -> Corpus:
    """The same games, as if nobody had been asked."""
    seen = corpus.seen
    nobody = replace(
        seen,
        asked=np.zeros(len(seen), dtype=np.bool_),
        advice_move=np.full(len(seen), NO_MOVE),
        advice_value=np.zeros(len(seen), dtype=np.float32),
        advice_available=np.zeros((len(seen), 2), dtype=np.int8),
    )
    return Corpus(nobody, corpus.truth)
