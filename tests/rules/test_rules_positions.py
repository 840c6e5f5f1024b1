"""What a game may start from, and FENs in and out."""

from __future__ import annotations

import chess
import numpy as np
import pytest

from sandwich_env.errors import InvalidPositionError
from sandwich_env.rules import Games
from sandwich_env.rules.positions import check_board

BAD = [
    ("", "malformed|empty|expected|FEN"),
    ("nonsense", "nonsense"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP w KQkq - 0 1", "rows"),
    ("rnbqkbnr/pppppppp/9/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1", "position part"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR x KQkq - 0 1", "'w' or 'b'"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - zero 1", "half-?move"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - -1 1", "half-?move"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1 extra", "7"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 10001 1", "half-move clock is 10001"),
    ("8/8/8/8/8/8/8/8 w - - 0 1", "the board is empty"),
    ("8/8/8/8/8/8/8/K7 w - - 0 1", "Black has no king"),
    ("7k/8/8/8/8/8/8/8 w - - 0 1", "White has no king"),
    ("7k/8/8/8/8/8/8/KK6 w - - 0 1", "more than one king"),
    ("7k/8/8/8/8/8/8/KP6 w - - 0 1", "first or last rank"),
    ("7k/8/8/8/P7/8/PPPPPPPP/K7 w - - 0 1", "more than 8 pawns"),
    ("7k/8/8/8/8/Q7/QQQQQQQQ/KQQQQQQQ w - - 0 1", "more than 16 men"),
    ("7k/8/8/8/8/8/8/K6R w - - 0 1", "not to move is in check"),
    ("4k3/8/8/8/8/8/8/4K3 w K - 0 1", "castling rights"),
    ("4k3/8/8/8/8/8/8/3K3R w K - 0 1", "Chess960"),
    ("4k3/8/8/8/8/8/8/4K3 w - e6 0 1", "en passant"),
    ("4k3/8/8/8/8/8/8/4K3 w - e9 0 1", "en passant"),
    ("4k3/8/8/8/4P3/8/8/4K3 w - e3 0 1", "en passant"),
    ("bqnbnrkr/pppppppp/8/8/8/8/PPPPPPPP/BQNBNRKR w HFhf - 0 1", "standard chess"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w HAha - 0 1", "standard chess"),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w qkQK - 0 1", "standard chess"),
]


@pytest.mark.parametrize(("fen", "why"), BAD)
def test_bad_fens_are_refused_with_the_fen_and_the_reason(fen: str, why: str) -> None:
    with pytest.raises(InvalidPositionError, match=why) as caught:
        Games(1, [fen])
    assert repr(fen) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_the_message_names_the_game() -> None:
    with pytest.raises(InvalidPositionError, match="game 1: "):
        Games(2, [chess.STARTING_FEN, "8/8/8/8/8/8/8/K7 w - - 0 1"])
    with pytest.raises(InvalidPositionError, match="not int"):
        Games(1, [5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="sequence of FENs"):
        Games(1, chess.STARTING_FEN)
    with pytest.raises(TypeError, match="sequence of FENs"):
        Games.from_fens(chess.STARTING_FEN)


def test_other_variants_are_refused() -> None:
    with pytest.raises(InvalidPositionError, match="standard chess"):
        check_board(chess.Board(chess960=True), chess.STARTING_FEN)


@pytest.mark.parametrize(
    "fen",
    [
        chess.STARTING_FEN,
        "rnbqkbnr/pp1ppppp/8/8/2pPP3/8/PPP2PPP/RNBQKBNR b KQkq d3 0 3",
        "rnbqkbnr/pp1p1ppp/8/2pPp3/8/8/PPP1PPPP/RNBQKBNR w KQkq e6 0 3",
        "r3k2r/8/8/8/8/8/8/R3K2R b Kq - 12 34",
        "8/P1k5/K7/8/8/8/8/8 w - - 3 77",
        "B6b/8/8/8/2K5/5k2/8/b6B b - - 0 1",  # two checks that no game leads to: playable
        "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1",  # nobody can capture
        "4k3/8/8/8/8/8/8/4K2R w K -",
    ],
)
def test_fens_come_out_as_python_chess_writes_them(fen: str) -> None:
    games = Games(1, [fen])
    assert games.fens() == [chess.Board(fen).fen()]
    assert games.start_fens() == [fen]
    assert games.board(0).fen() == chess.Board(fen).fen()
    assert games.board(0).ep_square == chess.Board(fen).ep_square


def test_move_numbers_count_on() -> None:
    games = Games(2, ["4k3/8/8/8/8/8/8/R3K3 b - - 0 41", "4k3/8/8/8/8/8/8/R3K3 w - - 0 41"])
    for _ in range(5):
        games.step(games.sample([1, 2]))
        assert games.fens() == [games.board(i).fen() for i in range(2)]


def test_starts_are_cycled_and_stay() -> None:
    fens = ["4k3/8/8/8/8/8/8/R3K3 w - - 0 1", "4k3/8/8/8/8/8/8/R3K3 b - - 0 1"]
    games = Games(5, fens)
    assert games.start_fens() == [fens[i % 2] for i in range(5)]
    games.step(games.sample(np.arange(5)))
    games.reset()
    assert games.fens() == games.start_fens()
    games.reset([1, 3], starts=[chess.STARTING_FEN])
    assert games.start_fens() == [fens[0], chess.STARTING_FEN, fens[0], chess.STARTING_FEN, fens[0]]
    before = games.fens()
    with pytest.raises(InvalidPositionError):
        games.reset([0, 1], starts=[fens[0], "bad"])
    assert games.fens() == before
    for starts in ([], [fens[0]] * 6):
        with pytest.raises(ValueError, match="cycled"):
            Games(5, starts)
