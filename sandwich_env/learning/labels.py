"""`sandwich label`: positions from recorded games, with an engine's move and the result that it expects.

The positions of a block of games make one shard, a Parquet file. Which positions these are depends on the config
alone, and a shard is either whole or not there, so that a run which was killed goes on after its last shard.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import chess
import numpy as np

from sandwich_env.errors import DataError, MissingExtraError, SpecError
from sandwich_env.experts.uci import UciExpert
from sandwich_env.files import replacing
from sandwich_env.randomness import Streams, mix
from sandwich_env.reading.games_io import RecordedGame, open_games
from sandwich_env.specs import check_count, check_scale, check_share

CONFIG, CARD = "_config.json", "_labels.json"
"""Beside the shards; readers of a folder of Parquet files pass over a name with an underscore."""

CHUNK = 256
"""Positions that the engines are given at once."""


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """How positions are drawn from games, and how an engine labels them."""

    pgn: tuple[Path, ...]
    """Recorded games (.pgn, .pgn.gz, .pgn.zst), read one file after the other."""
    out: Path
    """The folder for the labels. A run that was stopped goes on when it is started again with the same config."""
    games: int | None = None
    """Games to draw from at the most; all of them without it."""
    min_rating: int | None = None
    """Leave out games with a player rated below this."""
    max_rating: int | None = None
    """Leave out games with a player rated above this."""
    positions_per_game: int = 8
    """Different positions drawn from each game at the most."""
    random_move_share: float = 0.3
    """Share of the positions that are labelled after one random legal move, to show how blunders are punished."""
    engine: Path | None = None
    """The UCI engine; Stockfish without it."""
    nodes: int = 1000
    """Positions that the engine may look at for each label."""
    time: float = 10.0
    """Seconds that it may take; a cap that should never be reached."""
    pool: int = os.cpu_count() or 1
    """How many engines work at the same time. The labels do not depend on it."""
    games_per_shard: int = 500
    """Games whose positions make one file."""
    seed: int = 0
    """Of the positions drawn and of the random moves."""

    def __post_init__(self) -> None:
        if not self.pgn:
            raise SpecError("pgn is empty: give at least one file of recorded games")
        for name in ("positions_per_game", "nodes", "pool", "games_per_shard"):
            check_count(name, getattr(self, name))
        if self.games is not None:
            check_count("games", self.games)
        check_count("seed", self.seed, least=0)
        check_scale("time", self.time)
        check_share("random_move_share", self.random_move_share)


def label(config: LabelConfig) -> None:
    """Label positions, shard by shard, into `config.out`, and write a card (_labels.json) beside them.

    Raises:
        DataError: a file of games is missing, truncated or not PGN. What was read before is labelled first.
        SpecError: the folder holds the labels of another config.
        EngineError: the engine is not there, or failed a position three times.
        OSError: the disk is full; the shards that were written stay, and the run can go on.
        MissingExtraError: pyarrow or rich is not installed.
    """
    try:
        import pyarrow  # noqa: F401 - a missing library is told before hours of work
        from rich.console import Console
        from rich.progress import Progress, TextColumn, TimeElapsedColumn
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "pyarrow", "train") from error

    for file in config.pgn:
        if not file.is_file():
            raise DataError(f"there is no file {str(file)!r}")
    _claim(config)
    counts: Counter[str] = Counter()
    engines: set[str] = set()
    positions = 0
    console = Console()
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} positions"), TimeElapsedColumn())
    with (
        UciExpert(config.engine, nodes=config.nodes, time=config.time, pool=config.pool, multipv=1) as expert,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("labelling", total=None)
        for shard, fens in enumerate(_blocks(config, counts)):
            path = config.out / f"labels-{shard:05d}.parquet"
            if not path.is_file():
                rows = []
                for start in range(0, len(fens), CHUNK):
                    rows += _labelled(expert, fens[start : start + CHUNK])
                    progress.update(task, completed=positions + len(rows), description=f"labelling shard {shard}")
                _write_shard(path, rows, {"engine": expert.engine_name, "nodes": str(config.nodes)})
            positions += len(fens)
            progress.update(task, completed=positions)
            engines.add(_engine_of(path))
            if not console.is_terminal:
                console.print(f"shard {shard}: {positions:,} positions from {counts['read']:,} games")
        _write_json(
            config.out / CARD,
            {
                "config": _plain(config),
                "positions": positions,
                "games": dict(counts),
                "engines": sorted(engines),
                "restarts": expert.restarts,
                "cut_short": expert.cut_short,
            },
        )
    console.print(f"{positions:,} labels in {str(config.out)!r}")


def _write_shard(path: Path, rows: list[tuple[str, str, float]], about: dict[str, str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("fen", pa.string()), ("move", pa.string()), ("value", pa.float32())], metadata=about)
    columns = [pa.array([row[column] for row in rows], kind) for column, kind in enumerate(schema.types)]
    with replacing(path) as partial:
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), partial, compression="zstd")


def _engine_of(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return str(pq.read_schema(path).metadata[b"engine"], "utf-8")
    except (pa.ArrowInvalid, KeyError, TypeError) as error:
        raise DataError(f"{str(path)!r} is no shard of labels: remove it, and it is made anew ({error})") from error


def _labelled(expert: UciExpert, fens: list[str]) -> list[tuple[str, str, float]]:
    found = expert.search([chess.Board(fen) for fen in fens])
    return [(fen, one.best.uci(), one.value()) for fen, one in zip(fens, found, strict=True)]


def _blocks(config: LabelConfig, counts: Counter[str]) -> Iterator[list[str]]:
    """The positions of each block of games; one that was drawn before is left out. A broken file ends in its error."""
    block: list[str] = []
    seen: set[bytes] = set()
    read = 0
    try:
        for game in _games(config, counts):
            for fen in draw_positions(game, config, read):
                key = blake2b(fen.rsplit(" ", 2)[0].encode(), digest_size=8).digest()
                if key not in seen:
                    seen.add(key)
                    block.append(fen)
            read += 1
            if read % config.games_per_shard == 0:
                yield block
                block = []
    except DataError:
        if block:
            yield block
        raise
    if block:
        yield block


def _games(config: LabelConfig, counts: Counter[str]) -> Iterator[RecordedGame]:
    left = config.games
    for path in config.pgn:
        for game in open_games(path, min_rating=config.min_rating, max_rating=config.max_rating, counts=counts):
            yield game
            if left is not None:
                left -= 1
                if left == 0:
                    return


def draw_positions(game: RecordedGame, config: LabelConfig, index: int) -> list[str]:
    """Positions of one game, some of them after a random legal move; the ends of games are left out.

    Args:
        game: the game.
        config: how many, and the seed.
        index: of the game among all, from which its random numbers come.

    Returns:
        FENs, in the order of the game.
    """
    (rng,) = Streams(mix(config.seed, index, "labels")).generators()
    count = min(config.positions_per_game, len(game.moves) + 1)
    picked = set(rng.choice(len(game.moves) + 1, size=count, replace=False).tolist())
    board = chess.Board(game.start_fen)
    fens = []
    for ply in range(len(game.moves) + 1):
        if ply in picked:
            position = _strayed(board, rng) if rng.random() < config.random_move_share else board
            if any(position.generate_legal_moves()):
                fens.append(position.fen())
        if ply < len(game.moves):
            board.push(game.moves[ply])
    return fens


def _strayed(board: chess.Board, rng: np.random.Generator) -> chess.Board:
    moves = list(board.legal_moves)
    strayed = board.copy(stack=False)
    if moves:
        strayed.push(moves[int(rng.integers(len(moves)))])
    return strayed


def _plain(config: LabelConfig) -> dict[str, Any]:
    """What the labels depend on. A file of games stands by its name and size, so that a folder may be moved."""
    free = ("out", "pool", "time", "engine")
    plain = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.name not in free}
    plain["pgn"] = [[path.name, path.stat().st_size] for path in config.pgn]
    return plain


def _claim(config: LabelConfig) -> None:
    """Write the config into the folder, or see that the one there is the same.

    Raises:
        SpecError: it is not.
    """
    path = config.out / CONFIG
    ours = json.loads(json.dumps(_plain(config)))
    if not any(config.out.glob("labels-*.parquet")):
        _write_json(path, ours)
        return
    if not path.is_file():
        raise SpecError(f"{str(config.out)!r} holds labels but no {CONFIG} to go on from: give another out")
    theirs = json.loads(path.read_text(encoding="utf-8"))
    differing = [
        f"{name}: {theirs.get(name)!r} there, {ours[name]!r} here" for name in ours if theirs.get(name) != ours[name]
    ]
    if differing:
        raise SpecError(
            f"{str(config.out)!r} holds labels of another config ({'; '.join(differing)}): give another out"
        )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
