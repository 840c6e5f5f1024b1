"""What the tests of the experts that look at every move share: positions, and answers alone and in a batch."""

from __future__ import annotations

import chess
import numpy as np
import pytest

from sandwich_env.experts import children
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.rules import Games, move_to_action

FOOLS_MATE = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
SCHOLARS = "r1bqkb1r/pppp1ppp/2n2n2/4p2Q/2B1P3/8/PPPP1PPP/RNB1K1NR w KQkq - 4 4"
SCHOLARS_MATE = move_to_action(chess.Move.from_uci("h5f7"), chess.Board(SCHOLARS))


def some_games(n: int, plies: int = 20) -> Games:
    games = Games(n)
    for ply in range(plies):
        games.step(games.sample(np.arange(n) + 1000 * ply))
    return games


def after(games: Games, row: int, action: int) -> Games:
    """One of the games after a move."""
    child = games.select(np.array([row]))
    child.step(np.array([action]))
    return child


def same_alone_as_in_a_batch(expert: Expert, monkeypatch: pytest.MonkeyPatch, at_once: int) -> tuple[Games, Evaluation]:
    """A finished game and six others, with the answers that each gets alone too, a few moves looked at together."""
    games = Games.from_fens([FOOLS_MATE, *some_games(6).fens()])
    whole = expert.evaluate(games)
    monkeypatch.setattr(children, "AT_ONCE", at_once)
    for i in range(len(games)):
        alone = expert.evaluate(games.select(np.array([i])))
        np.testing.assert_array_equal(alone.policy[0], whole.policy[i])
        assert alone.value[0] == whole.value[i]
    assert whole.best()[0] == -1
    return games, whole
