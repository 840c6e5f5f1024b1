"""A UCI engine that always plays the same move, and sleeps before it if it is among the first to have started.

It does next to nothing, so that what is measured is the pool. Each process takes a seat: a file in a folder.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import chess


def take_seat(folder: Path) -> int:
    for seat in range(1000):
        try:
            (folder / str(seat)).touch(exist_ok=False)
        except FileExistsError:
            continue
        return seat
    raise SystemExit(f"no seat is left in {folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seats", type=Path, required=True)
    parser.add_argument("--slow", type=int, required=True, help="how many of the processes sleep")
    parser.add_argument("--seconds", type=float, required=True, help="how long")
    args = parser.parse_args()
    slow = take_seat(args.seats) < args.slow
    moves: dict[str, str] = {}
    position = ""
    for line in sys.stdin:
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if word == "uci":
            print("id name sleepy\nuciok", flush=True)
        elif word == "isready":
            print("readyok", flush=True)
        elif word == "position":
            position = line
        elif word == "go":
            if slow:
                time.sleep(args.seconds)
            move = moves.get(position) or moves.setdefault(position, first_move(position))
            print(f"info depth 1 score cp 13 nodes 1 pv {move}\nbestmove {move}", flush=True)
        elif word == "quit":
            return


def first_move(position: str) -> str:
    words = position.split()
    at = words.index("moves") if "moves" in words else len(words)
    board = chess.Board() if words[1] == "startpos" else chess.Board(" ".join(words[2:at]))
    for move in words[at + 1 :]:
        board.push_uci(move)
    return next(iter(board.legal_moves)).uci()


if __name__ == "__main__":
    main()
