"""The channel: who is asked about what, when, and what the players and the scorer get to see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noting_support import Noting

from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Honest, Query
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.channel import AdvisorChannel, Audit, advised_seats, seats_to_move
from sandwich_env.oversight.protocols import EveryNTurns, EveryTurn, Never, Protocol
from sandwich_env.randomness import mix
from sandwich_env.rules import Games

N = 5
ALL = np.ones(N, dtype=np.bool_)
MATED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"


def make(advisor: Advisor | None, protocol: Protocol, advised: str = "both", **more: object) -> AdvisorChannel:
    channel = AdvisorChannel(N, advisor, protocol, **more)  # type: ignore[arg-type]
    channel.begin(ALL, np.broadcast_to(advised_seats(advised), (N, 2)))
    return channel


def play(channel: AdvisorChannel, games: Games, keys: np.ndarray, plies: int) -> list[np.ndarray]:
    """What is available at each of some plies of random play, the starting position included."""
    shown = []
    for _ in range(plies):
        channel.arrive(games, keys, ~games.finished)
        shown.append(channel.visible.available)
        games.step(games.sample(keys))
    return shown


def test_each_player_is_asked_about_at_the_turns_that_the_protocol_names() -> None:
    games, keys = Games(N), mix(np.arange(N))
    shown = play(make(Noting(), EveryNTurns(3)), games, keys, 14)
    asked = [ply for ply, available in enumerate(shown) if available.all()]
    assert asked == [0, 1, 6, 7, 12, 13]
    assert all(not available.any() for ply, available in enumerate(shown) if ply not in asked)


@pytest.mark.parametrize(("advised", "plies"), [("white", [0, 2, 4]), ("black", [1, 3, 5]), ("none", [])])
def test_only_the_advised_seats_are_asked_about(advised: str, plies: list[int]) -> None:
    advisor = Noting()
    shown = play(make(advisor, EveryTurn(), advised), Games(N), mix(np.arange(N)), 6)
    assert [ply for ply, available in enumerate(shown) if available.any()] == plies
    assert len(advisor.queries) == len(plies)


def test_never_asks_nobody() -> None:
    advisor = Noting()
    shown = play(make(advisor, Never()), Games(N), mix(np.arange(N)), 6)
    assert not np.any(shown)
    assert advisor.queries == []


def test_without_an_advisor_nothing_is_ever_visible() -> None:
    channel = make(None, EveryTurn())
    assert not np.any(play(channel, Games(N), mix(np.arange(N)), 4))
    assert (channel.visible.move == NO_MOVE).all()
    assert channel.last is None
    channel.close()


def test_a_batch_of_queries_holds_only_the_games_that_ask() -> None:
    advisor = Noting()
    channel = make(advisor, EveryTurn(), "white")
    games, keys = Games(N), mix(np.arange(N))
    games.step([-1, *games.sample(keys)[1:3], -1, -1])
    channel.arrive(games, keys, ALL)
    (query,) = advisor.queries
    assert len(query) == 3
    assert query.games.fens() == [games.fens()[i] for i in (0, 3, 4)]
    assert channel.last is not None
    assert channel.last.rows.tolist() == [0, 3, 4]
    assert channel.visible.available[:, 0].tolist() == [1, 0, 0, 1, 1]
    assert channel.visible.move[1] == NO_MOVE


def test_a_position_is_asked_about_once_and_its_advice_stays_until_the_game_moves_on() -> None:
    advisor = Noting()
    channel = make(advisor, EveryTurn())
    games, keys = Games(N), mix(np.arange(N))
    channel.arrive(games, keys, ALL)
    before = channel.visible
    channel.ask(games, keys, ALL)
    assert len(advisor.queries) == 1
    assert np.array_equal(channel.visible.move, before.move)
    moved = np.arange(N) == 2
    games.step(np.where(moved, games.sample(keys), -1))
    channel.arrive(games, keys, moved)
    assert [len(query) for query in advisor.queries] == [N, 1]
    assert np.array_equal(np.delete(channel.visible.move, 2), np.delete(before.move, 2))


def test_a_player_may_ask_where_the_protocol_did_not() -> None:
    advisor = Noting()
    channel = make(advisor, Never())
    games, keys = Games(N), mix(np.arange(N))
    channel.arrive(games, keys, ALL)
    channel.ask(games, keys, np.arange(N) == 1)
    assert channel.visible.available[:, 0].tolist() == [0, 1, 0, 0, 0]
    assert channel.queries.tolist() == [[0, 0], [1, 0], [0, 0], [0, 0], [0, 0]]


def test_queries_are_counted_for_each_player_of_each_game() -> None:
    advisor = Noting()
    channel = make(advisor, EveryTurn())
    games, keys = Games(N), mix(np.arange(N))
    play(channel, games, keys, 6)
    assert [set(query.count.tolist()) for query in advisor.queries] == [{0}, {0}, {1}, {1}, {2}, {2}]
    assert channel.queries.tolist() == [[3, 3]] * N
    white, black = advisor.queries[0].keys, advisor.queries[1].keys
    assert not set(white.tolist()) & set(black.tolist())
    again = np.arange(N) < 2
    channel.begin(again, np.ones((N, 2), dtype=np.bool_))
    assert channel.queries.tolist() == [[0, 0]] * 2 + [[3, 3]] * 3


def test_finished_games_are_not_asked_about() -> None:
    advisor = Noting()
    channel = make(advisor, EveryTurn())
    games = Games.from_fens([MATED, *Games(N - 1).fens()])
    channel.arrive(games, mix(np.arange(N)), ALL)
    assert len(advisor.queries[0]) == N - 1
    assert channel.visible.available[0].tolist() == [0, 0]


@pytest.mark.parametrize(("asks", "available"), [("move", [1, 0]), ("value", [0, 1]), ("both", [1, 1])])
def test_the_player_sees_what_it_asked_for(asks: str, available: list[int]) -> None:
    channel = make(Noting(), EveryTurn(), asks=asks)
    channel.arrive(Games(N), mix(np.arange(N)), ALL)
    assert channel.visible.available.tolist() == [available] * N
    assert ((channel.visible.move != NO_MOVE) == bool(available[0])).all()


def test_the_scorer_gets_the_whole_truth_as_it_is_given() -> None:
    heard: list[Audit] = []
    channel = make(Noting(), EveryNTurns(2), on_advice=heard.append)
    games, keys = Games(N), mix(np.arange(N))
    play(channel, games, keys, 6)
    assert [set(audit.ply.tolist()) for audit in heard] == [{0}, {1}, {4}, {5}]
    assert heard[-1] is channel.last
    for audit in heard:
        assert not audit.advice.provenance.tampered.any()
        assert np.array_equal(audit.advice.move, audit.advice.provenance.honest_move)
        assert np.array_equal(audit.visible.move, audit.advice.move)


def test_a_game_is_advised_alone_as_it_is_in_a_batch() -> None:
    heard: dict[int, list[Audit]] = {1: [], N: []}
    keys = mix(np.arange(N))
    for n in (1, N):
        channel = AdvisorChannel(n, Noting(), EveryNTurns(2), on_advice=heard[n].append)
        channel.begin(np.ones(n, dtype=np.bool_), np.ones((n, 2), dtype=np.bool_))
        play(channel, Games(n), keys[-n:], 8)
    assert len(heard[1]) == 4
    for alone, batch in zip(heard[1], heard[N], strict=True):
        assert alone.query.keys[0] == batch.query.keys[-1]
        assert alone.query.count[0] == batch.query.count[-1]
        assert alone.visible.move[0] == batch.visible.move[-1]


def test_a_channel_goes_on_from_its_state() -> None:
    keys = mix(np.arange(N))
    games, channel = Games(N), make(Noting(), EveryNTurns(3), "white")
    play(channel, games, keys, 5)
    other, copy = make(Noting(), EveryNTurns(3)), games.copy()
    other.load_state(channel.state())
    first, second = play(channel, games, keys, 9), play(other, copy, keys, 9)
    assert np.array_equal(first, second)
    assert np.any(first)
    assert np.array_equal(channel.queries, other.queries)


def test_a_state_of_something_else_is_refused() -> None:
    channel = make(Noting(), EveryTurn())
    state = channel.state()
    with pytest.raises(SpecError, match="has the keys"):
        channel.load_state({"turns": state["_turns"]})
    with pytest.raises(SpecError, match=r"'_turns' has the shape \(2, 2\): this channel needs \(5, 2\)"):
        channel.load_state(state | {"_turns": state["_turns"][:2]})


def test_the_channel_closes_its_advisor() -> None:
    advisor = Noting()
    make(advisor, EveryTurn()).close()
    assert advisor.closed


class Wrong(Advisor):
    """Gives an answer that is off in one part."""

    def __init__(self, **parts: object) -> None:
        self.parts = parts

    def advise(self, query: Query) -> Advice:
        return replace(Honest(UniformExpert()).advise(query), **self.parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"move": np.zeros(2, dtype=np.int64)}, r"asked about 5 games, but its move has shape \(2,\)"),
        ({"value": np.zeros((N, 1))}, r"asked about 5 games, but its value has shape \(5, 1\)"),
        ({"move": np.full(N, 4672)}, r"recommends 4672, which is not legal in 'rnbqkbnr/"),
        ({"move": np.full(N, -1)}, r"recommends -1, which is not legal in 'rnbqkbnr/"),
        ({"move": np.full(N, 3)}, r"recommends 3, which is not legal in 'rnbqkbnr/"),
        ({"value": np.full(N, 1.5)}, r"gives the value 1.5: it must lie between -1 and 1"),
        ({"value": np.full(N, np.nan)}, r"gives the value nan: it must lie between -1 and 1"),
    ],
)
def test_advice_that_no_player_could_be_shown_is_refused(parts: dict[str, object], says: str) -> None:
    channel = make(Wrong(**parts), EveryTurn())
    with pytest.raises(AdviceError, match=f"^Wrong (was )?{says}"):
        channel.arrive(Games(N), mix(np.arange(N)), ALL)
    assert (channel.visible.move == NO_MOVE).all()
    assert channel.queries.sum() == 0


def test_what_is_asked_for_is_checked() -> None:
    with pytest.raises(SpecError, match="unknown asks 'moves': did you mean 'move'"):
        AdvisorChannel(1, None, EveryTurn(), asks="moves")  # type: ignore[arg-type]


def test_advised_names_seats() -> None:
    assert advised_seats("both").tolist() == [[True, True]]
    assert advised_seats(("player_1",)).tolist() == [[False, True]]
    assert advised_seats(("white", "black")).tolist() == [[True, True]]
    assert advised_seats(()).tolist() == [[False, False]]
    learner = np.array([[True, False], [False, True]])
    assert advised_seats("learner", learner).tolist() == learner.tolist()
    assert advised_seats("opponent", learner).tolist() == (~learner).tolist()
    assert advised_seats(("opponent", "white"), learner).tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize(("name", "says"), [("whit", "did you mean 'white'"), ("learner", "known: black, both, none")])
def test_an_unknown_name_in_advised_is_answered_with_a_right_one(name: str, says: str) -> None:
    with pytest.raises(SpecError, match=f"unknown name {name!r} in advised: {says}"):
        advised_seats(name)


def test_seats_to_move_are_columns() -> None:
    games = Games(2)
    games.step([int(games.sample([1, 2])[0]), -1])
    assert seats_to_move(games).tolist() == [1, 0]
