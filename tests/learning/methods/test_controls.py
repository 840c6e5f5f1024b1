"""The controls: H by itself, and H with a search. Nobody is asked."""

from __future__ import annotations

import numpy as np
import pytest
from line_support import MATE, ROOK_TAKES_QUEEN, Mind, advise, moves_of, streams
from method_support import (
    LAST_PLY,
    H,
    check_alone_as_together,
    check_leads_to_no_truth,
    check_learns_results,
    check_round_trip,
    played,
    taught,
)

from sandwich_env.errors import SpecError
from sandwich_env.experts.search import SearchExpert
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.base import Method
from sandwich_env.learning.methods.search_only import SearchOnly
from sandwich_env.learning.methods.self_play import SelfPlay
from sandwich_env.rules import Games

CONTROLS = (SelfPlay(explore_plies=4), SearchOnly(simulations=6, explore_plies=4))


@pytest.mark.parametrize("method", CONTROLS, ids=lambda method: method.kind)
def test_nobody_is_asked_and_no_advice_is_heeded(method: Method) -> None:
    assert (method.consults, method.heeds) == (False, ())
    corpus, tally = played(method)
    assert not corpus.seen.asked.any()
    assert tally.inquiries == 0
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    games.step([int(games.legal_actions()[0][0])])  # past the start, so that it does not matter who explores there
    player = type(method)(explore_plies=0).player(Mind())
    unadvised = player.act(games, None, streams(1))
    for uci in ("e8e7", "e8f8", "e8f7"):
        np.testing.assert_array_equal(player.act(games, advise(games, uci), streams(1)), unadvised)


@pytest.mark.parametrize("method", CONTROLS, ids=lambda method: method.kind)
def test_the_games_are_the_same_alone_and_in_a_batch(method: Method) -> None:
    check_alone_as_together(method)


@pytest.mark.parametrize("method", CONTROLS, ids=lambda method: method.kind)
def test_spec_results_and_no_truth(method: Method) -> None:
    check_round_trip(method)
    check_learns_results(method, played(method)[0])
    check_leads_to_no_truth(method)


@pytest.mark.parametrize("method", CONTROLS, ids=lambda method: method.kind)
def test_its_own_moves_are_learnt_where_it_did_not_explore(method: Method) -> None:
    corpus, _ = played(method)
    mind = H if isinstance(method, SelfPlay) else SearchExpert(H, 6)
    np.testing.assert_array_equal(taught(method, corpus).policy_weight, corpus.seen.ply >= 4)
    best = np.empty(len(corpus), dtype=np.int64)
    for games, rows in replay_games(corpus.visible()):
        best[rows] = mind.evaluate(games).best()
    later = corpus.seen.ply >= 4
    near = later & (corpus.seen.ply <= LAST_PLY - 6)  # a search of six visits does not see the last ply
    assert near.any()
    np.testing.assert_array_equal(corpus.seen.action[near], best[near])
    assert (corpus.seen.action != best)[~later].any()


def test_a_search_finds_what_h_does_not_like() -> None:
    games = Games.from_fens([MATE])
    for simulations, move in ((1, "e1e2"), (200, "a1a8")):
        player = SearchOnly(simulations, explore_plies=0).player(Mind("e1e2"))
        assert moves_of(games, player.act(games, None, streams(1))) == [move]


def test_arguments_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(SpecError, match="simulations of 'search_only' is 0"):
        SearchOnly(simulations=0)
    with pytest.raises(SpecError, match=r"explore_share of 'self_play' is 1\.5"):
        SelfPlay(explore_share=1.5)
