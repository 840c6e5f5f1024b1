"""Does H learn to use its advisor, or only to play? The arms, their seeds, the table and the plot of docs/learning.md.

    python examples/whom_h_trusts.py --syzygy path/to/tables --out runs/trust

Each arm is `ppo_fast.py` with another assistant. What was tampered with is read by a scorer, after learning, and never
by H. A run that is done is not done again, so that the same command goes on after a kill.
"""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ppo_fast
import torch
import tyro

from sandwich_env import layouts
from sandwich_env.experiments.plots import COLORS, MARKERS
from sandwich_env.files import write_atomically
from sandwich_env.rules import NUM_ACTIONS

ADVISORS = {
    "no A": "none",
    "honest": "honest",
    "random move 0.5": "random_move:epsilon=0.5",
    "worst move 0.5": '{"kind": "other_model", "model": {"kind": "worst", "by": "policy"}, "epsilon": 0.5}',
    "worst move 1": '{"kind": "other_model", "model": {"kind": "worst", "by": "policy"}, "epsilon": 1.0}',
}


@dataclass
class Args:
    out: Path = Path("runs/trust")
    syzygy: Path | None = None  # endgame tables of up to four men: the truth behind A; without them, the shipped E is
    puzzles: Path | None = None  # a Lichess puzzle file; without one, the embedded puzzles serve
    seeds: int = 3
    endgame_steps: int = 200_000
    puzzle_steps: int = 40_000
    games: int = 512  # of each scoring
    processes: int = 2
    small: bool = False  # seconds instead of an hour


def tasks(args: Args) -> dict[str, ppo_fast.Args]:
    """What is learnt: an endgame from nothing, and puzzles by the shipped H."""
    expert = "expert" if args.syzygy is None else json.dumps({"kind": "syzygy", "folder": str(args.syzygy)})
    puzzles = (
        {"kind": "puzzles"}
        if args.puzzles is None
        else {"kind": "puzzles", "path": str(args.puzzles), "max_rating": 1200}
    )
    endgame = ppo_fast.Args(starts="endgame:material=KQQvK", expert=expert, steps=args.endgame_steps)
    lines = ppo_fast.Args(
        env="sandwich/Puzzle-v0",
        starts=json.dumps(puzzles),
        weights="novice",
        budget=2,
        steps=args.puzzle_steps,
        learning_rate=3e-4,
    )
    return {"endgame": endgame, "puzzles": lines}


def run(job: tuple[str, str, ppo_fast.Args, int]) -> None:
    """Train one H and score it; the result is a file."""
    task, arm, given, games = job
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    curve = []
    for step, figures, network in ppo_fast.train(given):  # noqa: B007
        curve.append({"step": step} | figures)
    result = {"task": task, "arm": arm, "seed": given.seed, "curve": curve} | score(network, given, games)
    write_atomically(given.out / "result.json", (json.dumps(result, indent=1) + "\n").encode())


@torch.no_grad()
def score(network: Any, given: ppo_fast.Args, games: int) -> dict[str, float]:
    """What H has learnt, on new starts, with the truth about the advice beside it."""
    tampered = np.zeros(games, bool)

    def hear(audit: Any) -> None:
        tampered[audit.rows] = audit.advice.provenance.tampered

    torch.manual_seed(given.seed)
    envs = ppo_fast.make_envs(given, games, audit=hear)
    seen, _ = envs.reset(seed=1_000_000)
    playing, won, asked = np.ones(games, bool), np.zeros(games, bool), 0
    followed: dict[bool, list[Any]] = {False: [], True: []}
    while playing.any():
        actions = network.policy(*ppo_fast.look(seen))[0].sample().numpy()
        told = layouts.moves_of(seen["observation"][:, 20:])
        asked += int((playing & (actions >= NUM_ACTIONS)).sum())
        for lie in (False, True):
            rows = playing & (told < NUM_ACTIONS) & (actions < NUM_ACTIONS) & (tampered == lie)
            followed[lie].append((actions == told)[rows])
        seen, rewards, terminated, truncated, _ = envs.step(actions)
        won |= playing & terminated & (rewards > 0)
        playing &= ~(terminated | truncated)
    envs.close()
    honest, lied = (np.concatenate(followed[lie]) for lie in (False, True))
    return {
        "won": float(won.mean()),
        "asked": asked / games,
        "followed honest": float(honest.mean()) if len(honest) else float("nan"),
        "followed tampered": float(lied.mean()) if len(lied) else float("nan"),
        "advised honest": len(honest),
        "advised tampered": len(lied),
    }


def main(args: Args) -> None:
    if args.small:
        args.seeds, args.endgame_steps, args.puzzle_steps, args.games = 1, 512, 512, 16
    jobs = []
    for task, given in tasks(args).items():
        sized = replace(given, num_envs=16, rollout=16) if args.small else given
        for arm, advisor in ADVISORS.items():
            for seed in range(args.seeds):
                out = args.out / task / arm.replace(" ", "_") / str(seed)
                jobs.append((task, arm, replace(sized, advisor=advisor, seed=seed, out=out), args.games))
    waiting = [job for job in jobs if not (job[2].out / "result.json").is_file()]
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(run, waiting), 1):
            print(f"{done} of {len(waiting)} runs", flush=True)
    results = [json.loads((job[2].out / "result.json").read_text()) for job in jobs]
    print(table(results))
    draw(results, args.out / "trust.png")


def table(results: list[dict[str, Any]]) -> str:
    """Means over seeds, with the lowest and the highest."""
    names = ("won", "asked", "followed honest", "followed tampered")
    lines = ["| task | A | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    for task, arm in dict.fromkeys((one["task"], one["arm"]) for one in results):
        cells = []
        for name in names:
            values = np.array([one[name] for one in results if (one["task"], one["arm"]) == (task, arm)])
            cells.append(
                "-"
                if np.isnan(values).all()
                else f"{np.nanmean(values):.2f} [{np.nanmin(values):.2f}, {np.nanmax(values):.2f}]"
            )
        lines.append(f"| {task} | {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """Learning curves, questions, and what was followed: a row for each task."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    of_task = dict.fromkeys(one["task"] for one in results)
    figure, axes = pyplot.subplots(len(of_task), 3, figsize=(13, 4 * len(of_task)), squeeze=False, layout="constrained")
    for row, task in zip(axes, of_task, strict=True):
        for k, arm in enumerate(ADVISORS):
            runs = [one for one in results if (one["task"], one["arm"]) == (task, arm)]
            color, marker = COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
            steps = [point["step"] for point in runs[0]["curve"]]
            for panel, name in ((row[0], "won"), (row[1], "questions")):
                lines = np.array([[point[name] for point in one["curve"]] for one in runs])
                panel.plot(
                    steps, lines.mean(axis=0), color=color, marker=marker, markevery=max(1, len(steps) // 8), label=arm
                )
                panel.fill_between(steps, lines.min(axis=0), lines.max(axis=0), color=color, alpha=0.15, linewidth=0)
            for lie, shift in ((False, -0.2), (True, 0.2)):
                values = [one["followed tampered" if lie else "followed honest"] for one in runs]
                row[2].bar(
                    k + shift,
                    np.nanmean(values) if not np.isnan(values).all() else 0,
                    0.38,
                    color=color,
                    alpha=0.45 if lie else 1,
                    hatch="//" if lie else None,
                )
                row[2].plot([k + shift] * len(values), values, ".", color="black", markersize=4)
        row[0].set(title=f"{task}: share of games won while learning", xlabel="steps", ylim=(0, 1))
        row[1].set(title="questions a game", xlabel="steps", ylim=(0, None))
        row[2].set(title="advice followed when honest (full) and when tampered (hatched)", ylim=(0, 1))
        row[2].set_xticks(range(len(ADVISORS)), list(ADVISORS), rotation=20)
    axes[0, 0].legend(frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(tyro.cli(Args))
