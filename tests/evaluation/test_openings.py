from __future__ import annotations

import gzip
from importlib import resources
from pathlib import Path

import chess
import numpy as np
import pytest

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.rules import Games

SICILIAN = "rnbqkbnr/pp1ppppp/8/2p5/4P3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2"
EPD = "rnbqkbnr/pp1ppppp/8/2p5/4P3/8/PPPP1PPP/RNBQKBNR w KQkq -"
QUEENS_PAWN = "rnbqkbnr/pppppppp/8/8/3P4/8/PPP1PPPP/RNBQKBNR b KQkq - 0 1"
PGN = """[Event "one"]

1. e4 c5 2. Nf3 d6 *

[Event "too short"]

1. d4 *

[Event "nobody came"]

*

[Event "two"]

1. d4 {a comment} d5 (1... Nf6) 2. c4 1-0
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_lines_of_epd_and_fen(tmp_path: Path) -> None:
    text = f'# a comment\n{chess.STARTING_FEN}\n\n{EPD} bm Nf3; id "Sicilian";\n{EPD}\n{QUEENS_PAWN}\n'
    fens = load_openings(written(tmp_path / "a.epd", text))
    expected = SICILIAN.replace("0 2", "0 1")
    assert fens == [chess.STARTING_FEN, expected, expected, QUEENS_PAWN]
    assert Games.from_fens(fens).fens() == fens


def test_a_fen_keeps_its_counters(tmp_path: Path) -> None:
    fen = "8/5k2/8/8/8/3R4/4K3/8 b - - 31 70"
    assert load_openings(written(tmp_path / "a.fen", fen)) == [fen]


def test_pgn_after_some_plies(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pgn", PGN)
    assert load_openings(path, plies=2) == [
        SICILIAN,
        "rnbqkbnr/ppp1pppp/8/3p4/3P4/8/PPP1PPPP/RNBQKBNR w KQkq - 0 2",
    ]
    assert len(load_openings(path, plies=1)) == 3
    assert len(load_openings(path)) == 3
    packed = tmp_path / "a.pgn.gz"
    packed.write_bytes(gzip.compress(PGN.encode()))
    assert load_openings(packed, plies=2) == load_openings(path, plies=2)
    with pytest.raises(DataError, match="has no positions"):
        load_openings(path, plies=40)


def test_the_first_ones_or_some_that_are_drawn(tmp_path: Path) -> None:
    board = chess.Board()
    lines = []
    for move in board.legal_moves:
        board.push(move)
        lines.append(board.fen())
        board.pop()
    path = written(tmp_path / "a.epd", "\n".join(lines))
    assert load_openings(path, limit=3) == lines[:3]
    drawn = load_openings(path, limit=8, rng=np.random.default_rng(0))
    assert len(set(drawn)) == 8
    assert set(drawn) < set(lines)
    assert drawn == load_openings(path, limit=8, rng=np.random.default_rng(0))
    assert drawn != load_openings(path, limit=8, rng=np.random.default_rng(1))
    assert load_openings(path, limit=100, rng=np.random.default_rng(1)) == lines
    with pytest.raises(SpecError, match="limit is 0"):
        load_openings(path, limit=0)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("8/8/8/8/8/8/8/8 w - -", "is no position: .*the board is empty; White has no king"),
        ("4k3/8/8/8/8/8/8/4K3 x - -", "is no position"),
        ("hello there", "is no position"),
        ("4k2R/8/8/8/8/8/8/4K3 w - -", "is no position: .*not to move is in check"),
        ("7k/6Q1/6K1/8/8/8/8/8 b - - 0 1", "is over before it begins"),
        ("4k3/8/8/8/8/8/8/4K3 w - - 0 1", "is over before it begins"),
    ],
)
def test_bad_positions_name_their_line(tmp_path: Path, bad: str, error: str) -> None:
    path = written(tmp_path / "a.epd", f"{chess.STARTING_FEN}\n\n{bad}\n")
    with pytest.raises(DataError, match=rf"a\.epd', line 3: '{bad}' {error}"):
        load_openings(path)
    assert load_openings(path, limit=1) == [chess.STARTING_FEN]


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no positions"):
        load_openings(written(tmp_path / "empty.epd", "\n# nothing\n"))
    with pytest.raises(DataError, match="has no positions"):
        load_openings(written(tmp_path / "prose.pgn", "This is a letter and no game.\n"))
    with pytest.raises(DataError, match="there is no file"):
        load_openings(tmp_path / "missing.epd")
    with pytest.raises(DataError, match="'plies' belongs to a PGN"):
        load_openings(written(tmp_path / "a.epd", EPD), plies=4)
    with pytest.raises(DataError, match="game 1 of the PGN cannot be read: illegal san: 'Ke7'"):
        load_openings(written(tmp_path / "illegal.pgn", "1. e4 Ke7 *\n"))
    packed = gzip.compress((f"{QUEENS_PAWN}\n" * 4000).encode())
    (tmp_path / "cut.epd.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match="truncated"):
        load_openings(tmp_path / "cut.epd.gz")


EMBEDDED = resources.files("sandwich_env").joinpath("data/openings.epd")


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="the embedded openings are not made yet")
def test_the_embedded_openings() -> None:
    fens = load_openings()
    assert len(fens) == 256
    assert len(set(fens)) == 256
    assert not Games.from_fens(fens).finished.any()
    assert load_openings("default", limit=5) == fens[:5]


SHARED = Path(__file__).parents[3] / "shared" / "data" / "openings"


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="needs the openings beside the checkout")
def test_openings_that_people_use() -> None:
    drawn = load_openings(SHARED / "noob_3moves.epd.gz", limit=500, rng=np.random.default_rng(0))
    assert len(set(drawn)) == 500
    deep = load_openings(SHARED / "8moves_v3.pgn.gz", plies=16, limit=200)
    assert {chess.Board(fen).ply() for fen in deep} == {16}
