"""A small UCI engine, honest or not, for the tests: `python fake_engine.py [fault] [--at N] [--once FILE]`.

It likes moves in the order of a checksum of position and move, so that its answers are the same in every process. A
fault shows at the N-th search of the process and from then on; with --once, in the first process only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zlib
from pathlib import Path

import chess

FAULTS = (
    "none",
    "dies",
    "hangs",
    "illegal",
    "illegal-line",
    "no-move",
    "no-score",
    "garbage",
    "mute",
    "plain",
    "no-wdl",
    "forgets",
)


def say(text: str) -> None:
    print(text, flush=True)


def likings(board: chess.Board) -> list[tuple[int, str]]:
    """Centipawns (-300 to 300) and moves, the best first."""
    fen = board.fen()
    moves = [move.uci() for move in board.legal_moves]
    return sorted(((zlib.crc32(f"{fen} {move}".encode()) % 601 - 300, move) for move in moves), reverse=True)


def answer(board: chess.Board, multipv: int, fault: str) -> None:
    if fault == "dies":
        sys.exit(3)
    if fault == "hangs":
        time.sleep(3600)
    if fault == "garbage":
        sys.stdout.buffer.write(b"\xff\xfe\x00 what?\ninfo score cp pv multipv x\ninfo depth one score mate\n")
        say("bestmove xyzzy")
        return
    if fault != "no-score":
        scored = likings(board)[: -1 if fault == "forgets" else None][:multipv]
        chances = "" if fault == "no-wdl" else "wdl 300 500 200 "
        for rank, (centipawns, move) in enumerate(scored, start=1):
            line = "e2e5" if fault == "illegal-line" else move
            say(f"info depth 1 multipv {rank} score cp {centipawns} {chances}nodes 1 pv {line}")
    best = likings(board)[0][1]
    say({"illegal": "bestmove a1b3", "no-move": "bestmove (none)"}.get(fault, f"bestmove {best}"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("fault", nargs="?", default="none", choices=FAULTS)
    parser.add_argument("--at", type=int, default=1)
    parser.add_argument("--once", type=Path)
    args = parser.parse_args()
    fault = args.fault
    if args.once is not None:
        try:
            with args.once.open("x") as claimed:  # by one alone, of several that start at the same moment
                claimed.write(str(os.getpid()))
        except FileExistsError:
            fault = "none"
    board, multipv, searches = chess.Board(), 1, 0
    for text in sys.stdin:
        words = text.split()
        if words[:1] == ["uci"] and fault != "mute":
            say("id name fake")
            if fault != "plain":
                say("option name MultiPV type spin default 1 min 1 max 500")
                say("option name UCI_ShowWDL type check default false")
            say("option name Skill Level type spin default 20 min 0 max 20")
            say("uciok")
        elif words[:1] == ["isready"]:
            say("readyok")
        elif words[:3] == ["setoption", "name", "MultiPV"]:
            multipv = int(words[-1])
        elif words[:1] == ["position"]:
            moves_at = words.index("moves") if "moves" in words else len(words)
            board = chess.Board() if words[1] == "startpos" else chess.Board(" ".join(words[2:moves_at]))
            for move in words[moves_at + 1 :]:
                board.push_uci(move)
        elif words[:1] == ["go"]:
            searches += 1
            answer(board, multipv, fault if searches >= args.at else "none")
        elif words[:1] == ["quit"]:
            return


if __name__ == "__main__":
    main()
