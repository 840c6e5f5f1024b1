"""Self-play: the games depend on their numbers alone, and all that was asked and answered is written down rightly."""

from __future__ import annotations

from dataclasses import replace

import chess
import numpy as np
import pytest
from corpus_support import assert_equal

from sandwich_env.advisors.base import NO_MOVE, Honest
from sandwich_env.advisors.random_move import RandomMove
from sandwich_env.advisors.schedules import Budget
from sandwich_env.advisors.sycophancy import Sycophancy
from sandwich_env.errors import DataError
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.corpus import UNFINISHED, Corpus
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.self_play import Table, draw_starts, play_games
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.protocols import EveryNTurns, EveryTurn, Never
from sandwich_env.players.advisor_player import AdvisorPlayer
from sandwich_env.rules import Games

STARTS = (chess.STARTING_FEN, "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "7k/P7/8/8/8/8/7p/K7 b - - 0 1")


class Highest(Expert):
    """Prefers the legal action with the highest number, and takes White to be winning."""

    def evaluate(self, games: Games) -> Evaluation:
        numbers = np.arange(games.legal_mask().shape[1], dtype=np.float32)
        policy = np.where(games.legal_mask() == 1, numbers, np.float32(-np.inf)).astype(np.float32)
        return Evaluation(policy, np.where(games.turn, 0.5, -0.5).astype(np.float32))


TABLE = Table(
    advisor=RandomMove(Honest(Highest()), epsilon=0.4, seed=2),
    advised="both",
    protocol=EveryTurn(),
    asks="both",
    starts=STARTS,
    max_plies=20,
)
METHOD = Imitate(explore_plies=4)


def played(table: Table = TABLE, games: int = 10, at_once: int = 10, *, seed: int = 1, round: int = 1) -> Corpus:
    player = METHOD.player(UniformExpert())
    batches = np.array_split(np.arange(games), range(at_once, games, at_once))
    return Corpus.concatenate([play_games(player, table, batch, seed=seed, round=round) for batch in batches])


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return played()


@pytest.mark.parametrize("at_once", [1, 3, 9])
def test_the_games_are_the_same_whatever_is_played_beside_them(corpus: Corpus, at_once: int) -> None:
    assert_equal(played(at_once=at_once), corpus)


def test_seed_and_round_make_other_games(corpus: Corpus) -> None:
    for other in (played(seed=2), played(round=2)):
        assert other.seen.action.tolist() != corpus.seen.action.tolist()
    assert (played(round=2).games.round == 2).all()


def test_the_games_of_a_round_differ(corpus: Corpus) -> None:
    lines = [tuple(corpus.seen.action[corpus.seen.game_id == game]) for game in range(10)]
    assert len(set(lines)) == 10


def test_every_game_is_over_and_can_be_replayed(corpus: Corpus) -> None:
    assert UNFINISHED not in corpus.games.termination
    assert np.isin(corpus.games.outcome, (-1.0, 0.0, 1.0)).all()
    assert corpus.seen.lengths().max() <= 20
    assert sum(len(rows) for _, rows in replay_games(corpus.visible())) == len(corpus)


def test_what_was_advised_and_the_truth_behind_it_are_written_down(corpus: Corpus) -> None:
    seen, truth = corpus.seen, corpus.truth
    assert seen.asked.all()
    assert (seen.advice_available == 1).all()
    for games, rows in replay_games(corpus.visible()):
        honest = Highest().evaluate(games)
        assert np.array_equal(truth.honest_move[rows], honest.best())
        assert np.array_equal(truth.honest_value[rows], honest.value)
        assert (games.legal_mask()[np.arange(len(rows)), seen.advice_move[rows]] == 1).all()
    assert np.array_equal(seen.advice_value, truth.honest_value)
    assert np.array_equal(truth.by == "random_move", truth.tampered)
    assert np.array_equal(seen.advice_move[~truth.tampered], truth.honest_move[~truth.tampered])
    assert (seen.advice_move != truth.honest_move).sum() > 0
    assert 0.25 < truth.tampered.mean() < 0.55


def test_h_follows_what_it_is_told_where_it_does_not_explore(corpus: Corpus) -> None:
    later = corpus.seen.ply >= 4
    assert corpus.seen.followed[later].all()
    assert not corpus.seen.followed[~later].all()


@pytest.mark.parametrize("n", [2, 3])
def test_every_n_turns_each_player_asks_at_its_first_turn_and_every_nth(n: int) -> None:
    seen = played(replace(TABLE, protocol=EveryNTurns(n))).seen
    assert np.array_equal(seen.asked, (seen.ply // 2) % n == 0)
    assert (seen.advice_move[~seen.asked] == NO_MOVE).all()
    assert (seen.advice_available[~seen.asked] == 0).all()
    assert (seen.advice_available[seen.asked] == 1).all()


def test_one_side_alone_may_ask() -> None:
    seen = played(replace(TABLE, advised="black", starts=STARTS[:2])).seen
    assert np.array_equal(seen.asked, seen.mover == 1)


def test_only_what_was_asked_for_is_told() -> None:
    corpus = played(replace(TABLE, asks="value"))
    assert (corpus.seen.advice_available == [0, 1]).all()
    assert (corpus.seen.advice_move == NO_MOVE).all()
    assert not corpus.truth.tampered.any()


@pytest.mark.parametrize("table", [replace(TABLE, advisor=None), replace(TABLE, protocol=Never())])
def test_without_advice_nothing_is_asked_and_no_truth_is_known(table: Table) -> None:
    corpus = played(table)
    assert not corpus.seen.asked.any()
    assert not corpus.truth.tampered.any()
    assert (corpus.truth.honest_move == -1).all()
    assert np.isnan(corpus.truth.honest_value).all()
    assert len(corpus.games) == 10


def test_progress_tells_how_many_games_are_over() -> None:
    told: list[int] = []
    corpus = play_games(METHOD.player(UniformExpert()), TABLE, np.arange(5), seed=1, round=1, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 5
    assert len(told) == corpus.seen.lengths().max()


def test_starts_come_from_the_book_and_do_not_repeat_themselves_by_round() -> None:
    drawn = draw_starts(STARTS, 200, random_plies=0, seed=1, round=1)
    assert set(drawn) == set(STARTS)
    walked = draw_starts([chess.STARTING_FEN], 300, random_plies=3, seed=1, round=1)
    assert walked[:50] == draw_starts([chess.STARTING_FEN], 50, random_plies=3, seed=1, round=1)
    plies = [2 * chess.Board(fen).fullmove_number - 1 - chess.Board(fen).turn for fen in walked]
    assert set(plies) == {0, 1, 2, 3}
    assert walked != draw_starts([chess.STARTING_FEN], 300, random_plies=3, seed=1, round=2)


def test_games_that_are_over_make_no_starts() -> None:
    mated = "R6k/8/6K1/8/8/8/8/8 b - - 0 1"
    with pytest.raises(DataError, match="over where it should begin"):
        draw_starts([mated], 5, random_plies=0, seed=1, round=1)


def test_what_h_would_play_is_told_to_the_advisor_and_written_down() -> None:
    proposer = Highest()
    table = replace(
        TABLE,
        advisor=Sycophancy(RandomMove(Honest(UniformExpert()), epsilon=1.0), flatters="move"),
        protocol=EveryNTurns(2),
        disclosures=Disclosures(proposer=proposer),
    )
    corpus, seen = played(table), 0
    for games, rows in replay_games(corpus.visible()):
        asked, would = corpus.seen.asked[rows], proposer.evaluate(games).best()
        np.testing.assert_array_equal(corpus.seen.own_move[rows], np.where(asked, would, -1))
        np.testing.assert_array_equal(corpus.seen.advice_move[rows], np.where(asked, would, NO_MOVE))
        seen += int(asked.sum())
    assert 0 < seen < len(corpus)
    assert_equal(played(table, at_once=3), corpus)


def test_without_a_proposer_nothing_is_written_down_of_what_h_would_play(corpus: Corpus) -> None:
    assert (corpus.seen.own_move == -1).all()


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_advisor_at_the_board_keeps_its_budget_of_lies_in_every_game(at_once: int) -> None:
    advisor = RandomMove(Honest(Highest()), epsilon=0.5, when=Budget(2))
    player, unadvised = AdvisorPlayer(advisor), replace(TABLE, advised="none")
    batches = np.array_split(np.arange(4), 4 // at_once)
    corpus = Corpus.concatenate([play_games(player, unadvised, batch, seed=5, round=1) for batch in batches])
    lies = np.zeros((4, 2), dtype=np.int64)
    for games, rows in replay_games(corpus.visible()):
        other = corpus.seen.action[rows] != Highest().evaluate(games).best()
        np.add.at(lies, (corpus.seen.game_id[rows], games.turn.astype(int)), other)
    assert lies.max() == 2
    assert (lies == 2).sum() >= 4
    whole = play_games(AdvisorPlayer(advisor), unadvised, np.arange(4), seed=5, round=1)
    assert_equal(corpus, whole)
