"""How games end: every draw rule, what takes precedence, and what counts as the same position."""

from __future__ import annotations

import itertools

import chess
import numpy as np
import pytest
from rules_oracle import assert_same, expected_termination

from sandwich_env.rules import Games, Termination, move_to_action

SHUFFLE = ["g1f3", "g8f6", "f3g1", "f6g8"]
KINGS = ["a1b1", "a8b8", "b1a1", "b8a8"]


def play(games: Games, moves: list[str]) -> chess.Board:
    """Play moves in the only game of `games`, compared with python-chess after each."""
    board = games.board(0)
    for uci in moves:
        move = chess.Move.from_uci(uci)
        games.step([move_to_action(move, board)])
        board.push(move)
        assert_same(games, [board])
    return board


def reason(games: Games) -> Termination:
    return Termination(int(games.termination[0]))


def test_threefold_is_the_third_occurrence() -> None:
    games = Games(1)
    board = play(games, SHUFFLE + SHUFFLE[:3])
    assert board.can_claim_threefold_repetition(), "python-chess looks one move ahead"
    assert reason(games) is Termination.PLAYING
    play(games, SHUFFLE[3:])
    assert games.repetitions[0] == 2
    assert reason(games) is Termination.THREEFOLD_REPETITION
    assert games.outcome[0] == 0


def test_without_claims_the_fifth_occurrence_ends_the_game() -> None:
    games = Games(1, claim_draws=False)
    board = play(games, SHUFFLE * 3 + SHUFFLE[:3])
    assert reason(games) is Termination.PLAYING
    assert board.is_repetition(4)
    board = play(games, SHUFFLE[3:])
    assert board.is_fivefold_repetition()
    assert reason(games) is Termination.FIVEFOLD_REPETITION


def test_fifty_and_seventy_five_moves() -> None:
    for clock, claim_draws, expected in [
        (99, True, Termination.FIFTY_MOVES),
        (98, True, Termination.PLAYING),
        (99, False, Termination.PLAYING),
        (149, False, Termination.SEVENTYFIVE_MOVES),
        (148, False, Termination.PLAYING),
        (149, True, Termination.SEVENTYFIVE_MOVES),  # unreachable but from a FEN; python-chess's order
    ]:
        fen = f"k7/8/8/8/8/8/8/KR6 w - - {clock} 90"
        games = Games(1, [fen], claim_draws=claim_draws)
        if games.finished[0]:
            assert reason(games) is Termination.FIFTY_MOVES, "a start with an old clock is over at ply 0"
            continue
        play(games, ["b1b2"])
        assert reason(games) is expected, (clock, claim_draws)


def test_a_capture_or_pawn_move_starts_the_clock_again() -> None:
    games = Games(1, ["k7/8/8/8/8/7p/6P1/KR6 w - - 99 90"])
    play(games, ["g2h3"])
    assert games.halfmove_clock[0] == 0
    assert reason(games) is Termination.PLAYING
    games = Games(1, ["k7/8/8/8/8/7p/8/KR6 b - - 99 90"])
    play(games, ["h3h2"])
    assert games.halfmove_clock[0] == 0


@pytest.mark.parametrize("clock", [99, 149])
@pytest.mark.parametrize("claim_draws", [True, False])
def test_mate_comes_before_the_move_rules(clock: int, claim_draws: bool) -> None:
    fen = f"k7/8/1K6/8/8/8/8/7R w - - {clock} 90"
    games = Games(1, [fen], claim_draws=claim_draws)
    if games.finished[0]:
        assert clock == 149
        assert claim_draws
        return
    play(games, ["h1h8"])
    assert reason(games) is Termination.CHECKMATE
    assert games.outcome[0] == 1
    assert games.terminated[0]
    stalemate = Games(1, [f"k7/8/1K6/8/8/8/8/2Q5 w - - {clock} 90"], claim_draws=claim_draws)
    play(stalemate, ["c1c7"])
    assert reason(stalemate) is Termination.STALEMATE


def test_mate_by_black_counts_from_whites_side() -> None:
    games = Games(1)
    play(games, ["f2f3", "e7e5", "g2g4", "d8h4"])
    assert reason(games) is Termination.CHECKMATE
    assert games.outcome[0] == -1
    assert games.in_check[0]
    assert games.turn[0]
    assert not games.legal_mask().any()
    assert games.legal_counts[0] == 0


def test_ply_cap_truncates_and_scores_a_draw() -> None:
    games = Games(1, max_plies=3)
    play(games, SHUFFLE[:2])
    assert not games.finished[0]
    play(games, SHUFFLE[2:3])
    assert reason(games) is Termination.PLY_CAP
    assert games.truncated[0]
    assert not games.terminated[0]
    assert games.finished[0]
    assert games.outcome[0] == 0
    mate_on_the_last_ply = Games(1, max_plies=4)
    play(mate_on_the_last_ply, ["f2f3", "e7e5", "g2g4", "d8h4"])
    assert mate_on_the_last_ply.terminated[0]
    assert not mate_on_the_last_ply.truncated[0]


def test_castling_rights_make_positions_differ() -> None:
    games = Games(1, ["r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"])
    play(games, ["h1g1", "a8b8", "g1h1", "b8a8"])  # the same men, fewer rights
    assert games.repetitions[0] == 0
    play(games, ["h1g1", "a8b8", "g1h1", "b8a8"])
    assert games.repetitions[0] == 1


@pytest.mark.parametrize(
    ("fen", "push", "expected"),
    [
        # A legal en passant capture makes the first occurrence another position ...
        ("k7/8/8/8/3p4/8/4P3/K7 w - - 0 1", "e2e4", 1),
        # ... no pawn beside it, or one that is pinned, does not.
        ("k7/8/8/8/8/8/4P3/K7 w - - 0 1", "e2e4", 2),
        ("8/8/8/8/k2p3Q/8/4P3/K7 w - - 0 1", "e2e4", None),
    ],
)
def test_en_passant_counts_only_where_it_is_legal(fen: str, push: str, expected: int | None) -> None:
    games = Games(1, [fen], claim_draws=False)
    board = play(games, [push])
    if expected is None:
        assert not board.has_legal_en_passant()
        play(games, ["a4a5", "a1b1", "a5a4", "b1a1"])
        assert games.repetitions[0] == 1
        return
    assert board.has_legal_en_passant() == (expected == 1)
    for _ in range(2):
        play(games, ["a8b8", "a1b1", "b8a8", "b1a1"])
    assert games.repetitions[0] == expected


def test_material_that_python_chess_calls_insufficient() -> None:
    """Every set of up to two extra men a side, on light and dark squares, is judged as python-chess judges it."""
    squares = {0: [chess.C3, chess.E3], 1: [chess.D3, chess.F3]}  # dark, light
    extras = [()] + [
        tuple(men)
        for count in (1, 2)
        for men in itertools.combinations_with_replacement(
            [(kind, colour) for kind in "nbrqp" for colour in (0, 1)], count
        )
    ]
    boards = []
    for white, black in itertools.product(extras, extras):
        board = chess.Board("7k/8/8/8/8/8/8/K7 w - - 0 1")
        free = {key: list(value) + [s + 16 for s in value] for key, value in squares.items()}
        for owner, men in ((chess.WHITE, white), (chess.BLACK, black)):
            for kind, colour in men:
                board.set_piece_at(free[colour].pop(), chess.Piece(chess.PIECE_SYMBOLS.index(kind), owner))
        if board.is_valid():
            boards.append(board)
    assert sum(board.is_insufficient_material() for board in boards) > 10
    games = Games.from_fens([board.fen() for board in boards])
    assert_same(games, boards)
    found = games.termination == Termination.INSUFFICIENT_MATERIAL
    assert found.tolist() == [board.is_insufficient_material() and not board.is_checkmate() for board in boards]


def test_many_bishops_of_one_colour_are_insufficient() -> None:
    fen = "7k/8/1B1B4/B1B5/1b1b4/8/8/K7 w - - 0 1"
    assert chess.Board(fen).is_insufficient_material()
    assert Termination(int(Games(1, [fen]).termination[0])) is Termination.INSUFFICIENT_MATERIAL


def test_capture_into_insufficient_material_ends_the_game() -> None:
    games = Games(1, ["7k/8/8/8/8/8/1r6/K7 w - - 0 1"])
    board = play(games, ["a1b2"])
    assert board.is_insufficient_material()
    assert reason(games) is Termination.INSUFFICIENT_MATERIAL


def test_a_start_that_is_over_makes_a_finished_game() -> None:
    fens = ["7k/5Q2/6K1/8/8/8/8/8 b - - 0 1", "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1", "7k/8/8/8/8/8/8/K7 b - - 0 1"]
    games = Games.from_fens(fens)
    assert games.finished.all()
    assert (games.ply == 0).all()
    expected = [expected_termination(chess.Board(fen), 512, True) for fen in fens]
    assert games.termination.tolist() == expected
    np.testing.assert_array_equal(games.outcome, [0, 1, 0])
