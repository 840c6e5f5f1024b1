"""A sweep's table made by hand: numbers that a reader can work out, in the columns of a real one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

Row = dict[str, Any]


def row(**values: Any) -> Row:
    """A row of a cell of the map, after the last of two rounds, as far as nothing else is said."""
    shown: Row = {
        "study": "hand_made", "arm": None, "kind": "random_move", "dial_name": "epsilon", "dial": 0.5, "dial_index": 1,
        "held_out": False, "protocol": "every_turn", "interval": 1, "method": "imitate", "control": False,
        "unheeded": False, "novice": "novice", "seed": 0, "rounds": 2, "round": 2, "status": "done", "error": None,
        "advisor": '{"kind": "random_move", "epsilon": 0.5}', "method_spec": '"imitate"',
        "games_total": 200, "plies_total": 9000, "queries_total": 9000, "inquiries_total": 0,
        "expert_calls_total": 9100, "positions_total": 9000, "seconds_total": 12.5,
        "loss_pgr": None, "puzzles_pgr": None, "pgr": None, "elo_one_sided": False, "advice_loss": None,
        "followed_right": None, "followed_wrong": None, "trust_auroc": None,
    }  # fmt: skip
    shown |= values
    told = ("kind", "dial", "protocol", "method", "novice", "seed")
    name = hashlib.sha256(repr([shown[key] for key in told]).encode()).hexdigest()[:12]
    return shown | {"arm": shown["arm"] or name}


def arm(rounds: Sequence[float | None] = (0.0, 0.1, 0.2), **values: Any) -> list[Row]:
    """An arm's rows: the given numbers are PGR by each of the three measures, round by round."""
    measured = [dict.fromkeys(("loss_pgr", "puzzles_pgr", "pgr"), value) for value in rounds]
    return [
        row(round=at, rounds=len(rounds) - 1, **{**numbers, **values}) for at, numbers in enumerate(measured)
    ]  # fmt: skip


def big_map(
    *,
    kinds: Sequence[str] = ("random_move", "policy_noise", "value_noise", "worst_move", "trained_b"),
    dials: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    intervals: Sequence[int] = (1, 4),
    methods: Sequence[str] = ("imitate", "outcome", "gate", "trust", "robust", "values"),
    seeds: int = 3,
    rounds: int = 3,
    measures: bool = True,
) -> list[Row]:
    """A whole map that looks like one: imitation breaks at the half of a bad kind, the gate holds longer."""
    rng = np.random.default_rng(7)
    found = []
    for control in ("self_play", "search_only"):
        for seed in range(seeds):
            found += _grown(
                rng, 0.02, rounds, kind="none", dial_name=None, dial=0.0, dial_index=0, protocol="never", interval=0,
                method=control, control=True, seed=seed, advisor=None, queries_total=0,
            )  # fmt: skip
    for at, kind in enumerate(kinds):
        harm = 0.3 + 0.5 * at
        for index, dial in enumerate(dials):
            for interval in intervals:
                for place, method in enumerate(methods):
                    for seed in range(seeds):
                        end = (0.8 - harm * dial * (1.3 - 0.2 * place) * (2.0 if dial > 0.5 else 0.6)) / interval**0.5
                        more: Row = {"followed_right": None, "followed_wrong": None}
                        if measures:
                            more = {
                                "followed_right": min(1.0, 0.95 - 0.05 * place + 0.02 * rng.normal()),
                                "followed_wrong": float(np.clip(0.9 - 0.12 * place + 0.04 * rng.normal(), 0, 1)),
                                "advice_loss": 0.02 + 0.05 * dial * harm + 0.005 * abs(rng.normal()),
                            }
                            if method in ("trust", "gate"):
                                more["trust_auroc"] = min(0.99, 0.5 + 0.3 * dial + 0.05 * abs(rng.normal()))
                        found += _grown(
                            rng, end, rounds, kind=kind, dial=dial, dial_index=index, interval=interval,
                            protocol="every_turn" if interval == 1 else f"every_n_turns:n={interval}", method=method,
                            seed=seed, held_out=at == 4, advisor=json.dumps({"kind": kind, "epsilon": dial}),
                            arm=f"honest_{method}_{interval}_{seed}" if dial == 0 else None, **more,
                        )  # fmt: skip
    return found


def _grown(rng: np.random.Generator, end: float, rounds: int, **values: Any) -> list[Row]:
    found = []
    for at in range(rounds + 1):
        share = 1 - 0.5**at
        noise = (0.0 if at == 0 else 0.06) * rng.normal(size=3)
        pgr, puzzles, loss = end * share + noise
        told = {
            "round": at, "rounds": rounds, "pgr": pgr * 1.4, "puzzles_pgr": puzzles * 0.5, "loss_pgr": loss,
            "elo_one_sided": pgr < -0.7, "queries_total": at * values.get("queries_total", 3000),
            "seconds_total": 4.0 * at,
        }  # fmt: skip
        found.append(row(**values | told))
    return found


def write_sweep(folder: Path, rows: Sequence[Row], study: Row | None = None, arms: int | None = 4) -> Path:
    """A sweep's folder with these results; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(list(rows)), folder / "results.parquet")
    (folder / "study.json").write_text(json.dumps(study or {"name": "hand_made", "seeds": [0]}))
    about: Row = {
        "sandwich_env": "0.0", "python": "3.11", "libraries": {"numpy": "2"}, "machine": {},
        "weights": {"E": "ab" * 32},
    }  # fmt: skip
    if arms is not None:
        about["arms"] = arms
    (folder / "about.json").write_text(json.dumps(about))
    return folder
