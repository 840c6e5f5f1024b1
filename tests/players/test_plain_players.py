"""The random player, the expert as a player, and the one that follows advice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.advisors.base import NO_MOVE, VisibleAdvice
from sandwich_env.errors import SpecError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.base import Player
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.follow import FollowAdvice
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

FOOLS_MATE = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


class ByIndex(Expert):
    """Likes an action the better, the higher its index: `slope` logits for each legal action further on."""

    def __init__(self, slope: float = 1.0) -> None:
        self.slope = slope
        self.seen: list[int] = []

    def evaluate(self, games: Games) -> Evaluation:
        self.seen.append(len(games))
        legal = games.legal_mask().astype(bool)
        rank = np.cumsum(legal, axis=1) * self.slope
        policy = np.where(legal, rank, -np.inf).astype(np.float32)
        return Evaluation(policy, np.zeros(len(games), dtype=np.float32))


def some_games(n: int, plies: int = 6) -> Games:
    games = Games(n)
    for ply in range(plies):
        games.step(games.sample(np.arange(n) + 1000 * ply))
    return games


def streams(n: int, seed: int = 0) -> Streams:
    return Streams(mix(seed, np.arange(n), "player"))


def advise(move: NDArray[np.int64]) -> VisibleAdvice:
    given = (move != NO_MOVE).astype(np.int8)
    return VisibleAdvice(
        move=move, value=np.zeros(len(move), dtype=np.float32), available=np.stack([given, 0 * given], axis=1)
    )


def last_legal(games: Games) -> NDArray[np.int64]:
    return ByIndex().evaluate(games).best()


EVERY = [
    RandomPlayer(),
    ExpertPlayer(ByIndex()),
    ExpertPlayer(ByIndex(0.1), temperature=1.0),
    FollowAdvice(RandomPlayer()),
]


@pytest.mark.parametrize("player", EVERY, ids=repr)
def test_every_player_plays_legal_moves_and_leaves_finished_games(player: Player) -> None:
    games = Games.from_fens([FOOLS_MATE, *some_games(20).fens(), FOOLS_MATE])
    actions = player.act(games, None, streams(22))
    assert actions.dtype == np.int64
    assert actions[[0, 21]].tolist() == [-1, -1]
    assert games.legal_mask()[np.arange(1, 21), actions[1:21]].all()
    games.step(actions)


@pytest.mark.parametrize("player", EVERY, ids=repr)
def test_a_game_is_played_the_same_alone_and_in_a_batch(player: Player) -> None:
    games, rng = some_games(12), streams(12)
    order = np.random.default_rng(1).permutation(12)
    moves = last_legal(games)
    moves[::2] = NO_MOVE
    whole = player.act(games, advise(moves), streams(12))
    mixed = player.act(games.select(order), advise(moves[order]), rng.select(order))
    np.testing.assert_array_equal(mixed, whole[order])
    for row in range(12):
        alone = np.array([row])
        assert player.act(games.select(alone), advise(moves[alone]), rng.select(alone))[0] == whole[row]


@pytest.mark.parametrize("player", EVERY, ids=repr)
def test_specs_round_trip(player: Player) -> None:
    if isinstance(player, ExpertPlayer):
        player = ExpertPlayer(UniformExpert(), player.temperature)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()


def test_the_random_player_is_uniform() -> None:
    n = 2000
    games = Games(n)
    moves, times = np.unique(RandomPlayer().act(games, None, streams(n)), return_counts=True)
    assert len(moves) == 20
    assert ((times - n / 20) ** 2 / (n / 20)).sum() < 43.8  # the 99.9 % point for 19 degrees of freedom


def test_the_expert_player_plays_the_best_move() -> None:
    games = some_games(10)
    np.testing.assert_array_equal(ExpertPlayer(ByIndex()).act(games, None, streams(10)), last_legal(games))


def test_temperature_draws_from_the_softmax_of_the_policy() -> None:
    n, temperature = 2000, 2.0
    games = Games(n)
    actions = ExpertPlayer(ByIndex(0.4), temperature).act(games, None, streams(n))
    moves = np.flatnonzero(games.legal_mask()[0])
    weights = np.exp(0.4 * np.arange(1, 21) / temperature)
    expected = n * weights / weights.sum()
    times = np.array([(actions == move).sum() for move in moves])
    assert times.sum() == n
    assert ((times - expected) ** 2 / expected).sum() < 43.8


@pytest.mark.filterwarnings("error")
def test_a_vanishing_temperature_is_the_best_move() -> None:
    games = some_games(50)
    actions = ExpertPlayer(ByIndex(), temperature=1e-310).act(games, None, streams(50))
    np.testing.assert_array_equal(actions, last_legal(games))


@pytest.mark.parametrize("temperature", [-1.0, float("nan"), "warm"])
def test_temperature_out_of_range(temperature: object) -> None:
    with pytest.raises(SpecError, match=f"temperature of 'expert' is {temperature!r}"):
        ExpertPlayer(UniformExpert(), temperature)  # type: ignore[arg-type]


def test_follows_the_advice_and_asks_the_player_inside_only_about_the_rest() -> None:
    games, expert = some_games(10), ByIndex()
    moves = RandomPlayer().act(games, None, streams(10, seed=9))
    moves[[2, 5]] = NO_MOVE
    actions = FollowAdvice(ExpertPlayer(expert)).act(games, advise(moves), streams(10))
    followed = moves != NO_MOVE
    np.testing.assert_array_equal(actions[followed], moves[followed])
    np.testing.assert_array_equal(actions[~followed], last_legal(games)[~followed])
    assert expert.seen == [2]


def test_asks_nobody_where_all_games_are_advised() -> None:
    games, expert = some_games(4), ByIndex()
    FollowAdvice(ExpertPlayer(expert)).act(games, advise(last_legal(games)), streams(4))
    assert expert.seen == []


def test_does_not_follow_an_illegal_move_or_a_value() -> None:
    games = Games(3)
    illegal = int(np.flatnonzero(games.legal_mask()[0] == 0)[0])
    moves = np.array([illegal, 10**9, -5])
    actions = FollowAdvice(ExpertPlayer(ByIndex())).act(games, advise(moves), streams(3))
    np.testing.assert_array_equal(actions, last_legal(games))
    hidden = VisibleAdvice(np.full(3, NO_MOVE), np.ones(3, dtype=np.float32), np.array([[0, 1]] * 3, dtype=np.int8))
    actions = FollowAdvice(ExpertPlayer(ByIndex())).act(games, hidden, streams(3))
    np.testing.assert_array_equal(actions, last_legal(games))


def test_closing_reaches_the_expert() -> None:
    closed = []

    class Holding(UniformExpert):
        def close(self) -> None:
            closed.append(True)

    FollowAdvice(ExpertPlayer(Holding())).close()
    assert closed == [True]
