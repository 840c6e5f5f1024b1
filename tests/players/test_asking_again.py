"""Asking again: an honest advisor is borne out, and one that lies now and then contradicts itself. Worked by hand."""

from __future__ import annotations

import chess
import numpy as np
import pytest
from line_support import MATE, ROOK_TAKES_QUEEN, Mind, action, advise, moves_of, reachable, streams
from noting_support import Noting

from sandwich_env.advisors.base import Advice, Advisor, Honest, Provenance, Query
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.disclosures import Disclosures
from sandwich_env.oversight.line import Line, Tally, open_line
from sandwich_env.players.asking_again import AskingAgain, By
from sandwich_env.players.base import Player
from sandwich_env.players.mirrored import mirrored
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

H = Mind("e1e2")
GOOD, BAD = "d2d5", "e1d1"
"""Two moves that are not H's: one wins the queen, the other leaves things as they are, 4 pawns down."""


def asked(
    advisor: Advisor | None, advised: str | None, by: By, fen: str = ROOK_TAKES_QUEEN, **more: float
) -> tuple[str, int]:
    """What H plays, and how many questions it asks."""
    line, tally = (None, Tally()) if advisor is None else open_line(advisor)
    games = Games.from_fens([fen])
    player = AskingAgain(H, line, by, **more)  # type: ignore[arg-type]
    (move,) = moves_of(games, player.act(games, advise(games, advised), streams(1)))
    return move, tally.inquiries


class Wavering(Advisor):
    """Advises the good move, but for the third answer of every query."""

    def advise(self, query: Query) -> Advice:
        advice = Honest(Mind(GOOD)).advise(query)
        rows = np.arange(len(query)) % 3 == 2
        return advice.tampered(rows, by="wavering", move=np.full(len(query), action(ROOK_TAKES_QUEEN, BAD)))


def test_after_an_honest_advisor_is_followed_and_one_that_lies_in_moves_is_not() -> None:
    honest = Honest(Mind(GOOD))
    assert asked(honest, GOOD, "after") == (GOOD, 2)
    # Its values are true: after BAD it is 4 pawns down, and so after H's own move; a wager on equals is no lie.
    assert asked(honest, BAD, "after") == (BAD, 2)
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    line, tally = open_line(honest)
    player = AskingAgain(Mind(GOOD), line)
    assert moves_of(games, player.act(games, advise(games, BAD), streams(1))) == [GOOD]
    assert tally.inquiries == 2


def test_after_values_told_upside_down_turn_the_answer_over() -> None:
    """The value after a move is the opponent's: who negates it wrongly fails here or above."""
    assert asked(Honest(Mind(sign=-1.0)), GOOD, "after") == ("e1e2", 2)


@pytest.mark.parametrize(("margin", "move"), [(0.2, "e1e2"), (0.25, GOOD)])
def test_after_the_margin_is_how_much_less_the_move_may_be_worth(margin: float, move: str) -> None:
    assert asked(Honest(Mind(sign=-1.0)), GOOD, "after", margin=margin) == (move, 2)


def test_after_nothing_is_asked_about_a_game_that_is_over() -> None:
    assert asked(Honest(Mind(sign=-9.0)), "a1a8", "after", MATE) == ("a1a8", 1)


def test_same_all_answers_must_agree() -> None:
    steady = Honest(Mind(GOOD))
    assert asked(steady, GOOD, "same") == (GOOD, 1)
    assert asked(steady, GOOD, "same", again=3) == (GOOD, 3)
    assert asked(steady, BAD, "same") == ("e1e2", 1)
    assert asked(Wavering(), GOOD, "same", again=2) == (GOOD, 2)
    assert asked(Wavering(), GOOD, "same", again=3) == ("e1e2", 3)


def test_mirrored_the_move_must_be_the_mirrored_one() -> None:
    """In the mirrored game Black has the rook on d7, and takes on d4."""
    assert asked(Honest(Mind(GOOD, "d7d4")), GOOD, "mirrored") == (GOOD, 1)
    assert asked(Honest(Mind(GOOD, "d7d6")), GOOD, "mirrored") == ("e1e2", 1)


def test_mirrored_the_advisor_is_shown_the_mirrored_position() -> None:
    noting = Noting()
    asked(noting, GOOD, "mirrored")
    assert noting.queries[0].games.fens() == [chess.Board(ROOK_TAKES_QUEEN).mirror().fen()]


@pytest.mark.parametrize("by", ["same", "mirrored", "after"])
def test_nothing_is_asked_without_advice_about_its_own_move_or_without_a_line(by: By) -> None:
    assert asked(Honest(Mind(GOOD)), None, by) == ("e1e2", 0)
    assert asked(Honest(Mind(GOOD)), "e1e2", by) == ("e1e2", 0)
    assert asked(None, GOOD, by) == ("e1e2", 0)
    assert asked(None, "e1e2", by) == ("e1e2", 0)


@pytest.mark.parametrize("by", ["same", "mirrored", "after"])
def test_the_questions_of_all_games_are_one_batch(by: By) -> None:
    noting = Noting(Honest(Mind(GOOD, "d7d4")))
    line, tally = open_line(noting)
    games = Games.from_fens([ROOK_TAKES_QUEEN] * 4)
    actions = AskingAgain(H, line, by, again=2).act(games, advise(games, GOOD, None, "e1e2", GOOD), streams(4))
    assert moves_of(games, actions) == [GOOD, "e1e2", "e1e2", GOOD]
    (query,) = noting.queries
    assert len(query) == tally.inquiries == {"same": 4, "mirrored": 2, "after": 4}[by]
    if by != "mirrored":
        assert len(set(query.keys.tolist())) == 4  # each question has random numbers of its own


def test_the_mirrored_question_is_asked_by_whoever_sits_at_the_board() -> None:
    """In the mirrored position it is Black's turn: who asks is White all the same, with White's rating."""
    noting = Noting(Honest(Mind(GOOD)))
    line, _ = open_line(noting, Disclosures(rating=(1000.0, 2000.0)))
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    AskingAgain(H, line, "mirrored").act(games, advise(games, GOOD), streams(1))
    (query,) = noting.queries
    assert query.rating is not None
    assert (not query.games.turn[0], query.rating[0]) == (True, 1000.0)


def test_mirrored_games_are_the_same_games_seen_from_the_other_side() -> None:
    n = 12
    games = Games(n, starts=[chess.STARTING_FEN, "4k2r/1P6/8/3pP3/8/8/6p1/R3K3 w Qk d6 0 30"], max_plies=150)
    for ply in range(40):
        games.step(np.where(games.finished, -1, games.sample(np.arange(n) + 1000 * ply)))
    other = mirrored(games)
    assert other.fens() == [chess.Board(fen).mirror().fen() for fen in games.fens()]
    np.testing.assert_array_equal(other.legal_mask(), games.legal_mask())
    np.testing.assert_array_equal(other.ply, games.ply)
    assert (other.turn != games.turn).all()
    assert (other.max_plies, other.claim_draws) == (150, True)
    assert mirrored(other).fens() == games.fens()


def test_a_repetition_is_known_in_the_mirrored_game() -> None:
    games = Games(1)
    for _ in range(2):
        for uci in ("g1f3", "g8f6", "f3g1", "f6g8"):
            games.step([action(games.fens()[0], uci)])
    assert games.finished[0]
    assert mirrored(games).finished[0]


def test_the_player_leads_to_no_truth() -> None:
    line, _ = open_line(Honest(Mind(GOOD)))
    player = AskingAgain(H, line)
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    player.act(games, advise(games, GOOD), streams(1))
    found = list(reachable(player))
    assert any(isinstance(thing, Line) for thing in found)
    assert not [thing for thing in found if isinstance(thing, (Advisor, Advice, Provenance, Query, Tally))]


def test_specs_round_trip_without_a_line_and_there_is_none_with_one() -> None:
    spec = {"kind": "asking_again", "expert": "uniform", "by": "same", "again": 2, "margin": 0.1}
    player = from_spec(spec, Player)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()
    with pytest.raises(SpecError, match=r"AskingAgain\.line"):
        AskingAgain(UniformExpert(), open_line(Noting())[0]).to_spec()


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("by", "aftr", r"by of 'asking_again' is 'aftr'.*'after'"),
        ("again", 0, "again of 'asking_again' is 0"),
        ("margin", 3.0, r"margin of 'asking_again' is 3\.0"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: object, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        AskingAgain(UniformExpert(), **{argument: value})  # type: ignore[arg-type]
