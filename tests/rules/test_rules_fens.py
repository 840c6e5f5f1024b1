"""FENs that are damaged or nonsense: refused with InvalidPositionError, or positions that python-chess finds valid."""

from __future__ import annotations

from collections import Counter

import chess
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules_strategies import TOLERATED, fuzz, positions

from sandwich_env.errors import InvalidPositionError
from sandwich_env.rules import Games

LETTERS = "pnbrqkPNBRQK12345678/-wbKQkqabcdefgh 0123456789~+_.xX\t\n\x00\u0661\u2003é♔"


@st.composite
def damaged_fens(draw: st.DrawFn) -> str:
    """A FEN with a few letters or whole fields replaced, inserted, taken out or swapped."""
    fen = draw(positions() | st.just(chess.STARTING_FEN))
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 4)))):
        how = draw(st.sampled_from(("replace", "replace", "insert", "delete", "cut", "field", "swap")))
        at = draw(st.integers(0, max(len(fen) - 1, 0)))
        letter = draw(st.sampled_from(LETTERS))
        if how == "replace":
            fen = fen[:at] + letter + fen[at + 1 :]
        elif how == "insert":
            fen = fen[:at] + letter + fen[at:]
        elif how == "delete":
            fen = fen[:at] + fen[at + 1 :]
        elif how == "cut":
            fen = fen[:at]
        else:
            fields = fen.split(" ")
            k, other = (draw(st.integers(0, len(fields) - 1)) for _ in range(2))
            fields[k] = fields[other] if how == "swap" else draw(st.sampled_from(FIELDS))
            fen = " ".join(fields)
    return fen


FIELDS = (
    *("w", "b", "-", "KQkq", "Kq", "HAha", "AHah", "KQkqKQkq", "C", "e3", "d6", "a3", "h6", "e4", "i3", "--", "", "  "),
    *(
        "0",
        "1",
        "-1",
        "99",
        "150",
        "10000",
        "10001",
        "2147483648",
        "2147483649",
        "9" * 30,
        "9" * 5000,
        "1.0",
        "1e3",
        "0x1",
    ),
    *("8/8/8/8/8/8/8/8", "k7/8/8/8/8/8/8/7K", "k7/8/8/8/8/8/8/7K~", "kk6/8/8/8/8/8/8/KK6", "44/8/8/8/8/8/8/8", "8/8"),
)

texts = damaged_fens() | damaged_fens() | damaged_fens() | st.text(max_size=90) | st.text(LETTERS, max_size=90)


def check(fen: str, seen: Counter[str]) -> None:
    try:
        games = Games(1, [fen])
    except InvalidPositionError as refusal:
        seen["refused" if repr(fen) in str(refusal) else "refused without saying what"] += 1
        return
    board = chess.Board(fen)
    assert not board.status() & ~TOLERATED
    assert not board.promoted
    assert games.fens() == [board.fen()]
    assert games.legal_counts[0] in (0, board.legal_moves.count())
    assert Games.from_state(games.state()).fens() == games.fens()
    seen["taken"] += 1


@pytest.mark.parametrize("examples", [400, pytest.param(2_000, marks=pytest.mark.slow)])
def test_damaged_fens(examples: int) -> None:
    seen: Counter[str] = Counter()
    fuzz(examples)(given(texts)(lambda fen: check(fen, seen)))()
    print(dict(seen))
    assert not seen["refused without saying what"]
    assert seen["refused"] > examples // 3
    assert seen["taken"] > examples // 50


@pytest.mark.parametrize(
    ("fen", "why"),
    [
        ("7k~/8/8/8/8/8/8/K6R w - - 0 1", "promoted men"),  # python-chess overlooks a king that is marked as promoted
        ("7k/8/8/8/8/8/8/K6Q~ b - - 0 1", "promoted men"),
        ("7k/8/8/8/8/8/8/KR6 w - - 1_0 1", "are digits"),
        ("7k/8/8/8/8/8/8/KR6 w - - 0 +1", "are digits"),
        ("7k/8/8/8/8/8/8/KR6 w - - \u0661 1", "are digits"),
    ],
)
def test_what_python_chess_lets_pass(fen: str, why: str) -> None:
    chess.Board(fen)
    with pytest.raises(InvalidPositionError, match=why):
        Games(1, [fen])
