"""Make the openings and the puzzles that come with the package, or a set of your own, from a network's games.

    python examples/make_embedded_data.py --network novice --engine stockfish --out sandwich_env/data

Openings are positions after eight plies of the network's own play that the engine calls level. Puzzles are positions
from its later games in which, after the opponent's move, one move alone wins; they are written in Lichess's CSV form,
with a rating of 0 since nobody has been rated by them. The shipped sets came from a network that had learnt from
1,500 human games for 150 steps, which is a little stronger than `novice`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import chess
import chess.engine
import numpy as np
from rich.progress import track

from sandwich_env.experts.network import NetworkExpert
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import Games

LEVEL = 60
"""Centipawns, either way, up to which an opening is called level."""
WINNING, NOT_WINNING = 0.75, 0.45
"""A puzzle's move must be expected to score more than the first, every other move less than the second (0 to 1)."""
MOVES = 4
"""Moves that the solver must find at the most."""


def play(network: str, games: int, plies: int, temperature: float, seed: int) -> Iterator[list[chess.Board]]:
    """The positions of games that a network plays with itself, sampling its moves."""
    player = ExpertPlayer(NetworkExpert(network), temperature=temperature)
    batch = Games(games, max_plies=plies)
    while not (over := batch.terminated | batch.truncated).all():
        rng = Streams(mix(seed, "embedded", np.arange(games), batch.ply))
        batch.step(np.where(over, -1, player.act(batch, None, rng)))
    for index in range(games):
        final = batch.board(index)
        board = final.root()
        positions = [board.copy()]
        for move in final.move_stack:
            board.push(move)
            positions.append(board.copy())
        yield positions


def expected(info: chess.engine.InfoDict) -> float:
    """The expected score of the player to move, 0 to 1, by Lichess's formula."""
    score = info["score"].relative.score(mate_score=10_000)
    return 1 / (1 + np.exp(-0.00368208 * np.clip(score, -3000, 3000)))


def only_winning_move(engine: chess.engine.SimpleEngine, board: chess.Board) -> chess.Move | None:
    """The one move that wins, if there is one and only one: a quick look first, then a long one."""
    best = None
    for nodes in (3_000, 100_000):
        if board.legal_moves.count() < 2:
            return None
        found = engine.analyse(board, chess.engine.Limit(nodes=nodes, time=30), multipv=2, game=object())
        if len(found) < 2 or expected(found[0]) < WINNING or expected(found[1]) > NOT_WINNING:
            return None
        best = found[0]["pv"][0]
    return best


def line_of(engine: chess.engine.SimpleEngine, board: chess.Board) -> list[chess.Move]:
    """The solver's only moves with the engine's replies between them; empty if the first is not the only one."""
    board, line = board.copy(), []
    while len(line) < 2 * MOVES - 1 and (move := only_winning_move(engine, board)) is not None:
        line.append(move)
        board.push(move)
        if board.is_game_over() or len(line) == 2 * MOVES - 1:
            return line
        reply = engine.play(board, chess.engine.Limit(nodes=100_000, time=30), game=object()).move
        assert reply is not None
        line.append(reply)
        board.push(reply)
    return line[:-1]


def make_openings(engine: chess.engine.SimpleEngine, network: str, count: int, seed: int) -> list[str]:
    """FENs of level openings, each one different."""
    found: dict[str, None] = {}
    for positions in track(play(network, 20 * count, 8, 1.0, seed), "openings", total=20 * count):
        board = positions[-1]
        fen = board.fen()
        if board.ply() < 8 or board.is_check() or fen in found:
            continue
        score = engine.analyse(board, chess.engine.Limit(nodes=20_000, time=30), game=object())["score"].relative
        if not score.is_mate() and abs(score.score(mate_score=10_000)) <= LEVEL:
            found[fen] = None
        if len(found) == count:
            break
    return list(found)


def make_puzzles(
    engine: chess.engine.SimpleEngine, network: str, count: int, seed: int
) -> list[tuple[str, list[chess.Move]]]:
    """FENs before the opponent's move, each with that move and the line after it; one from a game at the most."""
    found: list[tuple[str, list[chess.Move]]] = []
    rng = np.random.default_rng(seed)
    for positions in track(play(network, 8 * count, 100, 0.7, seed), "puzzles", total=8 * count):
        later = positions[12:]
        for index in rng.permutation(len(later))[:12]:
            before, board = positions[12 + index - 1], later[index]
            line = [] if board.is_game_over() else line_of(engine, board)
            if line:
                found.append((before.fen(), [board.peek(), *line]))
                break
        if len(found) == count:
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="novice", help="a shipped network or weights (.safetensors)")
    parser.add_argument("--engine", default="stockfish", help="a UCI engine")
    parser.add_argument("--openings", type=int, default=256)
    parser.add_argument("--puzzles", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="a folder for openings.epd and puzzles.csv")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with chess.engine.SimpleEngine.popen_uci(args.engine) as engine:
        openings = make_openings(engine, args.network, args.openings, args.seed)
        (args.out / "openings.epd").write_text("".join(f"{fen}\n" for fen in openings))
        puzzles = make_puzzles(engine, args.network, args.puzzles, args.seed)
    with (args.out / "puzzles.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["PuzzleId", "FEN", "Moves", "Rating", "Themes"])
        for number, (fen, moves) in enumerate(puzzles):
            length = "oneMove" if len(moves) == 2 else "long"
            writer.writerow([f"own{number:04d}", fen, " ".join(move.uci() for move in moves), 0, length])
    print(f"{len(openings)} openings and {len(puzzles)} puzzles in {args.out}")


if __name__ == "__main__":
    main()
