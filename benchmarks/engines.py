"""Answers a second of a pool of UCI engines, beside the same engines with nothing around them.

    python benchmarks/engines.py --json engines.json

Every question is a new game to the engine. *Bare* engines are pipes: a thread for each writes lines made beforehand
and reads up to `bestmove`; they are sent the whole game, as is usual, or, *short*, what the pool sends (the moves since
the last that cannot be undone). The pool gets `Games`, and gives back policies and values.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import machine
import numpy as np
from bare_engines import BareEngines, ChessLibraryEngines, position_line
from harness import Contestant, Goal, Table, arguments, compare, report

from sandwich_env import UciExpert
from sandwich_env.errors import EngineError
from sandwich_env.experts.engine_questions import about_board
from sandwich_env.experts.uci import find_engine
from sandwich_env.rules import Games

QUESTIONS = 64
LONGEST = 160
MULTIPV = 4
SETTINGS = ((1, 50), (1, 1000), (2, 50), (2, 1000))
SLOW_S = 0.3
"""How long the slow engine sleeps in every search."""


def positions(count: int = QUESTIONS, longest: int = LONGEST) -> Games:
    """Random games of every length up to `longest` plies, none of them over."""
    seeds = np.arange(count, dtype=np.uint64)
    games, stop = Games(count), np.linspace(0, longest, count).astype(int)
    for ply in range(longest):
        actions = games.sample(seeds)
        ahead = games.copy()
        ahead.step(actions)
        games.step(np.where((ply < stop) & ~ahead.finished, actions, -1))
    return games


def repeated(answer_all: Callable[[], int]) -> Contestant:
    """Goes through all questions until the time is over."""

    def play(seconds: float) -> int:
        until, answers = time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            answers += answer_all()
        return answers

    return play


def pool(expert: UciExpert, games: Games) -> Contestant:
    def answer_all() -> int:
        expert.evaluate(games)
        return len(games)

    return repeated(answer_all)


def beside_bare(command: str, size: int, nodes: int, args: argparse.Namespace) -> Table:
    """The pool, python-chess and bare engines, with the same engine, limits and options."""
    machine.keep_to(size, args.cores)  # and so the engines that are started now
    games = positions()
    boards = [games.board(i) for i in range(len(games))]
    with ExitStack() as stack:
        expert = stack.enter_context(UciExpert(command, nodes=nodes, pool=size, multipv=MULTIPV))
        bare = BareEngines(command, size, [position_line(board) for board in boards], nodes, MULTIPV)
        stack.callback(bare.close)
        short = BareEngines(command, size, [about_board(board).position for board in boards], nodes, MULTIPV)
        stack.callback(short.close)
        library = ChessLibraryEngines(command, size, boards, nodes, MULTIPV)
        stack.callback(library.close)
        contestants = {
            "bare": repeated(bare.answer_all),
            "bare, short positions": repeated(short.answer_all),
            "UciExpert": pool(expert, games),
            "python-chess": repeated(library.answer_all),
        }
        goals = [Goal("UciExpert", 0.9, over=bare) for bare in ("bare", "bare, short positions")]
        goals += [Goal("UciExpert", over="python-chess")]
        name = f"{nodes} nodes, {size} engine{'s' * (size > 1)}, {MULTIPV} moves scored"
        return compare(name, contestants, args, unit="answers", goals=goals, cores=size)


def beside_slow(args: argparse.Namespace) -> Table:
    """Two engines, and the same two with a third that sleeps in every search."""
    machine.keep_to(1, args.cores)
    script = str(Path(__file__).with_name("sleepy_engine.py"))
    games = positions(500, 20)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def experts(size: int, slow: int) -> UciExpert:
            seats = Path(tempfile.mkdtemp(dir=folder))
            command = [sys.executable, script, "--seats", str(seats), "--slow", str(slow), "--seconds", str(SLOW_S)]
            return stack.enter_context(UciExpert(command, nodes=1, time=10.0, pool=size, multipv=1))

        contestants = {"2 engines": pool(experts(2, 0), games), "2 engines and a slow one": pool(experts(3, 1), games)}
        goals = [Goal("2 engines and a slow one", 0.9, over="2 engines")]
        name = f"one engine that sleeps {SLOW_S} s in every search"
        return compare(name, contestants, args, unit="answers", goals=goals, cores=1)


def main() -> None:
    args = arguments(__doc__, lambda parser: parser.add_argument("--engine", help="Stockfish without it"))
    tables = []
    try:
        (command,) = find_engine(args.engine)
    except EngineError as error:
        print(f"without real engines: {error}")
    else:
        for size, nodes in SETTINGS:
            try:
                tables.append(beside_bare(command, size, nodes, args))
            except machine.TooFewCoresError as error:
                print(f"without {size} engines: {error}")
    tables.append(beside_slow(args))
    report(tables, args)


if __name__ == "__main__":
    main()
