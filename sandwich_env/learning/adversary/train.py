"""Training B: victims play and follow it, its moves are judged, a detector learns to tell them, B learns against both.

A folder holds every stage as a file, whole or not there, so that a run that was stopped goes on where it was:

    config.json                      what was asked for
    round_1/positions_000.safetensors  judged positions, a few games each
    round_1/stage_0.safetensors      B, its optimizer and the detector after each fifth of B's steps
    round_1/b.safetensors            B after the round
    b.safetensors, b.json            B, and its card
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.files import write_atomically
from sandwich_env.learning.adversary.batches import Batches
from sandwich_env.learning.adversary.config import AdversaryConfig
from sandwich_env.learning.adversary.fitting import NetworkFit
from sandwich_env.learning.adversary.objective import Weights, adversary_loss, detector_loss
from sandwich_env.learning.adversary.play import reach
from sandwich_env.learning.adversary.tables import MoveTable, join, judge, load_table, save_table
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.weights import load_into, load_network, load_tensors, save_network, save_tensors

Report = Callable[[str, int, int], None]
"""Told the name of a stage, how much of it is done, and how much there is."""

STAGES = 5
"""Into so many parts B's steps of a round are cut; before each the detector learns again."""
_GAMES = 20
"""Games whose positions make one file."""


def train(config: AdversaryConfig, report: Report = lambda name, done, total: None) -> Path:
    """Train B, or go on with it.

    Returns:
        The weights of B.

    Raises:
        SpecError: the folder holds a run of another config.
        WeightsError: weights that are not there, or of another architecture.
    """
    _claim(config)
    expert = load_network(config.expert)
    for name in config.victims:  # a victim is looked at by its own eyes, but B and the detector must fit E's
        load_network(name)
    latest: str | Path = config.expert
    for number in range(1, config.rounds + 1):
        latest = _round(config, number, latest, report)
    network = load_network(latest)
    if network.shape != expert.shape:
        raise SpecError(f"B has the architecture {network.shape!r}, but E has {expert.shape!r}")
    target = config.out / "b.safetensors"
    save_network(network, target, {"kind": "adversary", "config": json.loads(_plain(config))})
    return target


def positions(config: AdversaryConfig, number: int, adversary: str | Path, report: Report) -> MoveTable:
    """The judged positions of a round, made where they are not there yet."""
    folder = config.out / f"round_{number}"
    league = config.league(number)
    expert, told = NetworkExpert(config.expert, config.device), NetworkExpert(adversary, config.device)
    victims = [NetworkExpert(name, config.device) for name in config.victims]
    starts = range(0, config.games, _GAMES)
    tables = []
    for k, start in enumerate(starts):
        report(f"round {number}: games", start, config.games)
        path = folder / f"positions_{k:03}.safetensors"
        if not path.is_file():
            games = np.arange(start, min(start + _GAMES, config.games)) + (number - 1) * config.games
            fens, origin = reach(
                victims[k % len(league)],
                told,
                games,
                per_game=config.positions_per_game,
                follows=config.follows,
                seed=config.seed,
            )
            save_table(judge(fens, origin, expert, victims), path)
        tables.append(load_table(path))
    report(f"round {number}: games", config.games, config.games)
    return join(tables)


def split(config: AdversaryConfig, table: MoveTable) -> tuple[MoveTable, MoveTable]:
    """The positions to learn from, and those held out; whole games are held out.

    Raises:
        DataError: nothing is left to learn from.
    """
    draws = np.random.default_rng((config.seed, 3)).random(int(table.game.max()) + 1)
    held = draws[table.game] < config.held_out
    if held.all():
        raise DataError(
            f"held_out={config.held_out!r} leaves no game to learn from: play more games, or hold fewer out"
        )
    return table.select(np.flatnonzero(~held)), table.select(np.flatnonzero(held))


def _round(config: AdversaryConfig, number: int, start: str | Path, report: Report) -> Path:
    folder = config.out / f"round_{number}"
    target = folder / "b.safetensors"
    if target.is_file():
        return target
    here = positions(config, number, start, report)
    before = [positions(config, earlier, start, report) for earlier in range(1, number)]  # their files lie there
    table = split(config, join([*before, here]))[0]
    league = len(config.league(number))
    network, detector = load_network(start), load_network(config.victims[0])
    weights = Weights(config.weight, config.detector_weight, config.entropy)
    fit_adversary(
        network,
        detector,
        table,
        config,
        weights,
        league=league,
        folder=folder,
        report=lambda done: report(f"round {number}: steps", done, config.steps),
    )
    save_network(network, target)
    return target


def fit_adversary(
    network: PolicyValueNetwork,
    detector: PolicyValueNetwork,
    table: MoveTable,
    config: AdversaryConfig,
    weights: Weights,
    *,
    league: int,
    folder: Path,
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Train B and the detector against each other, in place; stages that lie in the folder are not done again."""
    seen = Batches(table, {"loss": table.loss, "seen": table.seen(league)}, config.seed)

    def loss(net: PolicyValueNetwork, step: int) -> Tensor:
        return adversary_loss(net, detector, seen, seen.draw(step, config.batch_size), weights)

    fit = NetworkFit(network, loss, config.steps, config.learning_rate)
    for stage in range(STAGES):
        report(fit.step)
        path = folder / f"stage_{stage}.safetensors"
        if path.is_file():
            tensors, _ = load_tensors(path)
            own = {k.removeprefix("detector."): t for k, t in tensors.items() if k.startswith("detector.")}
            load_into(detector, own, str(path))
            fit.load_state({k: t for k, t in tensors.items() if not k.startswith("detector.")})
            continue
        fit_detector(detector, table, logits_of(network, seen), config, stage)
        fit.run(until=round(config.steps * (stage + 1) / STAGES))
        kept = fit.state() | {f"detector.{name}": tensor for name, tensor in detector.state_dict().items()}
        save_tensors(kept, path, {})
    report(fit.step)
    network.eval()


def fit_detector(
    detector: PolicyValueNetwork,
    table: MoveTable,
    theirs: NDArray[np.float32],
    config: AdversaryConfig,
    stage: int,
) -> None:
    """Teach the detector, in place, to tell moves drawn from the logits `theirs` [M] from E's."""
    pairs = Batches(table, {"theirs": theirs, "honest": table.expert_logits}, config.seed + 1)

    def loss(net: PolicyValueNetwork, step: int) -> Tensor:
        step += stage * config.detector_steps
        return detector_loss(net, pairs, pairs.draw(step, config.batch_size), (config.seed, step))

    NetworkFit(detector, loss, config.detector_steps, config.learning_rate).run(config.detector_steps)


@torch.no_grad()
def logits_of(network: PolicyValueNetwork, batches: Batches, chunk: int = 256) -> NDArray[np.float32]:
    """A network's logits of all moves of a table, float32 [M]."""
    network.eval()
    pieces = []
    for start in range(0, len(batches), chunk):
        batch = batches.batch(np.arange(start, min(start + chunk, len(batches))))
        pieces.append(network(batch.planes)[0].gather(1, batch.actions)[batch.legal].numpy())
    return np.concatenate(pieces)


def _plain(config: AdversaryConfig) -> str:
    plain: dict[str, Any] = asdict(config) | {"out": str(config.out)}
    return json.dumps(plain, indent=2, sort_keys=True) + "\n"


def _claim(config: AdversaryConfig) -> None:
    """Write the config down, or make sure that it is the one that the folder was begun with."""
    path = config.out / "config.json"
    asked = json.loads(_plain(config))
    if not path.is_file():
        write_atomically(path, _plain(config).encode())
        return
    begun = json.loads(path.read_text())
    for key in asked:
        if key not in ("out", "device") and begun.get(key) != asked[key]:
            raise SpecError(
                f"{str(config.out)!r} was begun with {key}={begun.get(key)!r}, not {asked[key]!r}: "
                "give the same, or another folder"
            )
