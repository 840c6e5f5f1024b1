"""En passant, the move that breaks move generators: every pair of pawns, every king, each attacker that matters."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import chess
import pytest
from rules_strategies import FUZZ_SEED, TOLERATED
from rules_twin import Twin

from sandwich_env.rules import Games

CHUNK = 2048


def positions() -> Iterator[chess.Board]:
    """White to move and capture, beside his king one black man of each kind that can pin or check.

    A queen is on each square of the king's lines, and on one file besides, where it can do nothing to him.
    """
    for file in range(8):
        for beside in (file - 1, file + 1):
            if not 0 <= beside <= 7:
                continue
            passed, pawn = chess.square(file, 5), chess.square(file, 4)
            base = chess.Board(None)
            base.set_piece_at(pawn, chess.Piece.from_symbol("p"))
            base.set_piece_at(chess.square(beside, 4), chess.Piece.from_symbol("P"))
            kept_free = base.occupied | 1 << passed | 1 << passed + 8
            for king in chess.SquareSet(~kept_free & chess.BB_ALL):
                board = base.copy()
                board.set_piece_at(king, chess.Piece.from_symbol("K"))
                lines = chess.BB_RANK_ATTACKS[king][0] | chess.BB_FILE_ATTACKS[king][0] | chess.BB_DIAG_ATTACKS[king][0]
                attackers = {
                    "q": lines | chess.BB_FILES[king * 3 % 8],
                    "n": chess.BB_KNIGHT_ATTACKS[king],
                    "p": chess.BB_PAWN_ATTACKS[chess.WHITE][king] & ~chess.BB_BACKRANKS,
                }
                for symbol, reach in attackers.items():
                    for square in chess.SquareSet(reach & ~kept_free & ~(1 << king)):
                        yield with_attacker(board, symbol, square, passed)


def with_attacker(board: chess.Board, symbol: str, square: int, passed: int) -> chess.Board:
    board = board.copy()
    board.set_piece_at(square, chess.Piece.from_symbol(symbol))
    king = board.king(chess.WHITE)
    assert king is not None
    free = chess.SquareSet(
        ~(board.occupied | chess.BB_KING_ATTACKS[king] | 1 << passed | 1 << passed + 8) & chess.BB_ALL
    )
    corner = max(free, key=lambda s: chess.square_distance(s, king))
    board.set_piece_at(corner, chess.Piece.from_symbol("k"))
    board.ep_square = passed
    return board


def compare(boards: list[chess.Board], seen: Counter[str]) -> None:
    """Legal moves and checks of each position, and all that is seen after a random capture or another move."""
    fens = [board.fen(en_passant="fen") for board in boards if not board.status() & ~TOLERATED]
    games, twin = Games.from_fens(fens), Twin(fens, 512, claim_draws=True)
    twin.compare(games, planes=False, fens=False)
    rng = random.Random(FUZZ_SEED)
    moves = {}
    for i, board in enumerate(twin.boards):
        captures = [move for move in twin.moves[i] if board.is_en_passant(move)]
        seen["legal" if captures else "in check" if twin.checks[i] else "pinned"] += 1
        if not twin.reasons[i]:
            moves[i] = rng.choice(captures or twin.moves[i])
    games.step(twin.push(moves))
    twin.compare(games, planes=False, fens=False)
    seen["positions"] += len(fens)


def compare_all(boards: list[chess.Board]) -> Counter[str]:
    seen: Counter[str] = Counter()
    for first in range(0, len(boards), CHUNK):
        compare(boards[first : first + CHUNK], seen)
    print(dict(seen))
    return seen


def some(every: int) -> list[chess.Board]:
    """One in so many of the positions, half of them with colours exchanged."""
    chosen = [board for i, board in enumerate(positions()) if i % every == 0]
    return [board.mirror() if i % 2 else board for i, board in enumerate(chosen)]


def test_some_en_passant_captures() -> None:
    seen = compare_all(some(every=19))
    assert seen["positions"] > 1_000
    assert min(seen["legal"], seen["in check"], seen["pinned"]) > 20


@pytest.mark.slow
def test_every_en_passant_capture() -> None:
    boards = some(every=1)
    seen = compare_all(boards)
    assert seen["positions"] > 25_000
    assert min(seen["legal"], seen["in check"], seen["pinned"]) > 800
