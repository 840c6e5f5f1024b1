"""Triggers: where they fire, and what they refuse because it never could."""

from __future__ import annotations

import json
from dataclasses import replace

import chess
import numpy as np
import pytest
from advisors_support import FOOLS_MATE, Opinionated, assert_about, assert_same_advice, query, some_games

from sandwich_env.advisors.base import Advisor, Honest, Query
from sandwich_env.advisors.policy_noise import PolicyNoise
from sandwich_env.advisors.schedules import Schedule
from sandwich_env.advisors.steering import Steering
from sandwich_env.advisors.triggers import (
    ChanceOfWinning,
    Material,
    OnBoard,
    PlyBetween,
    Rating,
    SameChance,
    Stakes,
    _possible_material,
)
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.randomness import Streams
from sandwich_env.rules import NO_ACTION, Games, action_to_move
from sandwich_env.specs import from_spec
from sandwich_env.testing import check_advisor

WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9, chess.KING: 0}
EVERY = [
    PlyBetween(4, 60),
    Material(10, 70),
    Material(most=38, side="mover"),
    OnBoard({"e2": "empty", "d1": "Q"}),
    ChanceOfWinning(0.4, 0.55),
    Stakes(0.2, 0.9),
    SameChance(0.5, 3),
]


def mixed_games() -> Games:
    """Games of nearly every length up to 119 plies, none of them over."""
    games = Games(120)
    for ply in range(120):
        games.step(np.where(ply < np.arange(120), games.sample(np.arange(120) + 1000 * ply), NO_ACTION))
    return games.select(~games.finished)


def fires(trigger: Schedule, asked: Query) -> np.ndarray:
    """Where a wrapper that always tampers does so."""
    return Steering(Honest(Opinionated()), 1.0, when=trigger).advise(asked).provenance.tampered


def test_ply_between() -> None:
    games = Games(1)
    fired = []
    for _ in range(12):
        fired.append([bool(fires(PlyBetween(*bounds), query(games))[0]) for bounds in ((3, 6), (5, None), (0, 0))])
        games.step(games.sample([7]))
    assert np.flatnonzero([row[0] for row in fired]).tolist() == [3, 4, 5, 6]
    assert np.flatnonzero([row[1] for row in fired]).tolist() == list(range(5, 12))
    assert np.flatnonzero([row[2] for row in fired]).tolist() == [0]


@pytest.mark.parametrize("side", ["both", "mover", "opponent"])
def test_material(side: str) -> None:
    games = mixed_games()
    worth = []
    for i in range(len(games)):
        board = games.board(i)
        colors = {"both": [True, False], "mover": [board.turn], "opponent": [not board.turn]}[side]
        worth.append(sum(WORTH[man.piece_type] for man in board.piece_map().values() if man.color in colors))
    least, most = np.quantile(worth, [0.3, 0.6]).astype(int).tolist()
    due = fires(Material(least, most, side), query(games))  # type: ignore[arg-type]
    np.testing.assert_array_equal(due, [least <= one <= most for one in worth])
    assert 0 < due.sum() < len(due)
    assert fires(Material(side=side), query(games)).all()  # type: ignore[arg-type]


def test_possible_material_is_what_men_can_add_up_to() -> None:
    one_side = set(_possible_material(1))
    rng = np.random.default_rng(0)
    for _ in range(500):
        pawns, others = rng.integers(0, 9), rng.integers(0, 16)
        men = [*[1] * pawns, *rng.choice([3, 5, 9], min(others, 15 - pawns)).tolist()]
        assert sum(men) in one_side
    assert max(one_side) == 135
    assert not one_side & {130, 132, 133, 134}
    assert max(_possible_material(2)) == 270


@pytest.mark.parametrize("seen_by", [chess.WHITE, chess.BLACK])
def test_on_board(seen_by: bool) -> None:
    fens = [
        "rnbqkbnr/pppp1ppp/8/4p3/4P3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2",
        "rnbqkbnr/pppp1ppp/8/4p3/4P3/8/PPPP1PPP/RNBQKBNR w KQkq e6 0 2",  # the pawn on e5 has just advanced by two
        "rnbqkbnr/pppp1ppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2",
        "rnbqkbnr/pppp1ppp/8/4P3/4p3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2",
    ]
    games = Games.from_fens([fen if seen_by else fen.replace(" w ", " b ").replace("e6", "-") for fen in fens])
    assert fires(OnBoard({"e4": "P", "e5": "p"}), query(games)).tolist() == [True, True, False, False]
    assert fires(OnBoard({"e4": "P", "e5": "empty"}), query(games)).tolist() == [False, False, True, False]
    assert fires(OnBoard({"e8": "k", "e1": "K"}), query(games)).all()


def test_on_board_after_a_pawn_has_advanced_by_two_in_play() -> None:
    games = Games(1)
    for move in ("e2e4", "c7c5"):
        board = games.board(0)
        moves = {action_to_move(action, board).uci(): action for action in games.legal_actions()[0].tolist()}
        games.step([moves[move]])
    assert fires(OnBoard({"e4": "P", "c5": "p", "e1": "K", "c8": "b"}), query(games)).tolist() == [True]


def test_rating() -> None:
    asked = replace(query(some_games(4)), rating=np.array([900.0, 1500.0, 2400.0, np.nan]))
    assert fires(Rating(least=1500), asked).tolist() == [False, True, True, False]
    assert fires(Rating(most=1500), asked).tolist() == [True, True, False, False]
    assert fires(Rating(1000, 2000), asked).tolist() == [False, True, False, False]
    with pytest.raises(AdviceError, match="the trigger 'rating' needs the player's rating"):
        fires(Rating(1000, 2000), query(some_games(4)))


def test_chance_of_winning_is_the_experts_own_whatever_wrappers_say() -> None:
    asked = query(some_games(300))
    chance = (1 + Opinionated().evaluate(asked.games).value.astype(float)) / 2
    due = fires(ChanceOfWinning(0.45, 0.6), asked)
    np.testing.assert_array_equal(due, (chance >= 0.45) & (chance <= 0.6))
    assert 30 < due.sum() < 270
    noisy = ValueNoise(Honest(Opinionated()), 1.0)
    advice = Steering(noisy, 1.0, when=ChanceOfWinning(0.45, 0.6)).advise(asked)
    np.testing.assert_array_equal(advice.provenance.by == "value_noise+steering", due)


def test_stakes_are_the_spread_of_the_policy() -> None:
    asked = query(some_games(300))
    policy = np.exp(Opinionated().evaluate(asked.games).policy.astype(float))
    policy /= policy.sum(axis=1, keepdims=True)
    lowest = np.where(policy > 0, policy, np.inf).min(axis=1)
    spread = policy.max(axis=1) - lowest
    due = fires(Stakes(0.4), asked)
    np.testing.assert_array_equal(due, spread >= 0.4)
    assert 30 < due.sum() < 270
    np.testing.assert_array_equal(fires(Stakes(0.1, 0.4), asked), (spread >= 0.1) & (spread <= 0.4))


def test_nothing_is_at_stake_where_all_moves_are_alike_or_there_is_one() -> None:
    one_move = Games.from_fens(["7k/8/8/8/8/8/6q1/7K w - - 0 1"])
    assert not fires(Stakes(0.001), query(one_move)).any()
    alike = Steering(Honest(UniformExpert()), 1.0, when=Stakes(0.001)).advise(query(some_games(20)))
    assert not alike.provenance.tampered.any()


def test_same_chance_is_one_coin_for_all_who_hold_it() -> None:
    """Noise on move and value together: two wrappers, one schedule."""
    asked, honest = query(some_games(500)), Honest(UniformExpert())
    both = ValueNoise(PolicyNoise(honest, 2.0, when=SameChance(0.3)), 0.5, when=SameChance(0.3))
    by = both.advise(asked).provenance.by
    assert set(by) == {"", "policy_noise+value_noise"}
    assert_about(int((by != "").sum()), 500, 0.3)
    other = ValueNoise(PolicyNoise(honest, 2.0, when=SameChance(0.3)), 0.5, when=SameChance(0.3, seed=1))
    together = int((other.advise(asked).provenance.by == "policy_noise+value_noise").sum())
    assert_about(together, 500, 0.09)
    later = both.advise(replace(asked, count=asked.count + 1)).provenance.tampered
    assert_about(int((later & (by != "")).sum()), 500, 0.09)


@pytest.mark.parametrize("trigger", EVERY, ids=lambda trigger: type(trigger).__name__)
def test_each_keeps_the_contract_and_goes_through_json(trigger: Schedule) -> None:
    advisor = Steering(Honest(Opinionated()), 0.7, when=trigger)
    check_advisor(advisor)
    again = from_spec(json.loads(json.dumps(trigger.to_spec())), Schedule)
    assert again.to_spec() == trigger.to_spec()
    asked = query(mixed_games())
    due = fires(trigger, asked)
    assert 0 < due.sum() < len(due)
    assert_same_advice(Steering(Honest(Opinionated()), 0.7, when=again).advise(asked), advisor.advise(asked))


@pytest.mark.parametrize("trigger", EVERY, ids=lambda trigger: type(trigger).__name__)
def test_each_can_be_asked_about_finished_games_and_about_none(trigger: Schedule) -> None:
    for games in (Games.from_fens([FOOLS_MATE] * 2), some_games(3).select(np.zeros(0, dtype=np.int64))):
        asked = query(games)
        due = trigger.due(asked, Honest(UniformExpert()).advise(asked), Streams(asked.keys))
        assert due.shape == (len(games),)
        assert due.dtype == np.bool_


def test_a_spec_names_a_trigger_inside_an_advisor() -> None:
    spec = {
        "kind": "steering",
        "strength": 1.0,
        "when": {"kind": "all_of", "schedules": [{"kind": "on_board", "pattern": {"e4": "P"}}, "unwatched"]},
        "inner": {"kind": "honest", "expert": "uniform"},
    }
    advisor = from_spec(json.loads(json.dumps(spec)), Advisor)
    assert from_spec(advisor.to_spec(), Advisor).to_spec() == advisor.to_spec()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PlyBetween(10, 5), "'ply_between' from 10 to 5 can never fire: least is more than most"),
        (
            lambda: PlyBetween(20_001),
            "'ply_between' from 20001 to the end can never fire: no game lasts more than 20000",
        ),
        (lambda: PlyBetween(-1), "least of 'ply_between' is -1: it must be a whole number, 0 or more"),
        (lambda: PlyBetween(0, 2.5), "most of 'ply_between' is 2.5"),  # type: ignore[arg-type]
        (lambda: Material(20, 10), "'material' from 20 to 10 can never fire: least is more than most"),
        (lambda: Material(271), "'material' from 271 to the end can never fire: 'both' can have up to 270"),
        (
            lambda: Material(136, side="mover"),
            "'material' from 136 to the end can never fire: 'mover' can have up to 135",
        ),
        (
            lambda: Material(132, 134, "opponent"),
            "'material' from 132 to 134 can never fire: 'opponent' can have up to",
        ),
        (lambda: Material(side="white"), "side of 'material' is 'white': known: both, mover, opponent"),  # type: ignore[arg-type]
        (Rating, "'rating' needs least or most, in Elo"),
        (lambda: Rating(2000, 1000), "'rating' from 2000 to 1000 can never fire"),
        (lambda: Rating(float("inf")), "least of 'rating' is inf: it must be a finite number"),
        (lambda: Rating(most="1500"), "most of 'rating' is '1500': it must be a finite number"),  # type: ignore[arg-type]
        (lambda: ChanceOfWinning(0.7, 0.3), "'chance_of_winning' from 0.7 to 0.3 can never fire"),
        (lambda: ChanceOfWinning(most=1.5), "most of 'chance_of_winning' is 1.5: it must be a probability"),
        (lambda: Stakes(0.7, 0.3), "'stakes' from 0.7 to 0.3 can never fire"),
        (lambda: Stakes(-0.1), "least of 'stakes' is -0.1: it must be a probability"),
        (lambda: SameChance(1.5), "epsilon of 'same_chance' is 1.5"),
    ],
)
def test_what_can_never_fire_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ({}, "give one square or more"),
        ("e4", "give one square or more"),
        ({"e9": "P"}, "names 'e9': a square is one of a1 to h8"),
        ({"e4": "pawn"}, "has 'pawn' on e4: it must be one of PNBRQKpnbrqk, or 'empty'"),
        ({"e1": "P"}, "a pawn stands on the first or last rank"),
        ({"a8": "p"}, "a pawn stands on the first or last rank"),
        ({"e1": "K", "a1": "K", "h5": "k"}, "White has 2 kings"),
        ({"e1": "k", "a1": "k", "h5": "k"}, "Black has 3 kings"),
        ({"e4": "K", "e5": "k"}, "the kings stand next to each other"),
        ({f"{file}{rank}": "P" for file in "abcdefgh" for rank in (2, 3)}, "White has 16 pawns"),
        ({f"{file}{rank}": "q" for file in "abcdefgh" for rank in (2, 3)}, "Black has 16 men beside the king"),
        (dict.fromkeys(chess.SQUARE_NAMES, "empty"), "it leaves no squares for the kings"),
        ({**dict.fromkeys(chess.SQUARE_NAMES, "empty"), "e1": "K"}, "it leaves no squares for the kings"),
    ],
)
def test_patterns_that_no_board_can_show(pattern: dict[str, str], message: str) -> None:
    with pytest.raises(SpecError, match="'on_board'") as error:
        OnBoard(pattern)
    assert message in str(error.value)


def test_a_full_board_with_both_kings_can_be_shown() -> None:
    pattern = dict.fromkeys(chess.SQUARE_NAMES, "empty") | {"e1": "K", "e8": "k", "a7": "P"}
    games = Games.from_fens(["4k3/P7/8/8/8/8/8/4K3 w - - 0 1", "4k3/P6p/8/8/8/8/8/4K3 w - - 0 1"])
    assert fires(OnBoard(pattern), query(games)).tolist() == [True, False]
