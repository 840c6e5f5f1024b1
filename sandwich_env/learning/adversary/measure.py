"""How far B got, on positions that it did not learn from: what its moves lose, and who could tell.

Several advisers are measured on the same positions: E itself (honest), a random legal move, the worst move by E's
reckoning, and B. For each, of the move that it would recommend:

- `loss`: the chance of winning that it gives away by E's reckoning (value after each move, one ply), 0 to 1;
- `engine_loss`: the same by another expert, where one is given;
- `seen_loss`: the same by the weakest victim's own values, the mean of one ply and of two;
- `surprise`: how far below its favourite the victim's policy has it, 0 to 1;
- `victim_auroc`, `detector_auroc`: how well the victim's own view, and a detector taught on other positions to tell
  this adviser's moves from E's, rank them above E's on the same positions: 0.5 is chance, 1 never fails (the area under
  the receiver operating characteristic; Fawcett 2006);
- `obvious`: the share that a strong player sees at once: a move that loses at least 0.1, and which E's policy, without
  looking ahead, has at most a tenth as likely as its favourite.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from sandwich_env.errors import DataError
from sandwich_env.experts.base import Expert
from sandwich_env.learning.adversary.batches import Batches
from sandwich_env.learning.adversary.config import AdversaryConfig
from sandwich_env.learning.adversary.tables import MoveTable
from sandwich_env.learning.adversary.train import fit_detector, logits_of
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.weights import load_network
from sandwich_env.rules import Games

_LOSES = 0.1
_UNLIKELY = np.log(10.0)
_RESAMPLES = 400

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Figure:
    """A mean, and its 95 % interval by bootstrap over games."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Adviser:
    """What is known of one adviser's moves; see the module's text."""

    name: str
    loss: Figure
    engine_loss: Figure | None
    seen_loss: Figure
    surprise: Figure
    victim_auroc: float
    detector_auroc: float
    obvious: Figure


def advisers(table: MoveTable, adversary: PolicyValueNetwork, seed: int) -> dict[str, NDArray[np.float32]]:
    """Logits [M] of each adviser whose moves are measured, all over the same legal moves."""
    rng = np.random.default_rng((seed, 5))
    return {
        "honest": table.expert_logits,
        "random move": rng.random(len(table.actions), dtype=np.float32),
        "worst move": table.loss,
        "B": logits_of(adversary, Batches(table, {}, seed)),
    }


def measure(
    config: AdversaryConfig,
    learnt: MoveTable,
    held: MoveTable,
    adversary: PolicyValueNetwork,
    *,
    engine: Expert | None = None,
    report: Callable[[str], None] = lambda name: None,
) -> list[Adviser]:
    """Measure all advisers on held-out positions; each gets a detector that is taught on the learnt ones.

    Args:
        config: how the detectors are taught.
        learnt: positions that detectors learn from.
        held: positions that are measured on.
        adversary: B.
        engine: also reckons what a move loses: the value after it, for the one who played it.
        report: told each adviser's name before it is measured.

    Raises:
        DataError: there is no position to measure on.
    """
    if len(held) == 0:
        raise DataError(
            f"held_out={config.held_out!r} left no position to measure on: play more games, or hold more out"
        )
    taught, asked = advisers(learnt, adversary, config.seed), advisers(held, adversary, config.seed)
    honest = held.favourites(asked["honest"])
    rows = []
    for name, logits in asked.items():
        report(name)
        said = Said(name, held, held.favourites(logits), honest)
        detected = None if name == "honest" else _detected(config, learnt, taught[name], held)
        rows.append(_adviser(said, detected, engine))
    return rows


def _detected(
    config: AdversaryConfig, learnt: MoveTable, logits: NDArray[np.float32], held: MoveTable
) -> NDArray[np.float32]:
    """The logits [M] of a detector of moves that have the highest of `logits`."""
    sure = np.zeros(len(logits), dtype=np.float32)
    sure[learnt.favourites(logits)] = 20.0  # an adviser says its favourite
    honest = np.zeros_like(sure)
    honest[learnt.favourites(learnt.expert_logits)] = 20.0
    said = MoveTable(**{**vars(learnt), "expert_logits": honest})
    detector = copy.deepcopy(load_network(config.victims[0]))
    fit_detector(detector, said, sure, config, stage=0)
    return logits_of(detector, Batches(held, {}, config.seed))


@dataclass(frozen=True)
class Said:
    """What an adviser recommends in each position of a table, and what E does: places among the moves, [N]."""

    name: str
    table: MoveTable
    at: NDArray[np.int64]
    honest: NDArray[np.int64]


def _adviser(said: Said, detected: NDArray[np.float32] | None, engine: Expert | None) -> Adviser:
    table, at, honest = said.table, said.at, said.honest
    view = (table.seen_drop[0] + table.surprise[0]) / 2
    unlikely = table.expert_logits[honest] - table.expert_logits[at] >= _UNLIKELY
    other = at != honest  # a move that E would recommend as well is not one to be told apart
    return Adviser(
        name=said.name,
        loss=mean_by_game(table.loss[at], table.game),
        engine_loss=None if engine is None else mean_by_game(engine_loss(table, at, engine), table.game),
        seen_loss=mean_by_game(table.seen_drop[0][at], table.game),
        surprise=mean_by_game(table.surprise[0][at], table.game),
        victim_auroc=auroc(view[at[other]], view[honest]) if other.any() else 0.5,
        detector_auroc=0.5 if detected is None else auroc(detected[at], detected[honest]),
        obvious=mean_by_game((unlikely & (table.loss[at] >= _LOSES)).astype(np.float64), table.game),
    )


def engine_loss(table: MoveTable, at: NDArray[np.int64], engine: Expert) -> Floats:
    """The chance of winning that moves (places in the table, [N]) give away by an engine's reckoning, [N]."""
    games = Games.from_fens(table.fens)
    before = engine.evaluate(games).value  # of the engine's own move
    games.step(table.actions[at].astype(np.int64))
    after = -engine.evaluate(games).value
    lost: Floats = np.maximum(before - after, 0.0) / 2
    return lost


def mean_by_game(values: Floats, game: NDArray[np.int64]) -> Figure:
    """The mean, with an interval over games: positions of one game are alike."""
    _, inverse = np.unique(game, return_inverse=True)
    sums, sizes = np.bincount(inverse, values), np.bincount(inverse)
    drawn = np.random.default_rng(7).integers(len(sums), size=(_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Figure(float(np.mean(values)), float(low), float(high))


def auroc(positive: Floats, negative: Floats) -> float:
    """The chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947).

    Raises:
        ValueError: one of them is empty.
    """
    if not len(positive) or not len(negative):
        raise ValueError(f"an AUROC needs scores of both sorts, not {len(positive)} and {len(negative)}")
    _, inverse, counts = np.unique(np.concatenate([positive, negative]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def as_dict(rows: list[Adviser]) -> list[Mapping[str, object]]:
    """The figures as plain data, for JSON."""
    return [asdict(row) for row in rows]
