"""Whole games against python-chess: positions, legal moves, checks, repetitions, verdicts."""

from __future__ import annotations

import io
from pathlib import Path

import chess
import chess.pgn
import pytest
from rules_oracle import play_alongside
from rules_twin import Twin

from sandwich_env.rules import Games, Termination

ENDGAMES = [
    "8/8/4k3/8/8/3K4/8/Q7 w - - 90 80",
    "8/5k2/8/8/8/3KB3/8/r7 w - - 140 80",
    "8/8/4k3/8/8/3K4/7n/8 b - - 0 1",
    "4k3/4p3/8/8/8/8/4P3/4K3 w - - 0 1",
    "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1",
    "4k3/pppppppp/8/8/8/8/PPPPPPPP/4K3 b - - 0 7",
    "k7/8/8/8/8/8/8/K6R w - - 0 1",
    "k7/7p/8/8/8/8/7P/K7 w - - 99 70",
]


@pytest.mark.parametrize("claim_draws", [True, False])
def test_random_games(claim_draws: bool) -> None:
    play_alongside(Games(16, max_plies=140, claim_draws=claim_draws), seed=1, steps=160)


@pytest.mark.parametrize("claim_draws", [True, False])
def test_random_endgames_through_all_draw_rules(claim_draws: bool) -> None:
    games = Games(24, ENDGAMES, max_plies=400, claim_draws=claim_draws)
    ends = play_alongside(games, seed=2, steps=220)
    assert Termination.INSUFFICIENT_MATERIAL in ends
    assert (Termination.SEVENTYFIVE_MOVES in ends) != claim_draws
    assert (Termination.FIFTY_MOVES in ends) == claim_draws


HUMAN_GAMES = Path(__file__).parents[2].parent / "shared" / "data" / "human_games" / "lichess_2013-2017.pgn.zst"


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not HUMAN_GAMES.exists(), reason=f"no human games at {HUMAN_GAMES}")
def test_human_games() -> None:
    """Games that people played, past the ends that players may claim."""
    zstandard = pytest.importorskip("zstandard")
    compared, wanted, batch = 0, 30_000, 64
    with HUMAN_GAMES.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8")
        while compared < wanted:
            records = [record for _ in range(batch) if (record := chess.pgn.read_game(text)) is not None]
            if not records:
                break
            lines = [list(record.mainline_moves()) for record in records]
            boards = [record.board() for record in records]
            fens = [board.fen() for board in boards]
            games, twin = Games(len(boards), fens, claim_draws=False), Twin(fens, 512, claim_draws=False)
            for ply in range(max(len(line) for line in lines)):
                going = [i for i, line in enumerate(lines) if ply < len(line) and not games.finished[i]]
                games.step(twin.push({i: lines[i][ply] for i in going}))
                twin.compare(games, planes=ply % 4 == 0, fens=ply % 8 == 0)
                compared += len(going)
    assert compared >= wanted
