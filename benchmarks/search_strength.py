"""What simulations are worth: Elo over the bare network, and puzzles solved.

    python benchmarks/search_strength.py --json strength.json

Each number of simulations plays the network asked without search (`--games`), and the number before it (`--ladder`),
since who wins every game against the network is not measured by it. Ratings are fitted to all matches together. Each of
the embedded openings is played twice, colours swapped. Neither side draws a random number: one simulation is the bare
network, and scores half.
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
from sandwich_env.evaluation.puzzles import solve_puzzles
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.search import SearchExpert
from sandwich_env.learning.sources import is_held_out
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.reading.puzzles import Puzzle, read_puzzles

BARE = "bare"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, nargs="+", default=[1, 16, 100, 400])
    parser.add_argument("--games", type=int, nargs="+", default=[20, 120, 100, 0], help="against the bare network")
    parser.add_argument("--ladder", type=int, nargs="+", default=[0, 0, 60, 40], help="games against the one before")
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
    for name in ("games", "ladder"):
        given = getattr(args, name)
        if len(given) != len(args.simulations) or any(games < 0 or games % 2 for games in given):
            parser.error(f"--{name} {given}: an even number for each of --simulations {args.simulations}; 0 plays none")
    if args.ladder[0]:
        parser.error(f"--ladder {args.ladder}: the first has none before it, write 0")
    return args


def search_of(network: NetworkExpert, simulations: int, args: argparse.Namespace) -> SearchExpert:
    return SearchExpert(network, simulations, args.batch, reuse=4096 if args.reuse else 0)


def play(
    network: NetworkExpert, simulations: int, other: int | None, games: int, args: argparse.Namespace
) -> MatchResult:
    """A match against a search with another number of simulations, or against the bare network."""
    openings = load_openings(limit=games // 2, rng=np.random.default_rng(args.seed))
    opponent = network if other is None else search_of(network, other, args)
    return play_match(
        ExpertPlayer(search_of(network, simulations, args)),
        ExpertPlayer(opponent),
        openings,
        seed=args.seed,
        names=(str(simulations), BARE if other is None else str(other)),
    )


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
    results: list[MatchResult] = []
    before: int | None = None
    for simulations, *games in zip(args.simulations, args.games, args.ladder, strict=True):
        row: dict[str, Any] = {"simulations": simulations, "matches": {}}
        for other, count in zip((None, before), games, strict=True):
            if count:
                began = time.perf_counter()
                result = play(network, simulations, other, count, args)
                results.append(result)
                row["matches"][result.second] = {name: getattr(result, name) for name in ("wins", "draws", "losses")}
                row["matches"][result.second]["seconds"] = time.perf_counter() - began
        if puzzles:
            row["puzzles"] = solve_puzzles(search_of(network, simulations, args), puzzles).accuracy.to_dict()
        rows.append(row)
        before = simulations
        print(json.dumps(row), flush=True)
    if results:
        elo = fit_elo(results, BARE, rng=np.random.default_rng(args.seed))
        for row in rows:
            if (name := str(row["simulations"])) in elo.names:
                row["elo"], row["interval"] = elo.rating(name), elo.interval(name).to_dict()
                row["one_sided"] = bool(elo.one_sided[elo.index(name)])
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    told = []
    for row in rows:
        scores = {name: f"+{m['wins']} ={m['draws']} -{m['losses']}" for name, m in row["matches"].items()}
        cells = [str(row["simulations"]), scores.pop(BARE, ""), "".join(scores.values()), "", ""]
        if "elo" in row:
            interval = f"{row['interval']['low']:.0f} to {row['interval']['high']:.0f}"
            cells[3] = f"{row['elo']:.0f} ({'won or lost all' if row['one_sided'] else interval})"
        if "puzzles" in row:
            solved = row["puzzles"]
            cells[4] = f"{solved['value']:.1%} of {solved['count']}"
        told.append(cells)
    print()
    header = ["simulations", "bare network", "the one before", "Elo over the bare network (95 %)", "puzzles solved"]
    print_rows(header, told)


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
