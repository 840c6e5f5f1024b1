"""Values alone as a method: H learns the moves that it chose by the values it was told."""

from __future__ import annotations

import numpy as np
import pytest
from line_support import ROOK_TAKES_QUEEN, Hashed, Mind, moves_of, streams
from method_support import (
    LAST_PLY,
    TABLE,
    H,
    check_alone_as_together,
    check_leads_to_no_truth,
    check_learns_results,
    check_round_trip,
    played,
    taught,
)

from sandwich_env.advisors.base import NO_MOVE, Honest, VisibleAdvice
from sandwich_env.errors import SpecError
from sandwich_env.experts.children import legal_moves
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.values import Values
from sandwich_env.learning.self_play import play_games
from sandwich_env.oversight.line import open_line
from sandwich_env.players.one_ply import values_by, worth_of
from sandwich_env.rules import Games

METHOD = Values(explore_plies=4)


def test_the_games_are_the_same_alone_and_in_a_batch() -> None:
    check_alone_as_together(METHOD)


def test_spec_results_and_no_truth() -> None:
    check_round_trip(METHOD)
    check_learns_results(METHOD, played(METHOD)[0])
    check_leads_to_no_truth(METHOD)
    assert (METHOD.consults, METHOD.heeds) == (True, ("value",))


@pytest.mark.parametrize(("sign", "move"), [(1.0, "d2d5"), (-1.0, "e1e2")])
def test_an_honest_advisor_leads_it_to_the_best_move_and_a_lying_one_away(sign: float, move: str) -> None:
    games, (line, tally) = Games.from_fens([ROOK_TAKES_QUEEN]), open_line(Honest(Mind(sign=sign)))
    told = VisibleAdvice(np.array([NO_MOVE]), np.zeros(1, dtype=np.float32), np.array([[0, 1]], dtype=np.int8))
    player = Values(explore_plies=0).player(Mind("e1e2"), line)
    assert moves_of(games, player.act(games, told, streams(1))) == [move]
    assert tally.inquiries == 15
    assert moves_of(games, Values(explore_plies=0).player(Mind("e1e2")).act(games, told, streams(1))) == ["e1e2"]


def test_with_an_honest_advisor_every_move_is_the_best_of_its_values() -> None:
    line, tally = open_line(Honest(Hashed()))
    corpus = play_games(Values(explore_plies=0).player(H, line), TABLE, np.arange(3), seed=1, round=1)
    questions = 0
    for games, rows in replay_games(corpus.visible()):
        moves = legal_moves(games)
        worth = worth_of(games, moves, values_by(Hashed()))
        best = moves.with_logits(worth.astype(np.float32)).best()
        going_on = corpus.seen.ply[rows] < LAST_PLY
        np.testing.assert_array_equal(corpus.seen.action[rows][going_on], best[going_on])
        questions += len(worth)
    assert 0.8 * questions < tally.inquiries <= questions  # moves that end the game are not asked about


def test_the_moves_of_its_asking_turns_are_learnt_and_the_others_only_when_told() -> None:
    corpus, _ = played(METHOD, interval=3)
    seen = corpus.seen
    later = seen.ply >= 4
    assert (seen.asked & later).any()
    assert (~seen.asked & later).any()
    np.testing.assert_array_equal(taught(METHOD, corpus).policy_weight, seen.asked & later)
    np.testing.assert_array_equal(taught(Values(own_moves=True, explore_plies=4), corpus).policy_weight, later)
    unexplored = Values(explore_plies=4, explore_share=0.0)
    np.testing.assert_array_equal(taught(unexplored, corpus).policy_weight, seen.asked)


def test_explored_plies_ask_nothing() -> None:
    corpus, tally = played(Values(explore_plies=100, explore_share=1.0))
    assert corpus.seen.asked.all()
    assert tally.inquiries == 0


def test_arguments_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(SpecError, match=r"explore_share of 'values' is 2\.0"):
        Values(explore_share=2.0)
    with pytest.raises(SpecError, match=r"temperature of 'values' is -1\.0"):
        Values(temperature=-1.0)
