"""Insufficient material: every set of a few men, with bishops on either colour, judged as python-chess judges it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import chess
import numpy as np
import pytest

from sandwich_env.rules import Games, Termination

Men = tuple[tuple[str, int], ...]

LIGHT, DARK, EITHER = 1, 0, 2
MINOR = [(symbol, colour) for symbol in "Bb" for colour in (LIGHT, DARK)] + [("N", EITHER), ("n", EITHER)]
ALL = MINOR + [(symbol, EITHER) for symbol in "PRQprq"]


def sets_of(kinds: list[tuple[str, int]], sizes: Iterable[int]) -> list[Men]:
    """Every multiset of extra men beside the kings."""
    return [men for size in sizes for men in itertools.combinations_with_replacement(kinds, size)]


def place(men: Men, turn: chess.Color, rng: random.Random) -> chess.Board:
    """Somewhere on the board where the side that is not to move is not in check."""
    while True:
        board = chess.Board(None)
        board.turn = turn
        free = {colour: [s for s in chess.SQUARES if colour in (EITHER, (s + s // 8) % 2)] for colour in range(3)}
        for symbol, colour in (("K", EITHER), ("k", EITHER), *men):
            kind = chess.Piece.from_symbol(symbol)
            choices = [s for s in free[colour] if not board.occupied >> s & 1]
            if kind.piece_type == chess.PAWN:
                choices = [s for s in choices if 8 <= s < 56]
            board.set_piece_at(rng.choice(choices), kind)
        status = board.status() & ~(chess.STATUS_TOO_MANY_CHECKERS | chess.STATUS_IMPOSSIBLE_CHECK)
        if status == chess.STATUS_VALID:
            return board


def check(men: list[Men]) -> int:
    """Compare each set with either side to move; returns how many positions are insufficient."""
    rng = random.Random(1)
    boards = [place(m, turn, rng) for m in men for turn in chess.COLORS]
    games = Games.from_fens([board.fen() for board in boards])
    expected = np.array([board.is_insufficient_material() and not board.is_checkmate() for board in boards])
    found = games.termination == Termination.INSUFFICIENT_MATERIAL
    for i in np.flatnonzero(found != expected):
        raise AssertionError(f"{boards[i].fen()}: insufficient material {found[i]}, in python-chess {expected[i]}")
    assert (games.outcome[found] == 0).all()
    assert games.terminated[found].all()
    assert (games.legal_counts[found] == 0).all()
    return int(expected.sum())


def test_every_set_of_up_to_three_men() -> None:
    men = sets_of(ALL, range(4))
    assert len(men) == 455
    assert check(men) > 40


def test_every_set_of_up_to_five_minor_pieces() -> None:
    men = sets_of(MINOR, range(6))
    assert len(men) == 462
    assert check(men) > 60


def test_insufficient_material_comes_before_stalemate() -> None:
    board = chess.Board("k7/2K5/8/8/8/4B3/8/8 b - - 0 1")
    assert board.is_stalemate()
    assert board.outcome().termination is chess.Termination.INSUFFICIENT_MATERIAL  # type: ignore[union-attr]
    assert Games(1, [board.fen()]).termination.tolist() == [Termination.INSUFFICIENT_MATERIAL]


@pytest.mark.slow
def test_every_set_of_up_to_five_men_and_of_up_to_ten_minor_pieces() -> None:
    men = sets_of(ALL, (4, 5))
    assert len(men) == 1365 + 4368
    assert check(men) > 30
    minors = sets_of(MINOR, range(6, 11))
    assert len(minors) == 8008 - 462
    assert check(minors) > 80
