"""The line: H's end answers and leads nowhere, the scorer's end counts."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from line_support import Hashed, reachable, streams
from noting_support import Noting

from sandwich_env.advisors.base import NO_MOVE, Advice, Advisor, Honest, Provenance, Query, VisibleAdvice
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget
from sandwich_env.advisors.sycophancy import Sycophancy
from sandwich_env.errors import AdviceError, GameOverError, SpecError
from sandwich_env.oversight.channel import AdvisorChannel
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.line import Board, Line, Tally, open_line
from sandwich_env.oversight.protocols import AtRandom, EveryNTurns, EveryTurn, Never, Protocol
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.players.asking_again import AskingAgain, By
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games

N = 40


def some_games(plies: int = 4) -> Games:
    games = Games(N)
    for ply in range(plies):
        games.step(games.sample(np.arange(N) + 1000 * ply))
    return games


def columns(advice: VisibleAdvice) -> list[bytes]:
    return [part.tobytes() for part in (advice.move, advice.value, advice.available)]


FICKLE = RandomMove(Honest(Hashed()), epsilon=0.5)


def test_the_same_question_in_the_same_turn_has_the_same_answer_whatever_else_is_asked() -> None:
    games, (line, _) = some_games(), open_line(FICKLE)
    whole = line.ask(games, streams(N), "both", part=3)
    assert columns(line.ask(games, streams(N), "both", part=3)) == columns(whole)
    rows = np.random.default_rng(0).permutation(N)
    parts = np.full(N, 3)
    mixed = line.ask(games.select(rows), streams(N).select(rows), "both", parts)
    assert columns(mixed) == columns(whole.select(rows))
    for row in (0, 17):
        alone = np.array([row])
        found = line.ask(games.select(alone), streams(N).select(alone), "both", part=3)
        assert columns(found) == columns(whole.select(alone))


def test_another_part_and_another_turn_are_other_questions() -> None:
    games, (line, _) = some_games(), open_line(FICKLE)
    answers = [line.ask(games, streams(N, seed), "move", part).move.tolist() for seed in (0, 1) for part in (0, 1)]
    assert len(set(map(tuple, answers))) == 4
    each = line.ask(games, streams(N), "move", np.arange(N) % 2).move
    np.testing.assert_array_equal(each, np.where(np.arange(N) % 2, answers[1], answers[0]))


def test_an_honest_advisor_says_what_its_expert_knows_and_only_what_was_asked_for() -> None:
    games, (line, _) = some_games(), open_line(Honest(Hashed()))
    known = Hashed().evaluate(games)
    move, value = (line.ask(games, streams(N), asks) for asks in ("move", "value"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(move.move, known.best())
    np.testing.assert_array_equal(value.value, known.value)
    assert (move.value == 0).all()
    assert (value.move == NO_MOVE).all()
    assert (move.available == [1, 0]).all()
    assert (value.available == [0, 1]).all()


def test_the_scorer_counts_questions_and_tampered_answers() -> None:
    games, (line, tally) = some_games(), open_line(FICKLE)
    honest = Hashed().evaluate(games).best()
    said = [line.ask(games, streams(N), "move", part).move for part in range(4)]
    assert tally.inquiries == 4 * N
    assert np.sum(said != honest) <= tally.tampered < 4 * N
    assert tally.tampered > N
    other_line, other = open_line(Honest(Hashed()))
    other_line.ask(games.select([0, 1]), streams(2), "value")
    assert (other.inquiries, other.tampered) == (2, 0)
    assert tally.inquiries == 4 * N


def test_the_advisor_is_told_the_number_of_the_turn_and_what_h_discloses_of_itself() -> None:
    noting = Noting()
    line, _ = open_line(noting, Disclosures(rating=1234.0, proposer=Hashed()))
    games = some_games(5)
    line.ask(games, streams(N), "move")
    (query,) = noting.queries
    assert (query.count == 2).all()
    assert query.rating is not None
    assert (query.rating == 1234.0).all()
    np.testing.assert_array_equal(query.proposal, Hashed().evaluate(games).best())
    quiet = Noting()
    open_line(quiet)[0].ask(games, streams(N), "move")
    assert (quiet.queries[0].rating, quiet.queries[0].proposal, quiet.queries[0].watched) == (None, None, None)


def test_asked_about_other_positions_the_advisor_is_told_of_who_asks_not_of_who_would_be_to_move() -> None:
    """Black asks about the positions after its moves, where White is to move."""
    noting, told = Noting(), Disclosures(rating=(1000.0, 2000.0), proposer=Hashed(), watch=EveryNTurns(2))
    line, _ = open_line(noting, told)
    board = some_games(5)
    rows = np.repeat(np.arange(N), 2)
    after = board.select(rows)
    after.step(after.sample(np.arange(2 * N)))
    line.ask(after, streams(N).select(rows), "value", np.tile([0, 1], N), Board(board, rows))
    line.ask(board, streams(N), "value")
    ahead, here = noting.queries
    assert (ahead.count == 2).all()
    assert (ahead.rating == 2000.0).all()
    assert ahead.watched is not None
    np.testing.assert_array_equal(ahead.watched, EveryNTurns(2).due(np.full(2 * N, 2), None))
    assert ahead.proposal is not None
    assert ahead.hope is not None
    assert (ahead.proposal == -1).all()  # it would play what it would play at its board
    assert np.isnan(ahead.hope).all()
    assert (here.rating == 2000.0).all()
    np.testing.assert_array_equal(here.proposal, Hashed().evaluate(board).best())


def test_who_watches_at_random_watches_the_whole_turn() -> None:
    watch = AtRandom(0.5)
    noting = Noting()
    channel = AdvisorChannel(N, noting, EveryTurn(), disclosures=Disclosures(watch=watch))
    games, keys = some_games(4), mix(0, np.arange(N))
    channel.begin(np.arange(N), np.ones((N, 2), dtype=np.bool_))
    channel._turns[:] = 2  # as many as four plies bring
    channel.arrive(games, keys, np.ones(N, dtype=np.bool_))
    line, _ = open_line(noting, Disclosures(watch=watch))
    line.ask(games, Streams(mix(keys, "player", games.ply), origin=keys), "value")
    asked, again = noting.queries
    assert asked.watched is not None
    assert 0 < asked.watched.sum() < N
    np.testing.assert_array_equal(asked.watched, again.watched)


@pytest.mark.parametrize("protocol", [EveryTurn(), EveryNTurns(3), AtRandom(0.4), Never()], ids=repr)
def test_who_lies_by_the_clock_goes_by_the_queries_of_the_protocol(protocol: Protocol) -> None:
    """In each turn the line tells the number that the channel's query has, or that its next one will have."""
    noting = Noting()
    channel, keys = AdvisorChannel(N, noting, protocol), mix(0, np.arange(N))
    line, _ = open_line(noting, protocol=protocol)
    channel.begin(np.arange(N), np.ones((N, 2), dtype=np.bool_))
    games = Games(N)
    for ply in range(12):
        before = channel.queries[np.arange(N), (~games.turn).astype(np.int64)]
        rng = Streams(mix(keys, "player", games.ply), origin=keys)
        line.ask(games, rng, "move")
        line.ask(games, rng, "value", board=Board(games, np.arange(N)))
        for query in noting.queries[-2:]:
            np.testing.assert_array_equal(query.count, before)
        channel.arrive(games, keys, np.ones(N, dtype=np.bool_))
        games.step(games.sample(np.arange(N) + 1000 * ply))
    assert protocol.kind != "at_random" or len(set(channel.queries[:, 0].tolist())) > 1


@pytest.mark.parametrize("by", ["same", "mirrored", "after"])
def test_a_sycophant_on_the_line_lets_be_what_h_does_not_say(by: By) -> None:
    """What H would play in positions other than its own it does not say, and a sycophant says there what E knows."""
    flatterer = Sycophancy(Honest(Hashed()))
    line, tally = open_line(flatterer, Disclosures(proposer=Hashed(1)))
    games = some_games()
    advised = VisibleAdvice(Hashed().evaluate(games).best(), np.zeros(N, np.float32), np.ones((N, 2), np.int8))
    chosen = AskingAgain(Hashed(1), line, by).act(games, advised, streams(N))
    assert games.are_legal(chosen).all()
    assert tally.inquiries > 0
    assert (tally.tampered > 0) == (by == "same")


def test_nothing_is_asked_about_a_game_that_is_over() -> None:
    line, tally = open_line(Honest(Hashed()))
    over = Games.from_fens(["7k/5KQ1/8/8/8/8/8/8 b - - 0 1"])
    with pytest.raises(GameOverError, match="is over: there is nothing to ask"):
        line.ask(over, streams(1), "move")
    assert tally.inquiries == 0


def test_lies_on_the_line_do_not_use_up_a_budget() -> None:
    games = some_games()
    line, tally = open_line(RandomMove(Honest(Hashed()), epsilon=1.0, when=Budget(1)))
    for part in range(3):
        line.ask(games, streams(N), "move", part)
    assert tally.tampered == 3 * N


class Wrong(Advisor):
    """Changes an honest answer into one that nobody could be shown."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes

    def advise(self, query: Query) -> Advice:
        return replace(Honest(Hashed()).advise(query), **self.changes)


def test_an_answer_that_nobody_could_be_shown_is_refused_and_not_counted() -> None:
    games = some_games()
    for changes, said in (
        ({"move": np.full(N, 4671)}, "Wrong recommends 4671, which is not legal"),
        ({"value": np.full(N, 1.5, dtype=np.float32)}, "Wrong gives the value 1.5"),
        ({"value": np.zeros(3, dtype=np.float32)}, "was asked about 40 games"),
    ):
        line, tally = open_line(Wrong(**changes))
        with pytest.raises(AdviceError, match=said):
            line.ask(games, streams(N), "both")
        assert tally.inquiries == 0


def test_asks_is_move_value_or_both() -> None:
    line, _ = open_line(Honest(Hashed()))
    with pytest.raises(SpecError, match=r"unknown asks 'vlue'.*'value'"):
        line.ask(Games(1), streams(1), "vlue")  # type: ignore[arg-type]


def test_hs_end_leads_to_no_truth() -> None:
    line, tally = open_line(FICKLE)
    answer = line.ask(some_games(), streams(N), "both")
    secret = (Provenance, Advice, Advisor, Query, Tally, Hashed)
    assert not [thing for start in (line, answer) for thing in reachable(start) if isinstance(thing, secret)]
    assert type(answer) is VisibleAdvice
    assert Line.__slots__ == ("_answer",)
    assert not hasattr(line, "__dict__")
    assert tally.inquiries == N


def test_the_search_for_truth_would_find_it() -> None:
    """The test above could fail."""
    found = list(reachable([AdvisorPlayer(FICKLE)]))
    assert any(thing is FICKLE for thing in found)
    assert any(isinstance(thing, Hashed) for thing in found)
    assert any(isinstance(thing, Provenance) for thing in reachable(FICKLE.advise(_query())))
    for held in (FICKLE.advise, functools.partial(FICKLE.advise, _query())):
        assert any(thing is FICKLE for thing in reachable([held])), "a bound method leads to its owner"


def _query() -> Query:
    return Query(games=Games(1), keys=np.zeros(1, dtype=np.uint64), count=np.zeros(1, dtype=np.int64))
