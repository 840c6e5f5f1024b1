"""The gate: what H's own values have nothing against is followed. Positions worked by hand."""

from __future__ import annotations

import pytest
from line_support import MATE, ROOK_TAKES_QUEEN, STALEMATE, Hashed, Mind, advise, moves_of, streams

from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.base import Player
from sandwich_env.players.gated import Gated
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

DEFENDED = "4k3/8/2p5/3p4/8/8/3Q4/4K3 w - - 0 1"
"""d2d5 wins a pawn, and loses the queen a move later."""


def play(player: Player, fen: str, advised: str | None) -> str:
    games = Games.from_fens([fen])
    (move,) = moves_of(games, player.act(games, advise(games, advised), streams(1)))
    return move


def test_a_better_move_is_followed_and_a_worse_one_is_not() -> None:
    assert play(Gated(Mind("e1e2")), ROOK_TAKES_QUEEN, "d2d5") == "d2d5"
    assert play(Gated(Mind("d2d5")), ROOK_TAKES_QUEEN, "e1e2") == "d2d5"


def test_an_equal_one_is_followed() -> None:
    assert play(Gated(Mind("e1e2")), ROOK_TAKES_QUEEN, "e1f2") == "e1f2"


@pytest.mark.parametrize(("margin", "follows"), [(0.2, False), (0.25, True), (2.0, True)])
def test_the_margin_is_how_much_worse_it_may_be(margin: float, follows: bool) -> None:
    """After d2d5 White is up 5 pawns, after e1e2 down 4: 9 / 40 = 0.225."""
    assert play(Gated(Mind("d2d5"), margin), ROOK_TAKES_QUEEN, "e1e2") == ("e1e2" if follows else "d2d5")


@pytest.mark.parametrize(("margin", "follows"), [(-0.2, True), (-0.25, False)])
def test_below_zero_it_is_how_much_better_it_must_be(margin: float, follows: bool) -> None:
    assert play(Gated(Mind("e1e2"), margin), ROOK_TAKES_QUEEN, "d2d5") == ("d2d5" if follows else "e1e2")


def test_a_move_that_ends_the_game_counts_with_its_result() -> None:
    assert play(Gated(Mind("e1e2", sign=-9.0)), MATE, "a1a8") == "a1a8"
    assert play(Gated(Mind("a1a8")), MATE, "e1e2") == "a1a8"
    assert play(Gated(Mind("f1a1")), STALEMATE, "f1f7") == "f1a1"  # a draw, where it is a queen up
    assert play(Gated(Mind("f1a1", sign=-1.0)), STALEMATE, "f1f7") == "f1f7"  # where it takes itself to be a queen down


def test_a_search_sees_what_the_values_do_not() -> None:
    quiet = "e1e2"
    assert play(Gated(Mind(quiet)), DEFENDED, "d2d5") == "d2d5"
    assert play(Gated(Mind(quiet), simulations=40), DEFENDED, "d2d5") == quiet
    assert play(Gated(Mind(quiet), simulations=1), DEFENDED, "d2d5") == "d2d5"  # one visit is no search


def test_without_advice_or_with_its_own_move_it_judges_nothing() -> None:
    for advised in (None, "e1e2"):
        mind = Mind("e1e2")
        assert play(Gated(mind), ROOK_TAKES_QUEEN, advised) == "e1e2"
        assert mind.asked == [ROOK_TAKES_QUEEN]
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    assert moves_of(games, Gated(Mind("e1e2")).act(games, None, streams(1))) == ["e1e2"]


def test_a_move_that_is_not_legal_is_no_advice() -> None:
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    advice = advise(games, "e1e2")
    for move in (4671, 10**9, -5):
        advice.move[0] = move
        assert moves_of(games, Gated(Mind("d2d5")).act(games, advice, streams(1))) == ["d2d5"]


def test_games_of_a_batch_do_not_mind_each_other() -> None:
    cases = [
        (ROOK_TAKES_QUEEN, "d2d5"),
        (STALEMATE, "f1f7"),
        (MATE, None),
        (ROOK_TAKES_QUEEN, "e1f1"),
        (DEFENDED, "d2d5"),
    ]
    for player in (Gated(Hashed()), Gated(Hashed(1), simulations=5)):
        games = Games.from_fens([fen for fen, _ in cases])
        together = moves_of(games, player.act(games, advise(games, *[uci for _, uci in cases]), streams(5)))
        assert together == [play(player, fen, uci) for fen, uci in cases]


def test_specs_round_trip_and_numbers_out_of_range_are_refused_by_name() -> None:
    player = from_spec({"kind": "gated", "expert": "uniform", "margin": 0.1, "simulations": 3}, Player)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()
    with pytest.raises(SpecError, match=r"margin of 'gated' is 2\.5"):
        Gated(UniformExpert(), margin=2.5)
    with pytest.raises(SpecError, match="simulations of 'gated' is -1"):
        Gated(UniformExpert(), simulations=-1)


def test_closing_reaches_the_expert() -> None:
    closed = []

    class Holding(UniformExpert):
        def close(self) -> None:
            closed.append(True)

    Gated(Holding(), simulations=3).close()
    assert closed == [True]
