"""`sandwich pretrain`: a network from human games, engine-labelled positions and puzzles."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sandwich_env.errors import DataError, SpecError, WeightsError
from sandwich_env.evaluation.puzzles import solve_puzzles
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.learning.examples import Examples
from sandwich_env.learning.sources import encode, from_games, from_labels, from_puzzles, is_held_out
from sandwich_env.learning.supervised import Fit, FitConfig, score
from sandwich_env.nets.residual import PolicyValueNetwork, new_network, parameter_count
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import load_network, load_tensors, save_network, save_tensors
from sandwich_env.reading.puzzles import read_puzzles


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """How a network is made from data."""

    out: Path
    """Where the weights go (.safetensors); the card and the checkpoint go beside them."""
    pgn: tuple[Path, ...] = ()
    """Recorded games (.pgn, .pgn.gz, .pgn.zst): the moves that were played, and the results."""
    labels: tuple[Path, ...] = ()
    """Engine-labelled positions (Parquet, from `sandwich label`)."""
    puzzles: Path | None = None
    """Puzzles in Lichess's CSV form. One in twenty is held out, and scores the network."""
    games: int | None = None
    """Recorded games to learn from at the most."""
    positions_per_game: int = 8
    """Positions drawn from each recorded game at the most."""
    min_rating: int | None = None
    """Leave out recorded games with a player rated below this."""
    max_rating: int | None = None
    """Leave out recorded games with a player rated above this."""
    shares: tuple[float, float, float] = (1.0, 1.0, 0.5)
    """Relative shares of recorded games, labels and puzzles in each batch, of those that are given."""
    steps: int = 2000
    """Gradient steps."""
    batch_size: int = 256
    """Examples a step."""
    learning_rate: float = 2e-3
    """The highest learning rate."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    blocks: int = 5
    """Residual blocks."""
    channels: int = 48
    """Channels of the residual tower."""
    init: Path | None = None
    """Start from these weights instead of random ones."""
    held_out: float = 0.01
    """Share of recorded games and of labels that is kept for scoring."""
    seed: int = 0
    """Of the first weights, of the positions drawn, and of their order."""
    checkpoint_every: int = 500
    """Steps between checkpoints. A run that was stopped goes on from its last one when it is started again."""
    threads: int | None = None
    """CPU threads; torch's own choice without it."""

    def __post_init__(self) -> None:
        if not (self.pgn or self.labels or self.puzzles):
            raise SpecError("there is nothing to learn from: give pgn, labels or puzzles")
        if not 0.0 < self.held_out < 1.0:
            raise SpecError(f"held_out is {self.held_out!r}: it must be a share between 0 and 1")
        if self.checkpoint_every < 1 or self.positions_per_game < 1:
            raise SpecError("checkpoint_every and positions_per_game must be 1 or more")
        if self.out.suffix != ".safetensors":
            raise SpecError(f"out is {str(self.out)!r}: weights are written as .safetensors")


def pretrain(config: PretrainConfig) -> dict[str, Any]:
    """Make a network from data; returns its card, which is also written beside the weights.

    Raises:
        DataError: a source is missing, empty, or not what it should be.
        WeightsError: the checkpoint beside `out` is of another config.
    """
    console = Console()
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    started = time.monotonic()
    train, held_out, groups, counts = _gather(config, console)
    network = _start(config)
    fit = Fit(network, train, _fit_config(config), groups, config.shares)
    earlier = _resume(fit, config, console)
    _train(fit, config, console, started - earlier)
    scores = _score(network, config, held_out, console)
    card = {
        "name": config.out.stem,
        "architecture": network.shape.to_dict(),
        "parameters": parameter_count(network),
        "data": counts,
        "steps": config.steps,
        "samples_seen": config.steps * config.batch_size,
        "seed": config.seed,
        "config": _plain_config(config),
        "seconds": round(time.monotonic() - started + earlier),
        "scores": scores,
    }
    save_network(network, config.out, card)
    _checkpoint_path(config).unlink(missing_ok=True)
    console.print(card["scores"])
    return card


def _fit_config(config: PretrainConfig) -> FitConfig:
    return FitConfig(
        steps=config.steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        seed=config.seed,
    )


def _start(config: PretrainConfig) -> PolicyValueNetwork:
    shape = NetworkShape(blocks=config.blocks, channels=config.channels)
    if config.init is None:
        return new_network(shape, config.seed)
    network = load_network(config.init)
    if network.shape != shape:
        raise WeightsError(f"{str(config.init)!r} has the shape {network.shape}, where {shape} is asked for")
    return network


def _gather(
    config: PretrainConfig, console: Console
) -> tuple[Examples, dict[str, Examples], np.ndarray[Any, np.dtype[np.int64]], dict[str, Any]]:
    """Encode every source; keep the last of each for scoring. A puzzle is held out by its id instead."""
    rng = np.random.default_rng((config.seed, 2))
    sources = []
    if config.pgn:
        positions = from_games(
            config.pgn,
            games=config.games,
            positions_per_game=config.positions_per_game,
            rng=rng,
            min_rating=config.min_rating,
            max_rating=config.max_rating,
        )
        sources.append((0, "recorded games", config.pgn, positions))
    if config.labels:
        sources.append((1, "engine labels", config.labels, from_labels(config.labels)))
    if config.puzzles is not None:
        sources.append((2, "puzzles", (config.puzzles,), from_puzzles(config.puzzles)))
    train, groups, held_out, counts = [], [], {}, {}
    for group, name, paths, positions in sources:
        with console.status(f"reading {name}") as status:
            examples = encode(positions, lambda done, n=name, s=status: s.update(f"reading {n}: {done:,} positions"))  # type: ignore[misc]
        kept = 0 if group == 2 else max(1, round(len(examples) * config.held_out))
        if kept >= len(examples):
            raise DataError(f"the {name} hold {len(examples)} positions: too few to learn from and to score by")
        rows = np.arange(len(examples))
        train.append(examples.select(rows[: len(rows) - kept]))
        if kept:
            held_out[name] = examples.select(rows[len(rows) - kept :])
        groups.append(np.full(len(examples) - kept, group))
        counts[name] = {"files": [path.name for path in paths], "positions": len(examples) - kept, "held_out": kept}
        console.print(f"{name}: {len(examples) - kept:,} positions to learn, {kept:,} to score by")
    return Examples.join(train), held_out, np.concatenate(groups), counts


def _checkpoint_path(config: PretrainConfig) -> Path:
    return config.out.with_suffix(".checkpoint.safetensors")


def _plain_config(config: PretrainConfig) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, tuple):
            plain[field.name] = [item.name if isinstance(item, Path) else item for item in value]
        else:
            plain[field.name] = value.name if isinstance(value, Path) else value
    return plain


def _identity(config: PretrainConfig) -> str:
    """What must be the same for a checkpoint to be gone on from."""
    free = {"checkpoint_every", "threads", "out"}
    return repr({name: value for name, value in _plain_config(config).items() if name not in free})


def _resume(fit: Fit, config: PretrainConfig, console: Console) -> float:
    """Go on from the checkpoint, if there is one; the seconds that were spent before it."""
    path = _checkpoint_path(config)
    if not path.is_file():
        return 0.0
    state, metadata = load_tensors(path)
    if metadata.get("identity") != _identity(config):
        raise WeightsError(f"the checkpoint {str(path)!r} is of another config: remove it, or give another out")
    fit.load_state(state)
    console.print(f"going on from step {fit.step:,}")
    return float(metadata["seconds"])


def _train(fit: Fit, config: PretrainConfig, console: Console, started: float) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    smooth: list[float] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=config.steps, completed=fit.step)

        def on_step(step: int, loss: float) -> None:
            smooth.append(loss)
            del smooth[:-100]
            progress.update(task, completed=step, description=f"training, loss {np.mean(smooth):.3f}")
            if step % config.checkpoint_every == 0 and step < config.steps:
                metadata = {"identity": _identity(config), "seconds": str(time.monotonic() - started)}
                save_tensors(fit.state(), _checkpoint_path(config), metadata)
                if not console.is_terminal:
                    console.print(f"step {step:,} of {config.steps:,}, loss {np.mean(smooth):.3f}")

        fit.run(on_step=on_step)


PUZZLE_BANDS = ((400, 1400), (1400, 2000), (2000, 2800))
"""Ratings, from and below, by which held-out puzzles are scored."""


def _score(
    network: PolicyValueNetwork, config: PretrainConfig, held_out: dict[str, Examples], console: Console
) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    with console.status("scoring"):
        for name, examples in held_out.items():
            found = score(network, examples)
            scores[name] = {key: round(value, 4) for key, value in dataclasses.asdict(found).items()}
        if config.puzzles is not None:
            expert = NetworkExpert.of(network, config.out)
            puzzles = [puzzle for puzzle in read_puzzles(config.puzzles) if is_held_out(puzzle)]
            for low, high in PUZZLE_BANDS:
                some = [puzzle for puzzle in puzzles if low <= puzzle.rating < high]
                if some:
                    solved = solve_puzzles(expert, some).accuracy
                    scores[f"puzzles {low}-{high - 1}"] = {
                        "puzzles": len(some),
                        "solved": round(solved.value, 4),
                        "interval": [round(solved.interval.low, 4), round(solved.interval.high, 4)],
                    }
    return scores
