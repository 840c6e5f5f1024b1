"""For tests of methods that say how H plays: the games of minds that think something else of every position."""

from __future__ import annotations

from dataclasses import replace

import chess
import numpy as np
from corpus_support import assert_equal
from line_support import Hashed, reachable

from sandwich_env.advisors.base import Advice, Advisor, Honest, Provenance, Query
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.methods.base import Lesson, Method, Targets
from sandwich_env.learning.self_play import Table, play_games
from sandwich_env.oversight.line import Tally, open_line
from sandwich_env.oversight.protocols import EveryNTurns, EveryTurn
from sandwich_env.specs import from_spec

STARTS = (chess.STARTING_FEN, "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "7k/P7/8/8/8/8/7p/K7 b - - 0 1")
A = ValueNoise(RandomMove(Honest(Hashed()), epsilon=0.5), scale=0.3)
"""Lies in moves half of the time, and in values a little always."""
H = Hashed(1)
LAST_PLY = 13
"""After it a game is cut off, which whoever replays a corpus does not see ahead."""
TABLE = Table(advisor=A, advised="both", protocol=EveryTurn(), asks="both", starts=STARTS, max_plies=LAST_PLY + 1)


def played(
    method: Method, games: int = 6, at_once: int = 6, *, seed: int = 1, interval: int = 1
) -> tuple[Corpus, Tally]:
    """Games of H with A, and what the scorer counted on the line."""
    line, tally = open_line(A) if method.consults else (None, Tally())
    player = method.player(H, line)
    table = replace(TABLE, protocol=EveryNTurns(interval), advisor=A if method.consults else None)
    batches = np.array_split(np.arange(games), range(at_once, games, at_once))
    return Corpus.concatenate([play_games(player, table, batch, seed=seed, round=1) for batch in batches]), tally


def taught(method: Method, corpus: Corpus) -> Targets:
    return method.targets(Lesson(corpus.visible(), H, 1, np.random.default_rng(0)))


def check_alone_as_together(method: Method) -> None:
    """The games are the same one by one and side by side, and others with another seed; and so is what they cost."""
    together, tally = played(method)
    for at_once in (1, 4):
        corpus, count = played(method, at_once=at_once)
        assert_equal(corpus, together)
        assert count == tally
    assert played(method, seed=2)[0].seen.action.tolist() != together.seen.action.tolist()


def check_round_trip(method: Method) -> None:
    """The spec makes an equal method, under its own name."""
    spec = method.to_spec()
    assert ":" not in spec["kind"]
    again = from_spec(spec, Method)
    assert type(again) is type(method)
    assert again.to_spec() == spec


def check_leads_to_no_truth(method: Method) -> None:
    """H, with its line, leads to nobody who knows the truth; neither does the method."""
    line, _ = open_line(A)
    for start in (method, method.player(H, line)):
        found = list(reachable(start))
        assert not [thing for thing in found if isinstance(thing, (Advisor, Advice, Provenance, Query, Tally))]


def check_learns_results(method: Method, corpus: Corpus) -> None:
    """The results of all games are learnt, where results are learnt at all."""
    targets = taught(method, corpus)
    np.testing.assert_array_equal(targets.value, corpus.seen.result)
    np.testing.assert_array_equal(targets.action, corpus.seen.action)
    assert (targets.value_weight == 1).all()
    mute = from_spec(method.to_spec() | {"values": False}, Method)
    assert (taught(mute, corpus).value_weight == 0).all()
    np.testing.assert_array_equal(taught(mute, corpus).policy_weight, targets.policy_weight)
    assert targets.policy_weight.dtype == np.float32
