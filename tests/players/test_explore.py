"""Explore: some of the first plies are another player's, who sees no advice; the rest is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.advisors.base import VisibleAdvice
from sandwich_env.errors import SpecError
from sandwich_env.players.base import Player
from sandwich_env.players.explore import Explore
from sandwich_env.players.follow import FollowAdvice
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec


class First(Player):
    """Plays the legal action with the lowest number, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[NDArray[np.int64] | None] = []
        self.closed = False

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        assert len(rng) == len(games)
        self.shown.append(None if advice is None else advice.move)
        return np.argmax(games.legal_mask(), axis=1)

    def close(self) -> None:
        self.closed = True


class Last(First):
    """Plays the legal action with the highest number."""

    def act(self, games: Games, advice: VisibleAdvice | None, rng: Streams) -> NDArray[np.int64]:
        super().act(games, advice, rng)
        legal = games.legal_mask()
        return legal.shape[1] - 1 - np.argmax(legal[:, ::-1], axis=1)


def positions(count: int, plies: int) -> Games:
    games = Games(count)
    for ply in range(plies):
        games.step(games.sample(np.arange(count) + 100 * ply))
    return games


def advice_for(games: Games) -> VisibleAdvice:
    count = len(games)
    move = np.arange(count, dtype=np.int64)
    return VisibleAdvice(move, np.zeros(count, dtype=np.float32), np.ones((count, 2), dtype=np.int8))


def streams(count: int, ply: int = 0) -> Streams:
    return Streams(mix(7, np.arange(count), ply))


def test_the_share_is_kept_and_the_explorer_sees_no_advice() -> None:
    games = positions(2000, 2)
    usual, explorer = First(), Last()
    actions = Explore(usual, explorer, plies=3, share=0.3).act(games, advice_for(games), streams(2000))
    explored = actions == Last().act(games, None, streams(2000))
    assert 0.26 < explored.mean() < 0.34
    assert np.array_equal(actions[~explored], np.argmax(games.legal_mask(), axis=1)[~explored])
    assert explorer.shown == [None]
    assert np.array_equal(usual.shown[0], np.flatnonzero(~explored))


@pytest.mark.parametrize(("plies", "by_explorer"), [(0, False), (2, False), (3, True)])
def test_only_the_first_plies_are_explored(plies: int, by_explorer: bool) -> None:
    games = positions(5, 2)
    actions = Explore(First(), Last(), plies=plies).act(games, advice_for(games), streams(5))
    assert np.array_equal(actions, (Last() if by_explorer else First()).act(games, None, streams(5)))


def test_no_advice_stays_none() -> None:
    usual = First()
    Explore(usual, Last(), plies=0).act(positions(4, 1), None, streams(4))
    assert usual.shown == [None]


def test_a_game_is_the_same_alone_and_in_a_batch() -> None:
    player = Explore(FollowAdvice(First()), RandomPlayer(), plies=8, share=0.5)
    games = positions(40, 3)
    together = player.act(games, None, streams(40))
    alone = [player.act(games.select([k]), None, Streams(mix(7, np.array([k]), 0)))[0] for k in range(40)]
    assert together.tolist() == alone


def test_it_is_written_down_and_read_back_and_closes_both() -> None:
    player = Explore("random", {"kind": "follow", "player": "random"}, 3, 0.5)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()
    usual, explorer = First(), Last()
    Explore(usual, explorer, plies=1).close()
    assert usual.closed
    assert explorer.closed


@pytest.mark.parametrize(("plies", "share", "named"), [(-1, 0.5, "plies"), (3, 1.5, "share")])
def test_numbers_out_of_range_are_refused_by_name(plies: int, share: float, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        Explore(First(), Last(), plies, share)
