"""What simulations are worth: Elo over the bare network, and puzzles solved.

    python benchmarks/search_strength.py --simulations 1 16 100 400 --games 120 120 80 32 --json strength.json

Each number of simulations plays its match against the network asked without search, each of the embedded openings
twice with colours swapped. Neither side draws a random number: one simulation is the bare network, and scores half.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from harness import print_rows

from sandwich_env.evaluation.elo import fit_elo
from sandwich_env.evaluation.matches import MatchResult, play_match
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.evaluation.puzzles import Puzzle, read_puzzles, solve_puzzles
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.learning.sources import is_held_out
from sandwich_env.players.expert_player import ExpertPlayer

BARE = "bare"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, nargs="+", default=[1, 16, 100, 400])
    parser.add_argument("--games", type=int, nargs="+", default=[120, 120, 80, 32], help="for each; 0 plays no match")
    parser.add_argument("--batch", type=int, default=4, help="leaves of a game that are evaluated together")
    parser.add_argument("--reuse", action="store_true", help="keep the trees from move to move")
    parser.add_argument("--weights", default="expert", help="of the network")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--puzzles", default="default", help="a file as Lichess publishes it; none solves none")
    parser.add_argument("--puzzle-count", type=int, default=300, help="drawn from the file")
    parser.add_argument(
        "--held-out", action="store_true", help="only puzzles that the shipped networks never learnt from"
    )
    parser.add_argument("--ratings", type=int, nargs=2, help="the least and the greatest of the puzzles")
    parser.add_argument("--seed", type=int, default=0, help="draws openings and puzzles")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args()
    if len(args.games) != len(args.simulations) or any(games < 0 or games % 2 for games in args.games):
        parser.error(f"--games {args.games}: an even number for each of --simulations {args.simulations}")
    return args


def search_of(network: NetworkExpert, simulations: int, args: argparse.Namespace) -> SearchExpert:
    return SearchExpert(network, simulations, args.batch, reuse=4096 if args.reuse else 0)


def play(network: NetworkExpert, simulations: int, games: int, args: argparse.Namespace) -> MatchResult:
    """A match against the bare network."""
    openings = load_openings(limit=games // 2, rng=np.random.default_rng(args.seed))
    search = ExpertPlayer(search_of(network, simulations, args))
    return play_match(search, ExpertPlayer(network), openings, seed=args.seed, names=(str(simulations), BARE))


def draw_puzzles(args: argparse.Namespace) -> list[Puzzle]:
    """As many as asked for, drawn from those of the file."""
    if args.puzzles == "none":
        return []
    low, high = args.ratings or (None, None)
    puzzles = read_puzzles(args.puzzles, min_rating=low, max_rating=high)
    if args.held_out:
        puzzles = [puzzle for puzzle in puzzles if is_held_out(puzzle)]
    order = np.random.default_rng(args.seed).permutation(len(puzzles))
    return [puzzles[i] for i in order[: args.puzzle_count]]


def measure(args: argparse.Namespace) -> list[dict[str, Any]]:
    """One row of figures for each number of simulations; what is found is told as it comes."""
    network, puzzles = NetworkExpert(args.weights, args.device), draw_puzzles(args)
    rows: list[dict[str, Any]] = []
    results = []
    for simulations, games in zip(args.simulations, args.games, strict=True):
        row: dict[str, Any] = {"simulations": simulations, "games": games}
        began = time.perf_counter()
        if games:
            results.append(play(network, simulations, games, args))
            row |= {name: getattr(results[-1], name) for name in ("wins", "draws", "losses", "score")}
            row["match_seconds"] = time.perf_counter() - began
        if puzzles:
            row["puzzles"] = solve_puzzles(search_of(network, simulations, args), puzzles).accuracy.to_dict()
        rows.append(row)
        print(json.dumps(row), flush=True)
    if results:
        elo = fit_elo(results, BARE, rng=np.random.default_rng(args.seed))
        for row in rows:
            if row["games"]:
                name = str(row["simulations"])
                row["elo"], row["interval"] = elo.rating(name), elo.interval(name).to_dict()
                row["one_sided"] = bool(elo.one_sided[elo.index(name)])
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    told = []
    for row in rows:
        cells = [str(row["simulations"]), "", "", ""]
        if row["games"]:
            cells[1] = f"+{row['wins']} ={row['draws']} -{row['losses']}"
            cells[2] = f"{row['elo']:.0f} ({row['interval']['low']:.0f} to {row['interval']['high']:.0f})"
        if "puzzles" in row:
            solved = row["puzzles"]
            cells[3] = f"{solved['value']:.1%} of {solved['count']}"
        told.append(cells)
    print()
    print_rows(["simulations", "games", "Elo over the bare network (95 %)", "puzzles solved"], told)


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    rows = measure(args)
    show(rows)
    if args.json is not None:
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()}
        figures = {"machine": machine.describe(), "arguments": plain, "rows": rows}
        args.json.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
