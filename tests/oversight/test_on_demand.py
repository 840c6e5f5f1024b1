"""Asking when a player chooses to: the protocol, the questions, and the channel that carries them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from noting_support import Noting

from sandwich_env.advisors.base import NO_MOVE, Advisor, Honest, Query
from sandwich_env.advisors.panel import Panel
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.asking import NO_LIMIT, AskingChannel, channel_class
from sandwich_env.oversight.channel import AdvisorChannel, Audit
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.on_demand import Ask, OnDemand, ask_actions
from sandwich_env.oversight.protocols import EveryNTurns, EveryTurn, Protocol
from sandwich_env.randomness import mix
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

N = 5
ALL = np.ones(N, dtype=np.bool_)
BOTH = np.ones((N, 2), dtype=np.bool_)
KEYS = mix(np.arange(N))
MOVE, VALUE = 0, 1


def make(advisor: Advisor | None, budget: int | None = 3, advised: Any = BOTH, **more: Any) -> AskingChannel:
    channel = AskingChannel(N, advisor, OnDemand(budget), **more)
    channel.begin(ALL, advised)
    return channel


def ask(channel: AskingChannel, games: Games, asks: dict[int, int]) -> None:
    """The players to move in some games each ask one question."""
    channel.want(np.array(list(asks)), np.array(list(asks.values())))
    channel.ask_due(games, KEYS)


def arrived(channel: AskingChannel, games: Games | None = None) -> Games:
    games = Games(N) if games is None else games
    channel.note(games, ALL)
    channel.ask_due(games, KEYS)
    return games


# --- The protocol ---


def test_the_protocol_can_be_written_down_and_read_back() -> None:
    for protocol in (OnDemand(10, 0.25), OnDemand(None)):
        assert from_spec(protocol.to_spec(), Protocol).to_spec() == protocol.to_spec()
    assert OnDemand(10, 0.25).to_spec() == {"kind": "on_demand", "budget": 10, "cost": 0.25}
    assert not OnDemand(10).due(np.arange(6)).any()


@pytest.mark.parametrize("budget", [-1, 1.5, 2.0, True, "10", float("inf")])
def test_a_budget_that_is_no_whole_number_is_refused(budget: Any) -> None:
    with pytest.raises(SpecError, match=f"budget of 'on_demand' is {budget!r}: it must be a whole number, 0 or more"):
        OnDemand(budget)


@pytest.mark.parametrize("cost", [-0.01, float("nan"), float("inf"), "0.1", None])
def test_a_cost_that_is_negative_or_no_number_is_refused(cost: Any) -> None:
    with pytest.raises(SpecError, match=f"cost of 'on_demand' is {cost!r}: it must be a finite number, 0 or more"):
        OnDemand(3, cost)


def test_a_spec_without_a_budget_is_refused() -> None:
    with pytest.raises(SpecError, match="'on_demand' needs 'budget'"):
        from_spec("on_demand", Protocol)


def test_a_player_cannot_watch_by_a_protocol_that_names_no_turns() -> None:
    with pytest.raises(SpecError, match="watch is 'on_demand', but a player watches at turns that are known"):
        Disclosures(watch=OnDemand(3))


def test_questions_are_numbered_after_the_moves_member_by_member() -> None:
    assert ask_actions("move") == (Ask(4672, "move", 0),)
    assert ask_actions("value") == (Ask(4672, "value", 0),)
    assert ask_actions("both", members=2) == (
        Ask(4672, "move", 0),
        Ask(4673, "value", 0),
        Ask(4674, "move", 1),
        Ask(4675, "value", 1),
    )
    assert str(ask_actions("both", members=2)[3]) == "ask member 1 for a value"


def test_the_protocol_chooses_the_channel() -> None:
    assert channel_class(OnDemand(3)) is AskingChannel
    assert channel_class(EveryTurn()) is AdvisorChannel


# --- The channel ---


def test_nothing_is_asked_unless_a_player_wants_it() -> None:
    advisor = Noting()
    channel = make(advisor)
    games = arrived(channel)
    assert advisor.queries == []
    assert not channel.visible.available.any()
    assert channel.askable(games).all()
    assert channel.left(np.zeros(N, dtype=np.int64)).tolist() == [3] * N


def test_what_all_games_ask_goes_out_as_one_batch_for_each_part() -> None:
    advisor = Noting()
    channel = make(advisor)
    games = arrived(channel)
    ask(channel, games, {0: MOVE, 1: VALUE, 3: MOVE, 4: VALUE})
    assert [(query.asks, len(query)) for query in advisor.queries] == [("move", 2), ("value", 2)]
    assert channel.visible.available.tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    assert (channel.visible.move < NO_MOVE).tolist() == [True, False, False, True, False]


def test_a_part_is_asked_once_in_a_position_and_its_answer_stays_until_the_game_moves_on() -> None:
    channel = make(Noting())
    games = arrived(channel)
    ask(channel, games, {2: MOVE})
    first = int(channel.visible.move[2])
    assert channel.askable(games)[2].tolist() == [False, True]
    ask(channel, games, {2: VALUE})
    assert not channel.askable(games)[2].any()
    assert (int(channel.visible.move[2]), channel.visible.available[2].tolist()) == (first, [1, 1])
    games.step(games.sample(KEYS))
    arrived(channel, games)
    assert channel.askable(games).all()
    assert not channel.visible.available.any()


def test_each_player_of_each_game_has_a_budget_of_its_own() -> None:
    channel = make(Noting(), budget=2)
    games = arrived(channel)
    ask(channel, games, {1: MOVE})
    ask(channel, games, {1: VALUE})
    white, black = np.zeros(N, dtype=np.int64), np.ones(N, dtype=np.int64)
    assert channel.left(white).tolist() == [2, 0, 2, 2, 2]
    assert channel.left(black).tolist() == [2] * N
    for _ in range(2):
        games.step(games.sample(KEYS))
        arrived(channel, games)
    assert channel.askable(games).all(axis=1).tolist() == [True, False, True, True, True]
    channel.begin(ALL, BOTH)
    arrived(channel)
    assert channel.left(white).tolist() == [2] * N


def test_without_a_budget_there_is_no_end_of_questions() -> None:
    channel = make(Noting(), budget=None)
    games = arrived(channel)
    for _ in range(20):
        ask(channel, games, {0: MOVE})
        games.step(games.sample(KEYS))
        arrived(channel, games)
    assert channel.left(np.zeros(N, dtype=np.int64)).tolist() == [NO_LIMIT] * N
    assert channel.askable(games).all()
    assert channel.queries[0].tolist() == [10, 10]


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (make(None), "there is no advisor"),
        (make(Noting(), advised=np.zeros((N, 2), dtype=np.bool_)), "White is not advised"),
        (make(Noting(), budget=0), "nothing is left of the budget of 0 questions for this game"),
    ],
)
def test_who_may_not_ask_is_told_why(channel: AskingChannel, why: str) -> None:
    games = arrived(channel)
    assert not channel.askable(games).any()
    assert channel.left(np.zeros(N, dtype=np.int64)).tolist() == [0] * N
    assert channel.why_not(games, 0, MOVE) == why


def test_nothing_is_asked_in_a_game_that_is_over() -> None:
    channel = make(Noting())
    games = Games.from_fens(["rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"] * N)
    arrived(channel, games)
    assert not channel.askable(games).any()


def test_each_answer_is_a_query_of_its_own() -> None:
    heard: list[Audit] = []
    advisor = Noting()
    channel = make(advisor, on_advice=heard.append)
    games = arrived(channel)
    ask(channel, games, {0: MOVE, 1: VALUE})
    ask(channel, games, {0: VALUE})
    assert [(audit.rows.tolist(), audit.query.asks, audit.member) for audit in heard] == [
        ([0], "move", 0),
        ([1], "value", 0),
        ([0], "value", 0),
    ]
    assert [query.count.tolist() for query in advisor.queries] == [[0], [0], [1]]
    assert heard[0].visible.available.tolist() == [[1, 0]]
    assert channel.last is heard[-1]


def test_a_budget_of_lies_counts_answers() -> None:
    once = Budget(lies=1)
    channel = make(ValueNoise(RandomMove(Honest(UniformExpert()), epsilon=1.0, when=once), scale=0.5, when=once))
    games = arrived(channel)
    ask(channel, games, {0: MOVE, 1: VALUE})
    assert channel.last is not None
    assert channel.lies[:2].tolist() == [[1, 0], [1, 0]]
    ask(channel, games, {0: VALUE, 1: MOVE})
    assert not channel.last.advice.provenance.tampered.any()
    assert channel.lies[:2].tolist() == [[1, 0], [1, 0]]
    assert channel.queries[:2].tolist() == [[2, 0], [2, 0]]


def test_the_advisor_is_told_at_every_question_what_it_is_told_elsewhere() -> None:
    advisor = Noting()
    told = Disclosures(watch=EveryNTurns(2), rating=1500.0, proposer=UniformExpert())
    channel = make(advisor, disclosures=told)
    games = arrived(channel)
    ask(channel, games, {0: MOVE})
    ask(channel, games, {0: VALUE})
    for _ in range(2):
        games.step(games.sample(KEYS))
        arrived(channel, games)
    ask(channel, games, {0: MOVE})
    watched = [None if query.watched is None else query.watched.tolist() for query in advisor.queries]
    assert watched == [[True], [True], [False]]
    for query in advisor.queries:
        assert query.rating is not None
        assert query.proposal is not None
        assert (query.rating.tolist(), query.proposal.tolist()) == ([1500.0], [query.games.legal_actions()[0].min()])


def test_a_wrapper_of_moves_is_not_idle_where_values_are_but_one_question(caplog: pytest.LogCaptureFixture) -> None:
    for asks, idle in (("both", False), ("value", True)):
        channel = make(RandomMove(Honest(UniformExpert()), epsilon=1.0), asks=asks)
        games = arrived(channel)
        ask(channel, games, {0: VALUE if asks == "both" else 0})
        assert ("it does nothing" in caplog.text) == idle


# --- Panels ---


def test_the_members_of_a_panel_are_asked_one_by_one() -> None:
    members = [Noting(), Noting(), Noting()]
    channel = make(Panel(members), budget=None)
    games = arrived(channel)
    assert channel.askable(games).shape == (N, 6)
    ask(channel, games, {0: 2, 1: 2, 2: 5, 3: 0})
    assert [[(query.asks, len(query)) for query in member.queries] for member in members] == [
        [("move", 1)],
        [("move", 2)],
        [("value", 1)],
    ]
    seen: dict[str, Any] = {}
    channel.show(seen)
    assert seen["panel_available"][0].tolist() == [[0, 0], [1, 0], [0, 0]]
    assert seen["panel_available"][2].tolist() == [[0, 0], [0, 0], [0, 1]]
    assert (seen["panel_move"] != NO_MOVE).nonzero()[1].tolist() == [1, 1, 0]
    assert channel.last is not None
    assert channel.last.member == 2


def test_the_latest_answer_of_a_panel_is_the_advice() -> None:
    channel = make(Panel([Honest(UniformExpert()), RandomMove(Honest(UniformExpert()), epsilon=1.0)]), budget=None)
    games = arrived(channel)
    seen: dict[str, Any] = {}
    for question, member in ((0, 0), (2, 1)):
        ask(channel, games, dict.fromkeys(range(N), question))
        channel.show(seen)
        assert seen["advice_move"].tolist() == seen["panel_move"][:, member].tolist()
    assert seen["panel_move"][:, 0].tolist() != seen["panel_move"][:, 1].tolist()
    ask(channel, games, dict.fromkeys(range(N), 3))
    games.step(games.sample(KEYS))
    arrived(channel, games)
    channel.show(seen)
    assert (seen["panel_move"] == NO_MOVE).all()
    assert not seen["panel_value"].any()
    assert not seen["panel_available"].any()
    assert channel.lies[:, 0].tolist() == [1] * N  # the second member's alone


def test_a_panel_speaks_by_its_members_as_it_does_when_all_are_asked() -> None:
    panel = Panel([RandomMove(Honest(UniformExpert()), epsilon=1.0), RandomMove(Honest(UniformExpert()), epsilon=1.0)])
    query = Query(games=Games(N), keys=KEYS, count=np.zeros(N, dtype=np.int64), asks="move")
    for voice, said in enumerate(panel.advise_all(query)):
        assert panel.advise_as(voice, query).move.tolist() == said.move.tolist()


# --- Checkpoints, and batches ---


def test_a_channel_goes_on_from_its_state() -> None:
    advisor = RandomMove(Honest(UniformExpert()), epsilon=0.5)
    channel = make(Panel([advisor, advisor]), budget=4)
    games = arrived(channel)
    ask(channel, games, {0: 1, 1: 2, 4: 0})
    channel.want(np.array([3]), np.array([2]))  # asked, and not answered yet
    other = make(Panel([advisor, advisor]), budget=4)
    other.load_state(channel.state())
    for one in (channel, other):
        one.ask_due(games, KEYS)
        ask(one, games, {0: 2, 1: 3})
    mine, theirs = channel.state(), other.state()
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    assert not channel.askable(games)[3, 2]


def test_the_state_of_another_kind_of_channel_is_refused() -> None:
    plain = AdvisorChannel(N, Noting(), EveryTurn())
    with pytest.raises(SpecError, match="this channel's state has the keys"):
        make(Noting()).load_state(plain.state())
    with pytest.raises(SpecError, match=r"'_told' has the shape \(5, 4\): this channel needs \(5, 2\)"):
        make(Noting()).load_state(make(Panel([Noting(), Noting()])).state())


def test_an_answer_is_the_same_alone_and_in_a_batch() -> None:
    advisor = RandomMove(Honest(UniformExpert()), epsilon=0.5)
    batch = make(advisor)
    games = arrived(batch)
    ask(batch, games, {0: VALUE, 1: MOVE, 2: MOVE, 3: MOVE, 4: VALUE})
    ask(batch, games, {0: MOVE, 4: MOVE})
    for i, first in enumerate((VALUE, MOVE, MOVE, MOVE, VALUE)):
        alone = AskingChannel(1, advisor, OnDemand(3))
        alone.begin(np.array([True]), BOTH[:1])
        one = Games(1)
        alone.note(one, np.array([True]))
        for question in (first, MOVE) if first == VALUE else (first,):
            alone.want(np.array([0]), np.array([question]))
            alone.ask_due(one, KEYS[i : i + 1])
        assert alone.visible.move[0] == batch.visible.move[i]
