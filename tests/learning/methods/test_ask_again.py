"""Asking again as a method: what was borne out is what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from line_support import ROOK_TAKES_QUEEN, Mind, advise, moves_of, streams
from method_support import (
    check_alone_as_together,
    check_leads_to_no_truth,
    check_learns_results,
    check_round_trip,
    played,
    taught,
)

from sandwich_env.advisors.base import Honest
from sandwich_env.errors import SpecError
from sandwich_env.learning.methods.ask_again import AskAgain
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.oversight.line import open_line
from sandwich_env.rules import Games

WAYS = (
    AskAgain("after", margin=0.1, explore_plies=4),
    AskAgain("same", again=2, explore_plies=4),
    AskAgain("mirrored", explore_plies=4),
)


@pytest.mark.parametrize("method", WAYS, ids=lambda method: method.by)
def test_the_games_are_the_same_alone_and_in_a_batch(method: AskAgain) -> None:
    check_alone_as_together(method)


@pytest.mark.parametrize("method", WAYS, ids=lambda method: method.by)
def test_spec_results_and_no_truth(method: AskAgain) -> None:
    check_round_trip(method)
    check_learns_results(method, played(method)[0])
    check_leads_to_no_truth(method)
    assert method.heeds == (("move", "value") if method.by == "after" else ("move",))


@pytest.mark.parametrize("method", WAYS[:2], ids=lambda method: method.by)
def test_what_it_followed_is_learnt_and_its_own_moves_only_when_told(method: AskAgain) -> None:
    corpus, tally = played(method, interval=2)
    followed = corpus.seen.followed
    assert 0.05 < followed[corpus.seen.asked].mean() < 0.95
    np.testing.assert_array_equal(taught(method, corpus).policy_weight, followed)
    both = AskAgain(method.by, own_moves=True, explore_plies=4)
    imitated = taught(Imitate(explore_plies=4), corpus)
    np.testing.assert_array_equal(taught(both, corpus).policy_weight, imitated.policy_weight)
    assert 0 < tally.inquiries <= 2 * int(corpus.seen.asked.sum())


def test_explored_plies_ask_nothing() -> None:
    corpus, tally = played(AskAgain("same", explore_plies=100, explore_share=1.0))
    assert corpus.seen.asked.all()
    assert tally.inquiries == 0


@pytest.mark.parametrize(("knows", "move"), [(Mind("d2d5"), "d2d5"), (Mind("d2d5", sign=-1.0), "e1e2")])
def test_an_honest_advisor_is_followed_and_one_whose_values_belie_its_moves_is_not(knows: Mind, move: str) -> None:
    games, (line, tally) = Games.from_fens([ROOK_TAKES_QUEEN]), open_line(Honest(knows))
    player = AskAgain(explore_plies=0).player(Mind("e1e2"), line)
    assert moves_of(games, player.act(games, advise(games, "d2d5"), streams(1))) == [move]
    assert tally.inquiries == 2
    alone = AskAgain(explore_plies=0).player(Mind("e1e2"))
    assert moves_of(games, alone.act(games, advise(games, "d2d5"), streams(1))) == ["e1e2"]


def test_again_and_margin_reach_the_player() -> None:
    games, (line, tally) = Games.from_fens([ROOK_TAKES_QUEEN]), open_line(Honest(Mind("d2d5", sign=-1.0)))
    player = AskAgain("same", again=4, explore_plies=0).player(Mind("e1e2"), line)
    assert moves_of(games, player.act(games, advise(games, "d2d5"), streams(1))) == ["d2d5"]
    assert tally.inquiries == 4
    player = AskAgain(margin=0.25, explore_plies=0).player(Mind("e1e2"), line)
    assert moves_of(games, player.act(games, advise(games, "d2d5"), streams(1))) == ["d2d5"]


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("by", "mirror", r"by of 'ask_again' is 'mirror'.*'mirrored'"),
        ("again", 0, "again of 'ask_again' is 0"),
        ("margin", -2.5, r"margin of 'ask_again' is -2\.5"),
        ("explore_plies", -1, "explore_plies of 'ask_again' is -1"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: object, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        AskAgain(**{argument: value})  # type: ignore[arg-type]
