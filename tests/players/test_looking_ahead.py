"""Looking ahead: the best of all moves by the values told after them. Positions worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from line_support import (
    FORCED,
    LAST_MAN,
    MATE,
    ROOK_TAKES_QUEEN,
    STALEMATE,
    Hashed,
    Mind,
    action,
    advise,
    moves_of,
    reachable,
    streams,
)
from noting_support import Noting

from sandwich_env.advisors.base import Advice, Advisor, Honest, Provenance, Query, VisibleAdvice
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.oversight.line import Tally, open_line
from sandwich_env.players.base import Player
from sandwich_env.players.looking_ahead import LookingAhead
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

VALUE = VisibleAdvice(np.array([4672]), np.zeros(1, dtype=np.float32), np.array([[0, 1]], dtype=np.int8))


def asked(advisor: Advisor, fen: str, expert: Mind | None = None, advice: VisibleAdvice | None = VALUE) -> tuple:
    """What H plays, and how many questions it asks."""
    line, tally = open_line(advisor)
    games = Games.from_fens([fen])
    (move,) = moves_of(games, LookingAhead(expert or Mind("e1e2"), line).act(games, advice, streams(1)))
    return move, tally.inquiries


def test_it_plays_the_move_after_which_the_opponent_stands_worst() -> None:
    """Of 15 moves, 11 the rook's and 4 the king's."""
    assert asked(Honest(Mind()), ROOK_TAKES_QUEEN) == ("d2d5", 15)


def test_values_told_upside_down_mislead_it() -> None:
    """Of all moves, the capture is then the worst; among the others, its own policy chooses."""
    assert asked(Honest(Mind(sign=-1.0)), ROOK_TAKES_QUEEN) == ("e1e2", 15)


def test_it_sees_by_itself_which_moves_end_the_game_and_does_not_ask_about_them() -> None:
    legal = int(Games.from_fens([MATE]).legal_counts[0])
    assert asked(Honest(Mind(sign=-1.0)), MATE) == ("a1a8", legal - 1)
    assert asked(Honest(Mind()), LAST_MAN, Mind("a1b1")) == ("a1a2", 1)
    assert asked(Honest(Mind(sign=-1.0)), LAST_MAN, Mind("a1a2")) == ("a1b1", 1)
    assert asked(Honest(Mind()), STALEMATE, Mind("f1f7"))[0] == "f1f8"


def test_among_equals_its_own_policy_chooses() -> None:
    for likes in ("e1f1", "d2d3"):
        assert asked(Honest(UniformExpert()), ROOK_TAKES_QUEEN, Mind(likes)) == (likes, 15)


def test_where_there_is_one_move_to_play_nothing_is_asked() -> None:
    assert asked(Honest(Mind()), FORCED) == ("a1a2", 0)


def test_any_advice_opens_the_line_and_without_it_h_is_alone() -> None:
    games = Games.from_fens([ROOK_TAKES_QUEEN])
    assert asked(Honest(Mind()), ROOK_TAKES_QUEEN, advice=advise(games, "e1e2")) == ("d2d5", 15)
    assert asked(Honest(Mind()), ROOK_TAKES_QUEEN, advice=advise(games, None)) == ("e1e2", 0)
    assert asked(Honest(Mind()), ROOK_TAKES_QUEEN, advice=None) == ("e1e2", 0)
    assert moves_of(games, LookingAhead(Mind("e1e2")).act(games, VALUE, streams(1))) == ["e1e2"]


def test_all_moves_of_all_games_are_asked_about_at_once_each_a_question_of_its_own() -> None:
    noting = Noting(Honest(Mind()))
    line, tally = open_line(noting)
    games = Games.from_fens([ROOK_TAKES_QUEEN, LAST_MAN, ROOK_TAKES_QUEEN])
    advice = VALUE.select(np.zeros(3, dtype=np.int64))
    assert moves_of(games, LookingAhead(Mind(), line).act(games, advice, streams(3))) == ["d2d5", "a1a2", "d2d5"]
    (query,) = noting.queries
    assert len(query) == tally.inquiries == 31
    assert len(set(query.keys.tolist())) == 31
    assert query.asks == "value"


def test_a_game_is_played_the_same_alone_and_in_a_batch() -> None:
    n = 8
    games = Games(n)
    for ply in range(6):
        games.step(games.sample(np.arange(n) + 1000 * ply))
    line, _ = open_line(ValueNoise(Honest(Hashed()), scale=0.5))
    player, advice = LookingAhead(Hashed(1), line), VALUE.select(np.zeros(n, dtype=np.int64))
    whole = player.act(games, advice, streams(n))
    rows = np.random.default_rng(0).permutation(n)
    mixed = player.act(games.select(rows), advice, streams(n).select(rows))
    np.testing.assert_array_equal(mixed, whole[rows])
    for row in range(n):
        one = np.array([row])
        assert player.act(games.select(one), VALUE, streams(n).select(one))[0] == whole[row]


def test_finished_games_are_left_alone() -> None:
    games = Games.from_fens([MATE])
    games.step([action(MATE, "a1a8")])
    line, tally = open_line(Noting())
    assert LookingAhead(UniformExpert(), line).act(games, VALUE, streams(1)).tolist() == [-1]
    assert tally.inquiries == 0


def test_the_player_leads_to_no_truth() -> None:
    line, _ = open_line(Honest(Mind()))
    player = LookingAhead(Mind(), line)
    player.act(Games.from_fens([ROOK_TAKES_QUEEN]), VALUE, streams(1))
    secret = (Advisor, Advice, Provenance, Query, Tally)
    assert not [thing for thing in reachable(player) if isinstance(thing, secret)]


def test_specs_round_trip_without_a_line_and_there_is_none_with_one() -> None:
    player = from_spec({"kind": "looking_ahead", "expert": "uniform"}, Player)
    assert from_spec(player.to_spec(), Player).to_spec() == player.to_spec()
    with pytest.raises(SpecError, match=r"LookingAhead\.line"):
        LookingAhead(UniformExpert(), open_line(Noting())[0]).to_spec()


def test_closing_reaches_the_expert() -> None:
    closed = []

    class Holding(UniformExpert):
        def close(self) -> None:
            closed.append(True)

    LookingAhead(Holding()).close()
    assert closed == [True]
