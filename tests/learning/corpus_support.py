"""Recorded games for tests: real ones, in which a tampering advisor was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import chess
import numpy as np

from sandwich_env.advisors.base import Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import Corpus, Truth, VisibleCorpus
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.oversight.channel import AdvisorChannel
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.randomness import mix
from sandwich_env.rules import NO_ACTION, Games

STARTS = (
    chess.STARTING_FEN,
    "8/P6k/8/8/8/8/7p/K7 b - - 0 1",
    "4k2r/1P6/8/3pP3/8/8/6p1/R3K3 w Qk d6 0 30",
)
"""A usual start, and two with promotions, castling and en passant close at hand."""


def recorded(
    count: int = 12, *, max_plies: int = 40, starts: Sequence[str] = STARTS, seed: int = 0, round: int = 1
) -> Corpus:
    """Random games in which both sides ask at every second turn, and play the advised move in half of the cases."""
    games = Games(count, starts=starts[:count], max_plies=max_plies)
    keys = mix(seed, np.arange(count))
    advisor = RandomMove(Honest(UniformExpert()), epsilon=0.5, seed=seed)
    channel = AdvisorChannel(count, advisor, EveryNTurns(2))
    everyone = np.ones(count, dtype=np.bool_)
    channel.begin(everyone, np.ones((count, 2), dtype=np.bool_))
    channel.arrive(games, keys, everyone)
    recorder = CorpusRecorder()
    ids = recorder.begin(games.start_fens(), white="H", black="H'", round=round)
    while not games.finished.all():
        moving = ~games.finished
        own = games.sample(keys)
        visible = channel.visible
        obeys = (visible.available[:, 0] == 1) & (mix(keys, games.ply) % 2 == 0)
        actions = np.where(moving, np.where(obeys, visible.move, own), NO_ACTION)
        audit = channel.last
        asked = np.zeros(count, dtype=np.bool_)
        if audit is not None and (audit.ply == games.ply[audit.rows]).all():
            asked[audit.rows] = True
        answers: dict[str, Any] = {}
        if asked.any() and audit is not None:
            answers = {"advice": audit.visible, "provenance": audit.advice.provenance}
        recorder.append(ids[moving], actions[moving], own_move=own[moving], asked=asked[moving], **answers)
        games.step(actions)
        channel.arrive(games, keys, moving)
    recorder.end(ids, games.outcome, games.termination)
    return recorder.build()


def assert_equal(one: Corpus, other: Corpus) -> None:
    """The corpora agree in every column."""
    for a, b, table in ((one.seen, other.seen, VisibleCorpus), (one.truth, other.truth, Truth)):
        for f in fields(table):
            if f.name != "games":
                same(f.name, getattr(a, f.name), getattr(b, f.name))
    for f in fields(type(one.games)):
        same(f.name, getattr(one.games, f.name), getattr(other.games, f.name))


def same(name: str, one: Any, other: Any) -> None:
    assert one.dtype == other.dtype, name
    assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), name
