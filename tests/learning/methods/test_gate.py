"""The gate as a method: what H let through is what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from line_support import ROOK_TAKES_QUEEN, Mind, advise, moves_of, streams
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
from sandwich_env.learning.corpus_replay import replay_games
from sandwich_env.learning.methods.gate import Gate
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.players.one_ply import pairs, values_by, worth_of
from sandwich_env.rules import Games

EITHER = (Gate(explore_plies=4), Gate(margin=0.2, simulations=5, explore_plies=4))


@pytest.mark.parametrize("method", EITHER, ids=lambda method: f"simulations={method.simulations}")
def test_the_games_are_the_same_alone_and_in_a_batch(method: Gate) -> None:
    check_alone_as_together(method)


@pytest.mark.parametrize("method", EITHER, ids=lambda method: f"simulations={method.simulations}")
def test_spec_results_and_no_truth(method: Gate) -> None:
    check_round_trip(method)
    check_learns_results(method, played(method)[0])
    check_leads_to_no_truth(method)
    assert (method.consults, method.heeds) == (True, ("move",))


def test_margin_and_simulations_reach_the_player() -> None:
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    for margin, move in ((0.2, "d2d5"), (0.25, "e1e2")):
        player = Gate(margin, explore_plies=0).player(Mind("d2d5"))
        assert moves_of(games, player.act(games, advise(games, "e1e2"), streams(1))) == [move]
    defended = Games.from_fens(["4k3/8/2p5/3p4/8/8/3Q4/4K3 w - - 0 1"])
    for simulations, move in ((0, "d2d5"), (40, "e1e2")):
        player = Gate(simulations=simulations, explore_plies=0).player(Mind("e1e2"))
        assert moves_of(defended, player.act(defended, advise(defended, "d2d5"), streams(1))) == [move]


def test_what_it_followed_is_learnt_and_its_own_moves_only_when_told() -> None:
    method = Gate(explore_plies=4)
    corpus, tally = played(method)
    followed = corpus.seen.followed
    assert 0.2 < followed.mean() < 0.9
    np.testing.assert_array_equal(taught(method, corpus).policy_weight, followed)
    both = Gate(own_moves=True, explore_plies=4)
    np.testing.assert_array_equal(
        taught(both, corpus).policy_weight, taught(Imitate(explore_plies=4), corpus).policy_weight
    )
    assert tally.inquiries == 0


def test_what_is_followed_is_what_h_thinks_no_worse() -> None:
    corpus, _ = played(Gate(explore_plies=0))
    seen, refused = corpus.seen, 0
    for games, rows in replay_games(seen):
        own, advised = H.evaluate(games).best(), seen.advice_move[rows]
        worth = worth_of(games, pairs(own, advised), values_by(H))
        expected = np.where(worth[1::2] >= worth[::2], advised, own)
        going_on = seen.ply[rows] < LAST_PLY
        np.testing.assert_array_equal(seen.action[rows][going_on], expected[going_on])
        refused += int((expected != advised).sum())
    assert refused > 5


@pytest.mark.parametrize(
    ("argument", "value"), [("margin", -2.5), ("margin", float("nan")), ("simulations", -1), ("temperature", -1.0)]
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: float) -> None:
    with pytest.raises(SpecError, match=rf"{argument} of 'gate' is {value!r}"):
        Gate(**{argument: value})  # type: ignore[arg-type]
