"""`AdvisorPlayer`: it counts its advisor's lies in each game, and tells it what it was told to tell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.advisors.base import Advice, Advisor, Honest, Query
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget
from sandwich_env.advisors.value_flip import ValueFlip
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.evaluation.matches import play_match
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.protocols import EveryNTurns
from sandwich_env.players import advisor_player
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


class Noted(RandomMove):
    """Keeps the queries and the answers."""

    def __init__(self, inner: Advisor, epsilon: float, when: Budget | str = "always") -> None:
        super().__init__(inner, epsilon, when=when)
        self.seen: list[tuple[Query, Advice]] = []
        self.closed = 0

    def advise(self, query: Query) -> Advice:
        advice = super().advise(query)
        self.seen.append((query, advice))
        return advice

    def close(self) -> None:
        self.closed += 1


def liar(lies: int = 3, epsilon: float = 0.5) -> Noted:
    return Noted(Honest(UniformExpert()), epsilon, Budget(lies))


def lies_by_game(advisor: Noted) -> dict[int, list[tuple[int, bool]]]:
    """For each game and side: at each turn how many lies the advisor was told of, and whether it lied."""
    games: dict[int, list[tuple[int, bool]]] = {}
    for query, advice in advisor.seen:
        assert query.lies is not None
        for key, told, lie in zip(query.keys, query.lies, advice.provenance.tampered, strict=True):
            games.setdefault(int(key), []).append((int(told), bool(lie)))
    return games


@pytest.mark.parametrize("batch_size", [2, 64])
def test_a_budget_of_lies_is_kept_in_every_game_of_a_match(batch_size: int) -> None:
    advisor = liar()
    play_match(AdvisorPlayer(advisor), RandomPlayer(), [START] * 6, seed=1, max_plies=40, batch_size=batch_size)
    games = lies_by_game(advisor)
    assert len(games) == 12
    for turns in games.values():
        lied = [lie for _, lie in turns]
        assert [told for told, _ in turns] == [sum(lied[:turn]) for turn in range(len(turns))]
        assert sum(lied) <= 3
    assert sum(sum(lie for _, lie in turns) == 3 for turns in games.values()) >= 10  # few games end before the third


def test_the_same_games_alone_and_in_a_batch() -> None:
    openings = [START] * 5
    results = [
        play_match(AdvisorPlayer(liar()), RandomPlayer(), openings, seed=3, max_plies=30, batch_size=size)
        for size in (2, 4, 64)
    ]
    for other in results[1:]:
        for one, two in zip(results[0].actions, other.actions, strict=True):
            np.testing.assert_array_equal(one, two)


def test_one_object_on_both_sides_has_a_count_for_each() -> None:
    advisor = liar(lies=2, epsilon=1.0)
    player = AdvisorPlayer(advisor)
    play_match(player, player, [START], seed=0, max_plies=20)
    games = lies_by_game(advisor)
    assert len(games) == 4
    for turns in games.values():
        assert [told for told, _ in turns] == [min(turn, 2) for turn in range(len(turns))]


def test_the_next_match_begins_with_no_lies() -> None:
    advisor = liar(lies=1, epsilon=1.0)
    player = AdvisorPlayer(advisor)
    for _ in range(2):
        play_match(player, RandomPlayer(), [START], seed=0, max_plies=12)
    told = [int(query.lies[0]) for query, _ in advisor.seen if query.lies is not None]
    assert told == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] * 2


def test_asked_again_about_a_position_it_counts_once() -> None:
    advisor = liar(lies=5, epsilon=1.0)
    player, games = AdvisorPlayer(advisor), Games(1)
    keys = mix(7, np.arange(1), "game")
    for ply in range(0, 6, 2):
        for _ in range(3):
            action = player.act(games, None, Streams(keys).child(ply))
        games.step(action)
        games.step(games.sample(keys))
    assert [turn[0] for turn in lies_by_game(advisor).popitem()[1]] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_game_that_was_not_followed_from_its_start_has_no_count() -> None:
    games = Games(2)
    for ply in range(4):
        games.step(games.sample(np.arange(2) + ply))
    with pytest.raises(AdviceError, match="'budget' needs the count of earlier lies"):
        AdvisorPlayer(liar()).act(games, None, Streams(mix(0, np.arange(2))))
    advisor = Noted(Honest(UniformExpert()), 1.0)
    AdvisorPlayer(advisor).act(games, None, Streams(mix(0, np.arange(2))))
    assert advisor.seen[0][0].lies is None


def test_only_so_many_games_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisor_player, "MOST_GAMES", 3)
    player = AdvisorPlayer(liar())
    for seed in range(5):
        player.act(Games(2), None, Streams(mix(seed, np.arange(2))))
    assert len(player._lies._known) == 3
    player.act(Games(9), None, Streams(mix(9, np.arange(9))))
    assert len(player._lies._known) == 9


def test_it_tells_what_it_was_told_to_tell() -> None:
    advisor, games = Noted(Honest(UniformExpert()), 0.0), Games(3)
    AdvisorPlayer(advisor, proposer=UniformExpert(), rating=1234.0, watch=EveryNTurns(2)).act(
        games, None, Streams(mix(0, np.arange(3)))
    )
    AdvisorPlayer(advisor).act(games, None, Streams(mix(0, np.arange(3))))
    told, silent = advisor.seen[0][0], advisor.seen[1][0]
    best: NDArray[np.int64] = UniformExpert().evaluate(games).best()
    np.testing.assert_array_equal(told.proposal, best)
    np.testing.assert_array_equal(told.hope, np.zeros(3))
    np.testing.assert_array_equal(told.rating, np.full(3, 1234.0))
    np.testing.assert_array_equal(told.watched, EveryNTurns(2).due(np.zeros(3, dtype=np.int64)))
    assert (silent.proposal, silent.hope, silent.rating, silent.watched) == (None, None, None, None)


def test_specs_round_trip_closing_and_bad_input() -> None:
    spec = {
        "kind": "advisor_player",
        "advisor": {"kind": "honest", "expert": {"kind": "uniform"}},
        "proposer": {"kind": "uniform"},
        "rating": 900,
        "watch": {"kind": "every_turn"},
    }
    assert from_spec(spec, AdvisorPlayer).to_spec() == spec
    closed = []

    class Holding(UniformExpert):
        def close(self) -> None:
            closed.append(True)

    AdvisorPlayer(Honest(Holding()), proposer=Holding()).close()
    assert closed == [True, True]
    with pytest.raises(SpecError, match="rating of 'advisor_player' is 'strong': it must be a finite number"):
        AdvisorPlayer(Honest(UniformExpert()), rating="strong")  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="is no Protocol"):
        AdvisorPlayer(Honest(UniformExpert()), watch=3)  # type: ignore[arg-type]


def test_that_it_asks_for_moves_alone_does_not_make_a_liar_in_values_idle(caplog: pytest.LogCaptureFixture) -> None:
    liar = ValueFlip(Honest(UniformExpert()), epsilon=0.5)
    AdvisorPlayer(liar).act(Games(3), None, Streams(mix(0, np.arange(3))))
    assert not caplog.records
