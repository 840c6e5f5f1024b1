"""`sandwich label`: which positions, what is written, and going on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import chess
import numpy as np
import pytest

from sandwich_env.errors import DataError, EngineError, SpecError
from sandwich_env.learning import labels
from sandwich_env.learning.labels import LabelConfig, draw_positions, label
from sandwich_env.reading.games_io import open_games

pq = pytest.importorskip("pyarrow.parquet")

FAKE = Path(__file__).parents[1] / "experts" / "fake_engine.py"
STOCKFISH = shutil.which("stockfish") or shutil.which("stockfish", path="/usr/games")
ROOT = Path(labels.__file__).parents[2]


def engine(folder: Path, *faults: object) -> Path:
    """The fake engine as a program without arguments."""
    path = folder / "-".join(["engine", *map(str, faults)])
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" {" ".join(map(str, faults))}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def random_game(seed: int, plies: int) -> tuple[str, str]:
    rng = np.random.default_rng(seed)
    board = chess.Board()
    while board.ply() < plies and not board.is_game_over():
        moves = sorted(board.legal_moves, key=chess.Move.uci)
        board.push(moves[rng.integers(len(moves))])
    return chess.Board().variation_san(board.move_stack), "1/2-1/2"


def pgn(folder: Path, games: int = 12, plies: int = 30) -> Path:
    path = folder / "games.pgn"
    texts = (random_game(seed, plies) for seed in range(games))
    path.write_text("".join(f'[Event "random"]\n[Result "{end}"]\n\n{moves} {end}\n\n' for moves, end in texts))
    return path


def config(tmp_path: Path, **changes: object) -> LabelConfig:
    settings = {
        "pgn": (pgn(tmp_path),),
        "out": tmp_path / "labels",
        "engine": engine(tmp_path),
        "nodes": 10,
        "time": 5.0,
        "pool": 1,
        "games_per_shard": 5,
        "positions_per_game": 4,
    }
    return LabelConfig(**(settings | changes))  # type: ignore[arg-type]


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted(folder.glob("labels-*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_writes_fen_move_and_value_of_the_engine(tmp_path: Path) -> None:
    asked = config(tmp_path)
    label(asked)
    assert [path.name for path in sorted(asked.out.glob("*.parquet"))] == [f"labels-{i:05d}.parquet" for i in range(3)]
    schema = pq.read_schema(asked.out / "labels-00000.parquet")
    assert [(field.name, str(field.type)) for field in schema] == [
        ("fen", "string"), ("move", "string"), ("value", "float"),
    ]  # fmt: skip
    assert schema.metadata == {b"engine": b"fake", b"nodes": b"10"}
    written = rows(asked.out)
    assert 40 <= len(written) <= 48
    sys.path.insert(0, str(FAKE.parent))
    try:
        from fake_engine import likings
    finally:
        sys.path.pop(0)
    for row in written:
        board = chess.Board(str(row["fen"]))
        centipawns, best = likings(board)[0]
        assert row["move"] == best
        assert row["value"] == pytest.approx(2 / (1 + np.exp(-0.00368208 * centipawns)) - 1, abs=1e-6)


def test_the_card_tells_what_was_done(tmp_path: Path) -> None:
    asked = config(tmp_path)
    label(asked)
    card = json.loads((asked.out / "_labels.json").read_text())
    assert card["positions"] == len(rows(asked.out))
    assert card["games"] == {"read": 12}
    assert card["engines"] == ["fake"]
    assert card["restarts"] == card["cut_short"] == 0
    assert card["config"]["nodes"] == 10
    assert str(tmp_path) not in json.dumps(card)
    assert len(pq.read_table(asked.out)) == card["positions"]  # the folder is a data set


def test_labels_do_not_depend_on_the_number_of_engines(tmp_path: Path) -> None:
    one, two = config(tmp_path), config(tmp_path, out=tmp_path / "other", pool=2)
    label(one)
    label(two)
    assert rows(one.out) == rows(two.out)


def test_no_position_twice(tmp_path: Path) -> None:
    path = pgn(tmp_path, games=2)
    path.write_text(path.read_text() * 2)
    asked = config(tmp_path, pgn=(path,), random_move_share=0.0, positions_per_game=100)
    label(asked)
    positions = [str(row["fen"]).rsplit(" ", 2)[0] for row in rows(asked.out)]
    assert len(positions) == len(set(positions)) > 45


def test_positions_are_of_the_game_or_one_random_move_from_it(tmp_path: Path) -> None:
    (game,) = open_games(pgn(tmp_path, games=1, plies=60))
    board = chess.Board()
    of_game, near = {board.fen()}, set()
    for move in [*game.moves, None]:
        for other in board.legal_moves:
            board.push(other)
            near.add(board.fen())
            board.pop()
        if move is not None:
            board.push(move)
            of_game.add(board.fen())
    asked = config(tmp_path, positions_per_game=6)
    drawn = [draw_positions(game, asked, index) for index in range(200)]
    assert all(len(fens) == 6 for fens in drawn)
    fens = [fen for some in drawn for fen in some]
    assert set(fens) <= of_game | near
    strayed = sum(fen not in of_game for fen in fens)
    assert 0.2 < strayed / len(fens) < 0.35  # 0.3, less the random moves that were the game's own
    assert drawn[3] == draw_positions(game, asked, 3)
    assert len({tuple(some) for some in drawn}) > 190
    plain = config(tmp_path, positions_per_game=6, random_move_share=0.0)
    assert set(draw_positions(game, plain, 0)) <= of_game
    early = [int(fen.split()[-1]) for fen in fens]
    assert min(early) <= 2
    assert max(early) >= 29


def test_the_end_of_a_game_is_not_labelled(tmp_path: Path) -> None:
    path = tmp_path / "mate.pgn"
    path.write_text('[Result "0-1"]\n\n1. f3 e5 2. g4 Qh4# 0-1\n')
    asked = config(tmp_path, pgn=(path,), positions_per_game=50, random_move_share=0.0)
    (game,) = open_games(path)
    assert len(draw_positions(game, asked, 0)) == 4
    label(asked)
    assert len(rows(asked.out)) == 4


def test_a_run_with_all_shards_done_asks_nothing_again(tmp_path: Path) -> None:
    asked = config(tmp_path)
    label(asked)
    before = {path.name: path.stat().st_mtime_ns for path in asked.out.glob("*.parquet")}
    card = (asked.out / "_labels.json").read_text()
    label(config(tmp_path, engine=engine(tmp_path, "dies")))
    assert {path.name: path.stat().st_mtime_ns for path in asked.out.glob("*.parquet")} == before
    assert (asked.out / "_labels.json").read_text() == card


def test_a_killed_run_goes_on_and_ends_with_the_same_labels(tmp_path: Path) -> None:
    games, fake = pgn(tmp_path, games=40), engine(tmp_path)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    label(config(tmp_path, pgn=(games,), engine=fake, out=whole))
    program = (
        "from pathlib import Path\n"
        "from sandwich_env.learning.labels import LabelConfig, label\n"
        f"label(LabelConfig(pgn=(Path({str(games)!r}),), out=Path({str(killed)!r}), engine=Path({str(fake)!r}),\n"
        "    nodes=10, time=5.0, pool=1, games_per_shard=5, positions_per_game=4))\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (killed / "labels-00001.parquet").exists() and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    done = sorted(killed.glob("labels-*.parquet"))
    assert 2 <= len(done) < 8
    kept = {path.name: path.stat().st_mtime_ns for path in done}
    label(config(tmp_path, pgn=(games,), engine=fake, out=killed))
    assert rows(killed) == rows(whole)
    assert all((killed / name).stat().st_mtime_ns == when for name, when in kept.items())
    assert (killed / "_labels.json").read_text() == (whole / "_labels.json").read_text()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nodes": 11}, "nodes: 10 there, 11 here"),
        ({"seed": 1}, "seed: 0 there, 1 here"),
        ({"random_move_share": 0.5}, "random_move_share: 0.3 there, 0.5 here"),
    ],
)
def test_a_folder_of_another_config_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    label(config(tmp_path))
    with pytest.raises(SpecError, match=f"holds labels of another config.*{told}"):
        label(config(tmp_path, **changes))


def test_what_failed_before_the_first_shard_does_not_bind(tmp_path: Path) -> None:
    missing = config(tmp_path, pgn=(tmp_path / "nothing.pgn",))
    with pytest.raises(DataError, match=r"there is no file '.*nothing\.pgn'"):
        label(missing)
    assert not missing.out.exists()
    wrong = config(tmp_path, engine=engine(tmp_path, "no-score"))
    with pytest.raises(EngineError):
        label(wrong)
    label(config(tmp_path, nodes=11))
    assert json.loads((wrong.out / "_config.json").read_text())["nodes"] == 11


def test_labels_without_a_config_are_left_alone(tmp_path: Path) -> None:
    asked = config(tmp_path)
    label(asked)
    (asked.out / "_config.json").unlink()
    with pytest.raises(SpecError, match=r"holds labels but no _config\.json to go on from"):
        label(asked)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    asked = config(tmp_path)
    label(asked)
    (asked.out / "labels-00001.parquet").write_bytes(b"PAR1 what?")
    with pytest.raises(DataError, match=r"labels-00001\.parquet' is no shard of labels: remove it"):
        label(asked)


def test_a_damaged_file_of_games_is_labelled_up_to_the_damage(tmp_path: Path) -> None:
    import gzip

    text = pgn(tmp_path, games=30).read_bytes()
    path = tmp_path / "cut.pgn.gz"
    path.write_bytes(gzip.compress(text)[:-500])
    asked = config(tmp_path, pgn=(path,))
    with pytest.raises(DataError, match="is truncated") as caught:
        label(asked)
    read = int(str(caught.value).rsplit("after ", 1)[1].split()[0])
    assert 5 < read < 30
    assert len(list(asked.out.glob("*.parquet"))) == -(-read // 5)


def test_an_engine_that_fails_leaves_the_shards_that_were_written(tmp_path: Path) -> None:
    flaky = config(tmp_path, engine=engine(tmp_path, "no-score", "--at", 25))
    label(flaky)  # dies every 25 searches, and is asked again
    assert json.loads((flaky.out / "_labels.json").read_text())["restarts"] == 1
    other = config(tmp_path, engine=engine(tmp_path, "no-score"), out=tmp_path / "none")
    with pytest.raises(EngineError, match="it gave no score"):
        label(other)
    assert rows(other.out) == []


def test_a_full_disk_leaves_the_shards_that_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = config(tmp_path)
    write, written = pq.write_table, []

    def write_until_full(table: object, path: Path, **options: object) -> None:
        if len(written) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        written.append(path)
        write(table, path, **options)

    with monkeypatch.context() as full:
        full.setattr(pq, "write_table", write_until_full)
        with pytest.raises(OSError, match="No space left on device"):
            label(asked)
    assert sorted(path.name for path in asked.out.iterdir()) == [
        "_config.json", "labels-00000.parquet", "labels-00001.parquet",
    ]  # fmt: skip
    label(asked)
    whole = config(tmp_path, out=tmp_path / "whole")
    label(whole)
    assert rows(asked.out) == rows(whole.out)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pgn": ()}, "pgn is empty"),
        ({"nodes": 0}, "nodes is 0"),
        ({"positions_per_game": 0}, "positions_per_game is 0"),
        ({"games": 0}, "games is 0"),
        ({"random_move_share": 1.5}, r"random_move_share is 1\.5: it must be a probability"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_configs_out_of_range(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        config(tmp_path, **changes)


def test_only_as_many_games_as_are_asked_for(tmp_path: Path) -> None:
    asked = config(tmp_path, games=3)
    label(asked)
    assert json.loads((asked.out / "_labels.json").read_text())["games"] == {"read": 3}


@pytest.mark.engine
@pytest.mark.skipif(STOCKFISH is None, reason="Stockfish is not installed")
def test_stockfish_labels_a_mate(tmp_path: Path) -> None:
    path = tmp_path / "mate.pgn"
    path.write_text('[Result "0-1"]\n\n1. f3 e5 2. g4 Qh4# 0-1\n')
    asked = config(
        tmp_path, pgn=(path,), positions_per_game=50, random_move_share=0.0, engine=Path(str(STOCKFISH)), nodes=500
    )
    label(asked)
    found = {str(row["fen"]).split()[0]: row for row in rows(asked.out)}
    mate = found["rnbqkbnr/pppp1ppp/8/4p3/6P1/5P2/PPPPP2P/RNBQKBNR"]
    assert (mate["move"], mate["value"]) == ("d8h4", 1.0)
