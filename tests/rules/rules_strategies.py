"""What the fuzz is made of: positions that are legal but otherwise absurd, and ways to play that seek what is rare.

By default the examples are the same on every run. `SANDWICH_FUZZ_SEED=7` draws others, `SANDWICH_FUZZ_SEED=fresh` draws
a seed, too, which is printed when a test fails; `SANDWICH_FUZZ_POSITIONS` is how many positions the slow test compares.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable
from typing import Any

import chess
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st

_ASKED = os.environ.get("SANDWICH_FUZZ_SEED", "20261121")
FUZZ_SEED = random.SystemRandom().getrandbits(32) if _ASKED == "fresh" else int(_ASKED)
FUZZ_POSITIONS = int(os.environ.get("SANDWICH_FUZZ_POSITIONS", "1_000_000"))

TOLERATED = chess.STATUS_TOO_MANY_CHECKERS | chess.STATUS_IMPOSSIBLE_CHECK


def fuzz(
    max_examples: int, *, shrink: bool = True, part: int = 0
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for what `given` made: so many examples of the seed above, which is printed; others in each part."""

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        phases = [Phase.explicit, Phase.generate] + [Phase.shrink] * shrink
        configured = settings(
            max_examples=max_examples,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        )(seed(FUZZ_SEED + part)(test))

        @functools.wraps(configured)
        def run(*args: Any, **kwargs: Any) -> Any:
            print(f"repeat with SANDWICH_FUZZ_SEED={FUZZ_SEED}")
            return configured(*args, **kwargs)

        return run

    return decorate


CLOCKS = (0, 0, 0, 1, 30, 97, 98, 99, 100, 101, 126, 127, 128, 147, 148, 149, 150, 151, 10_000)
MOVE_NUMBERS = (1, 1, 2, 77, 2**31)
CORNERS = {chess.A1: "R", chess.H1: "R", chess.A8: "r", chess.H8: "r"}

squares = st.integers(0, 63)
men = st.tuples(st.sampled_from("PNBRQpnbrq"), squares)


@st.composite
def positions(draw: st.DrawFn) -> str:
    """A FEN with any men anywhere: nine queens, ten knights, pawns about to promote, en passant that is none."""
    board = chess.Board(None)
    board.turn = draw(st.booleans())
    shape = draw(st.sampled_from(("free", "castling", "en passant", "promotion", "army")))
    at_home = shape == "castling" or draw(st.integers(0, 5)) == 0
    _place_kings(draw, board, at_home, beside_pawns=shape == "en passant" and draw(st.booleans()))
    if shape == "en passant":
        _place_passing_pawn(draw, board)
    size = draw(st.integers(0, draw(st.sampled_from((2, 6, 6 if shape == "en passant" else 40)))))
    if shape == "army":  # many of one kind
        kinds = draw(st.lists(st.sampled_from("NBRQnbrq"), min_size=1, max_size=2))
        extra = st.tuples(st.sampled_from(kinds), squares)
        size = draw(st.integers(4, 30))
        for symbol, square in draw(st.lists(extra, min_size=size, max_size=size)):
            _place(board, symbol, square)
    if shape == "promotion":
        for symbol, file in draw(st.lists(st.tuples(st.sampled_from("Pp"), st.integers(0, 7)), min_size=1, max_size=9)):
            _place(board, symbol, chess.square(file, 6 if symbol == "P" else 1))
    for symbol, square in draw(st.lists(men, min_size=size, max_size=size)):
        _place(board, symbol, square)
    _lift_attackers(board)
    corners = sum(1 << square for square in CORNERS)
    board.castling_rights = draw(st.integers(0, 15).map(_corners_of)) & corners
    board.castling_rights = board.clean_castling_rights()
    _set_en_passant(draw, board)
    board.halfmove_clock = draw(st.sampled_from(CLOCKS))
    board.fullmove_number = draw(st.sampled_from(MOVE_NUMBERS))
    assert not board.status() & ~TOLERATED, board.fen(en_passant="fen")
    return board.fen(en_passant="fen")


def _corners_of(bits: int) -> int:
    return sum(1 << square for k, square in enumerate(CORNERS) if bits >> k & 1)


def _place_kings(draw: st.DrawFn, board: chess.Board, at_home: bool, beside_pawns: bool) -> None:
    if at_home:
        board.set_piece_at(chess.E1, chess.Piece.from_symbol("K"))
        board.set_piece_at(chess.E8, chess.Piece.from_symbol("k"))
        for square, symbol in CORNERS.items():
            if draw(st.integers(0, 4)):
                board.set_piece_at(square, chess.Piece.from_symbol(symbol))
        return
    white, black = draw(squares), draw(squares)
    if beside_pawns:  # the king of the side to move on the rank where pawns pass each other
        file = draw(st.sampled_from((0, 7, white % 8)))
        white, black = (32 + file, black) if board.turn == chess.WHITE else (white, 24 + file)
    if chess.square_distance(white, black) < 2:
        kept = white if board.turn == chess.WHITE else black
        other = max(chess.SQUARES, key=lambda square: chess.square_distance(kept, square))
        white, black = (kept, other) if board.turn == chess.WHITE else (other, kept)
    board.set_piece_at(white, chess.Piece.from_symbol("K"))
    board.set_piece_at(black, chess.Piece.from_symbol("k"))


def _place_passing_pawn(draw: st.DrawFn, board: chess.Board) -> None:
    """A pawn that may just have advanced by two, pawns beside it that could capture it or not, pins on their rank."""
    file = draw(st.integers(0, 7))
    rank, symbol, other = (4, "p", "P") if board.turn == chess.WHITE else (3, "P", "p")
    _place(board, symbol, chess.square(file, rank))
    for beside in draw(st.lists(st.sampled_from((-1, 1)), min_size=draw(st.integers(0, 1)), max_size=2)):
        if 0 <= file + beside <= 7:
            _place(board, other, chess.square(file + beside, rank))
    pinning = "rq" if board.turn == chess.WHITE else "RQ"
    for symbol, far in draw(
        st.lists(st.tuples(st.sampled_from(pinning), st.sampled_from((0, 7, file ^ 2))), max_size=2)
    ):
        _place(board, symbol, chess.square(far, rank))


def _place(board: chess.Board, symbol: str, square: int) -> None:
    """Put a man down if his square is free and his side may have one more."""
    piece = chess.Piece.from_symbol(symbol)
    if piece.piece_type == chess.PAWN:
        if chess.square_rank(square) in (0, 7):
            square ^= 8  # to the second or the seventh rank
        if len(board.pieces(chess.PAWN, piece.color)) == 8:
            return
    if board.piece_at(square) is None and chess.popcount(board.occupied_co[piece.color]) < 16:
        board.set_piece_at(square, piece)


def _lift_attackers(board: chess.Board) -> None:
    """Take away whoever gives check to the side that is not to move."""
    king = board.king(not board.turn)
    assert king is not None
    while attackers := board.attackers(board.turn, king):
        board.remove_piece_at(attackers.pop())


def _set_en_passant(draw: st.DrawFn, board: chess.Board) -> None:
    rank, behind, start = (4, 5, 6) if board.turn == chess.WHITE else (3, 2, 1)
    candidates = [
        chess.square(file, behind)
        for file in range(8)
        if board.pieces(chess.PAWN, not board.turn).mask >> chess.square(file, rank) & 1
        and board.piece_at(chess.square(file, behind)) is None
        and board.piece_at(chess.square(file, start)) is None
    ]
    if candidates and draw(st.integers(0, 3)):
        board.ep_square = draw(st.sampled_from(candidates))


# --- Ways to play ---

Style = Callable[[random.Random, chess.Board, list[chess.Move]], list[chess.Move]]


def _any(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    return moves


def _capture(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    occupied = board.occupied
    return [move for move in moves if occupied >> move.to_square & 1]


def _promote(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    """Promotions, else advances of pawns."""
    pawns = board.pawns
    return [move for move in moves if move.promotion] or [move for move in moves if pawns >> move.from_square & 1]


def _castle(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    """Castling, else nothing that gives rights away."""
    homes = board.kings | board.castling_rights
    castling = [m for m in moves if board.kings >> m.from_square & 1 and abs(m.from_square - m.to_square) == 2]
    return castling or [move for move in moves if not homes >> move.from_square & 1]


def _check(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    few = rng.sample(moves, min(len(moves), 8))
    return [move for move in few if board.gives_check(move)]


def _pass(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    """En passant, else advances of pawns by two."""
    square = board.ep_square
    pawns = [move for move in moves if board.pawns >> move.from_square & 1]
    return [move for move in pawns if move.to_square == square] or [
        move for move in pawns if abs(move.from_square - move.to_square) == 16
    ]


def _go_back(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    """Take the last own move back: positions come again."""
    if len(board.move_stack) < 2:
        return _quiet(rng, board, moves)
    last = board.move_stack[-2]
    back = chess.Move(last.to_square, last.from_square)
    return [back] if back in moves else _quiet(rng, board, moves)


def _quiet(rng: random.Random, board: chess.Board, moves: list[chess.Move]) -> list[chess.Move]:
    """Neither captures nor moves of pawns: the clock runs."""
    stirring = board.occupied, board.pawns
    return [m for m in moves if not (stirring[0] >> m.to_square | stirring[1] >> m.from_square) & 1]


STYLES: tuple[Style, ...] = (_any, _capture, _promote, _castle, _check, _pass, _go_back, _quiet)


def choose(rng: random.Random, style: Style, board: chess.Board, moves: list[chess.Move]) -> chess.Move:
    """A move of the style three times in four, if there is one; else any."""
    wanted = style(rng, board, moves) if rng.random() < 0.75 else moves
    return rng.choice(wanted or moves)
