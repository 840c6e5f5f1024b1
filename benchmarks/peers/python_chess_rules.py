"""python-chess: rules only. Legal moves are listed and a move is played; no planes, no mask, no draws by repetition."""

from __future__ import annotations

import random

import chess
from serving import serve, version

PLIES = 100


def main() -> None:
    board, rng = chess.Board(), random.Random(0)

    def play() -> int:
        plies = 0
        while plies < PLIES:
            moves = list(board.generate_legal_moves())
            if not moves or board.halfmove_clock >= 100 or board.is_insufficient_material():
                board.reset()
                continue
            board.push(moves[int(rng.random() * len(moves))])
            plies += 1
        return plies

    play()
    serve(play, versions=[version("chess")], batch=1, sees="list of legal moves")


if __name__ == "__main__":
    main()
