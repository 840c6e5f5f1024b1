"""Does H learn to use its advisor, or only to play? The arms, their seeds, a table and a plot.

    python examples/whom_h_trusts.py --puzzles lichess_puzzles.csv.gz --out runs/trust

Each arm is `ppo_fast.py` with another assistant. What was tampered with is read by a scorer, after learning, and never
by H. A run that is done is not done again, so that the same command goes on after a kill. What came of it is in
docs/trust.md.
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
from sandwich_env.experiments.workers import begin_worker
from sandwich_env.files import write_atomically
from sandwich_env.rules import NUM_ACTIONS

ADVISORS: dict[str, Any] = {
    "no A": None,
    "honest": "honest",
    "random move 0.5": {"kind": "random_move", "epsilon": 0.5},
    "worst move 0.5": {"kind": "other_model", "model": {"kind": "worst", "by": "policy"}, "epsilon": 0.5},
    "worst move 1": {"kind": "other_model", "model": {"kind": "worst", "by": "policy"}, "epsilon": 1.0},
}


TITLES = {"endgame": "KQQvK: share won", "puzzles": "mates in one: share solved"}

COST = 0.02
"""Of a question, where a game won is worth 1 and a game lost -1."""


@dataclass
class Args:
    out: Path = Path("runs/trust")
    endgame_expert: str = "stockfish:nodes=200,multipv=all"  # or "syzygy:folder=tables", the exact truth, but slower
    puzzle_expert: str = "stockfish:nodes=1000"
    puzzles: Path | None = None  # a Lichess file, whose mates in one are taken; without it, the embedded puzzles
    seeds: int = 3
    endgame_steps: int = 30_720
    puzzle_steps: int = 20_480
    games: int = 512  # of each scoring
    processes: int = 2
    small: bool = False  # seconds instead of an hour


def tasks(args: Args) -> dict[str, tuple[ppo_fast.Args, str]]:
    """What is learnt, and the starts to score it on: an endgame from nothing, and mates in one by the shipped H."""
    mates: dict[str, Any] = {"kind": "puzzles"}
    if args.puzzles is not None:
        mates |= {"path": str(args.puzzles), "max_rating": 1500, "themes": "mateIn1"}
    endgame = ppo_fast.Args(
        starts="endgame:material=KQQvK", expert=args.endgame_expert, steps=args.endgame_steps, cost=COST
    )
    lines = ppo_fast.Args(
        env="sandwich/Puzzle-v0",
        starts=json.dumps(mates | {"part": "train"}),
        weights="novice",
        expert=args.puzzle_expert,
        budget=1,
        cost=COST,
        asking=4.0,
        learning_rate=3e-4,
        steps=args.puzzle_steps,
    )
    return {"endgame": (endgame, endgame.starts), "puzzles": (lines, json.dumps(mates | {"part": "held_out"}))}


def advisor_of(arm: str, task: str) -> str:
    """A of an arm, as the command line gives it."""
    spec = ADVISORS[arm]
    if spec is None or isinstance(spec, str):
        return spec or "none"
    if task == "puzzles" and "model" in spec:
        # Every move must be judged to find the worst, which the engine of a thousand nodes does not.
        spec = spec | {"model": spec["model"] | {"expert": "expert"}}
    return json.dumps(spec)


def run(job: tuple[str, str, ppo_fast.Args, str, int]) -> None:
    """Train one H and score it; the result is a file."""
    task, arm, given, new_starts, games = job
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    curve = []
    for step, figures, network in ppo_fast.train(given):  # noqa: B007
        curve.append({"step": step} | figures)
    result = {"task": task, "arm": arm, "seed": given.seed, "curve": curve}
    result |= score(network, replace(given, starts=new_starts), games)
    write_atomically(given.out / "result.json", (json.dumps(result, indent=1) + "\n").encode())


@torch.no_grad()
def score(network: Any, given: ppo_fast.Args, games: int) -> dict[str, float]:
    """What H has learnt, on games from the starts given, with the truth about the advice beside it."""
    tampered = np.zeros(games, bool)

    def hear(audit: Any) -> None:
        tampered[audit.rows] = audit.advice.provenance.tampered

    torch.manual_seed(given.seed)
    envs = ppo_fast.make_envs(given, games, audit=hear)
    seen, _ = envs.reset(seed=1_000_000)
    playing, won, asked, moved = np.ones(games, bool), np.zeros(games, bool), 0, 0
    advised: dict[bool, list[Any]] = {False: [], True: []}  # whether it was followed, and how likely it was anyway
    while playing.any():
        planes, legal = ppo_fast.look(seen)
        actions = network.policy(planes, legal)[0].sample().numpy()
        told, asks = layouts.moves_of(seen["observation"][:, 20:]), actions >= NUM_ACTIONS
        asked, moved = asked + int((playing & asks).sum()), moved + int((playing & ~asks).sum())
        unadvised = torch.cat([planes[:, :20], torch.zeros_like(planes[:, 20:])], dim=1)
        illegal = torch.from_numpy(seen["action_mask"][:, :NUM_ACTIONS] == 0)
        alone = network(unadvised)[0][:, :NUM_ACTIONS].masked_fill(illegal, -torch.inf).softmax(dim=1).numpy()
        for lie in (False, True):
            rows = np.flatnonzero(playing & (told < NUM_ACTIONS) & ~asks & (tampered == lie))
            advised[lie].append(np.stack([actions[rows] == told[rows], alone[rows, told[rows]]]))
        seen, rewards, terminated, truncated, _ = envs.step(actions)
        won |= playing & terminated & (rewards > 0)
        playing &= ~(terminated | truncated)
    envs.close()
    result = {"won": float(won.mean()), "questions": asked / games, "asks": asked / max(moved, 1)}
    for lie, name in ((False, "honest"), (True, "tampered")):
        followed, anyway = np.concatenate(advised[lie], axis=1)
        none = len(followed) == 0
        result |= {
            f"followed {name}": float("nan") if none else float(followed.mean()),
            f"anyway {name}": float("nan") if none else float(anyway.mean()),
            f"advised {name}": len(followed),
        }
    return result


def main(args: Args) -> None:
    if args.small:
        args.seeds, args.endgame_steps, args.puzzle_steps, args.games = 1, 512, 512, 16
    jobs = []
    for task, (given, new_starts) in tasks(args).items():
        sized = replace(given, num_envs=16, rollout=16) if args.small else given
        for arm in ADVISORS:
            for seed in range(args.seeds):
                out = args.out / task / arm.replace(" ", "_") / str(seed)
                learner = replace(sized, advisor=advisor_of(arm, task), seed=seed, out=out)
                jobs.append((task, arm, learner, new_starts, args.games))
    waiting = [job for job in jobs if not (job[2].out / "result.json").is_file()]
    with multiprocessing.get_context("spawn").Pool(args.processes, begin_worker) as pool:
        for done, _ in enumerate(pool.imap_unordered(run, waiting), 1):
            print(f"{done} of {len(waiting)} runs", flush=True)
    results = [json.loads((job[2].out / "result.json").read_text()) for job in jobs]
    print(table(results))
    draw(results, args.out / "trust.png")


def table(results: list[dict[str, Any]]) -> str:
    """Means over seeds, with the lowest and the highest."""
    names = ("won", "asks", "followed honest", "followed tampered", "anyway honest", "anyway tampered")
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
            for panel, name in ((row[0], "won"), (row[1], "asks")):
                lines = np.array([[point[name] for point in one["curve"]] for one in runs])
                panel.plot(
                    steps, lines.mean(axis=0), color=color, marker=marker, markevery=max(1, len(steps) // 8), label=arm
                )
                panel.fill_between(steps, lines.min(axis=0), lines.max(axis=0), color=color, alpha=0.15, linewidth=0)
            for name, shift in (("honest", -0.2), ("tampered", 0.2)):
                values, anyway = ([one[f"{of} {name}"] for one in runs] for of in ("followed", "anyway"))
                if np.isnan(values).all():
                    continue
                hatch, alpha = (None, 1.0) if name == "honest" else ("//", 0.45)
                row[2].bar(k + shift, np.nanmean(values), 0.38, color=color, alpha=alpha, hatch=hatch)
                row[2].plot([k + shift] * len(values), values, ".", color="black", markersize=4)
                row[2].plot(
                    [k + shift - 0.19, k + shift + 0.19], [np.nanmean(anyway)] * 2, color="black", linewidth=1.5
                )
        row[0].set(title=f"{TITLES[task]} while learning", xlabel="steps", ylim=(0, 1.02))
        row[1].set(title="questions for each move", xlabel="steps", ylim=(0, None))
        row[2].set(title="advice followed: honest (full), tampered (hatched)", ylim=(0, 1.02))
        row[2].title.set_fontsize(10)
        row[2].set_xticks(range(len(ADVISORS)), list(ADVISORS), rotation=20, ha="right")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(tyro.cli(Args))
