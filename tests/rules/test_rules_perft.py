"""The move generator against published node counts."""

from __future__ import annotations

import os
from pathlib import Path

import chess
import pytest

from sandwich_env.errors import InvalidPositionError
from sandwich_env.rules.perft import perft

NODE_BUDGET = int(os.environ.get("SANDWICH_PERFT_NODES", "300_000_000"))
"""Nodes that a count may cost: by default 5 G in all, half a minute. SANDWICH_PERFT_NODES=10000000000 counts all that
the suites hold and 39 G in all, four minutes; SANDWICH_PERFT_NODES=100000000000 another 85 G, twelve in all."""

# https://www.chessprogramming.org/Perft_Results: start, Kiwipete, and positions 3 to 6.
KNOWN = [
    (chess.STARTING_FEN, [20, 400, 8902, 197_281, 4_865_609]),
    ("r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1", [48, 2039, 97_862, 4_085_603]),
    ("8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", [14, 191, 2812, 43_238, 674_624]),
    ("r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1", [6, 264, 9467, 422_333]),
    ("r2q1rk1/pP1p2pp/Q4n2/bbp1p3/Np6/1B3NBn/pPPP1PPP/R3K2R b KQ - 0 1", [6, 264, 9467, 422_333]),
    ("rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8", [44, 1486, 62_379, 2_103_487]),
    ("r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10", [46, 2079, 89_890, 3_894_594]),
]

# The same page, deeper: {FEN's place above: {depth: nodes}}.
KNOWN_DEEPER = {
    0: {6: 119_060_324, 7: 3_195_901_860, 8: 84_998_978_956},
    1: {5: 193_690_690, 6: 8_031_647_685},
    2: {6: 11_030_083, 7: 178_633_661, 8: 3_009_794_393},
    3: {5: 15_833_292, 6: 706_045_033},
    4: {5: 15_833_292, 6: 706_045_033},
    5: {5: 89_941_194},
    6: {5: 164_075_551, 6: 6_923_051_137},
}

# Positions in which one rule decides, counted with python-chess below.
DELICATE = [
    "8/8/8/K2pP2r/8/8/8/4k3 w - d6 0 2",  # en passant opens the rank: both pawns leave it
    "8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1",
    "8/8/1k6/8/2pP4/8/5BK1/8 b - d3 0 1",  # en passant captures on a diagonal through the captured pawn
    "3k4/8/8/K2pP3/8/8/8/3r4 w - d6 0 2",
    "8/8/8/1k1pP3/8/8/8/B3K3 w - d6 0 2",
    "4k3/8/8/2KpP3/8/8/8/8 w - d6 0 2",
    "8/5k2/8/2Pp4/2B5/1K6/8/8 w - d6 0 1",
    "8/8/3k4/8/3pP3/8/1B6/4K3 b - e3 0 1",
    "4k2r/8/8/8/8/8/8/4K2R w Kk - 0 1",
    "r3k2r/8/3Q4/8/8/5q2/8/R3K2R b KQkq - 0 1",  # castling out of, through and next to attacks
    "2r1k2r/8/8/8/8/8/8/R3K2R w KQk - 0 1",
    "rn2k1r1/8/8/8/8/8/8/RN2K2R w KQq - 0 1",
    "n1n5/PPPk4/8/8/8/8/4Kppp/5N1N b - - 0 1",  # promotions, captures included
    "8/P1k5/K7/8/8/8/8/8 w - - 0 1",
    "4k3/8/8/1b5b/8/3N1N2/4K3/8 w - - 0 1",  # pins on both diagonals
    "3rkr2/8/8/8/8/3R1R2/3PKP2/8 w - - 0 1",
    "4k3/4r3/8/8/1b6/2N5/8/4K2N w - - 0 1",  # pinned while in check
    "4k3/8/8/8/4r3/8/3n4/4K3 w - - 0 1",
    "B6b/8/8/8/2K5/5k2/8/b6B b - - 0 1",
    "R6R/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBNN1KB1 w - - 0 1",  # 218 moves
    "3Q4/1Q4Q1/4Q3/2Q4R/Q4Q2/3Q4/1Q4Rp/1K1BBNNk w - - 0 1",
]


def slow_perft(board: chess.Board, depth: int) -> int:
    if depth == 1:
        return board.legal_moves.count()
    total = 0
    for move in board.legal_moves:
        board.push(move)
        total += slow_perft(board, depth - 1)
        board.pop()
    return total


@pytest.mark.parametrize(("fen", "counts"), KNOWN)
def test_known_counts(fen: str, counts: list[int]) -> None:
    assert [perft(fen, depth) for depth in range(1, len(counts) + 1)] == counts


@pytest.mark.slow
def test_known_counts_deeper() -> None:
    wanted = [
        (KNOWN[i][0], depth, nodes)
        for i, counts in KNOWN_DEEPER.items()
        for depth, nodes in counts.items()
        if nodes <= NODE_BUDGET
    ]
    for fen, depth, nodes in wanted:
        assert perft(fen, depth) == nodes, (fen, depth)
    print(f"{len(wanted)} counts of {sum(nodes for _, _, nodes in wanted):,} nodes")


@pytest.mark.parametrize("fen", DELICATE)
def test_delicate_positions_against_python_chess(fen: str) -> None:
    for depth in (1, 2):
        assert perft(fen, depth) == slow_perft(chess.Board(fen), depth)


def test_depth_zero_and_bad_arguments() -> None:
    assert perft(chess.STARTING_FEN, 0) == 1
    assert perft("7k/5Q2/6K1/8/8/8/8/8 b - - 0 1", 3) == 0
    with pytest.raises(ValueError, match="depth"):
        perft(chess.STARTING_FEN, 17)
    with pytest.raises(InvalidPositionError):
        perft("nonsense", 1)


def test_more_moves_than_a_real_game_has() -> None:
    fen = "Q6Q/3Q4/1Q4Q1/4Q3/2Q4Q/Q4Q2/pp1Q4/kBQQ1KQ1 w - - 0 1"
    assert perft(fen, 1) == chess.Board(fen).legal_moves.count() > 218


PERFT_FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "perft"


def suite() -> dict[str, dict[int, int]]:
    """The node counts of the suites, {FEN: {depth: nodes}}; many positions stand in more than one file."""
    positions: dict[str, dict[int, int]] = {}
    for path in sorted(PERFT_FOLDER.glob("*.epd")):
        for line in path.read_text().splitlines():
            fen, *counts = line.split(";")
            if counts:
                fields = dict(count.split() for count in counts)
                depths = {int(depth.removeprefix("D")): int(nodes) for depth, nodes in fields.items()}
                known = positions.setdefault(fen.strip(), {})
                assert all(known.get(depth, nodes) == nodes for depth, nodes in depths.items()), fen
                known |= depths
    return positions


def is_chess960(fen: str) -> bool:
    return bool(chess.Board(fen).status() & chess.STATUS_BAD_CASTLING_RIGHTS)


needs_suites = pytest.mark.skipif(not PERFT_FOLDER.is_dir(), reason=f"no perft suites at {PERFT_FOLDER}")


@pytest.mark.slow
@pytest.mark.shared
@needs_suites
def test_perft_suites() -> None:
    """Every position of the suites to the depth that the budget allows; Chess960 castling is refused."""
    counted, total, refused = 0, 0, 0
    for fen, depths in suite().items():
        if is_chess960(fen):
            with pytest.raises(InvalidPositionError, match="Chess960"):
                perft(fen, 1)
            refused += 1
            continue
        for depth, nodes in depths.items():
            if nodes <= NODE_BUDGET:
                assert perft(fen, depth) == nodes, (fen, depth)
                counted, total = counted + 1, total + nodes
    print(f"{counted} counts of {total:,} nodes; {refused} positions of Chess960 refused")
    assert counted > 700
    assert total > 4 * NODE_BUDGET or NODE_BUDGET > 10**9
    assert refused == 6


@pytest.mark.shared
@needs_suites
def test_chess960_positions_without_castling_rights() -> None:
    """They are standard chess; the suites have no counts for them, so python-chess gives them."""
    positions = [fen for fen in suite() if is_chess960(fen)]
    assert len(positions) == 6
    for fen in positions:
        placement, turn, _, *rest = fen.split()
        stripped = " ".join([placement, turn, "-", *rest])
        assert perft(stripped, 2) == slow_perft(chess.Board(stripped), 2), stripped


# Starts of Chess960 with their rights, as Shredder-FEN and as X-FEN write them, and what is left of them without.
CHESS960_STARTS = [
    ("bqnbnrkr/pppppppp/8/8/8/8/PPPPPPPP/BQNBNRKR w {} - 0 1", ("HFhf", "KQkq")),
    ("rkbbqnnr/pppppppp/8/8/8/8/PPPPPPPP/RKBBQNNR w {} - 0 1", ("HAha", "KQkq", "K", "q")),
    ("nrkbqbrn/pppppppp/8/8/8/8/PPPPPPPP/NRKBQBRN w {} - 0 1", ("GBgb", "KQkq")),
    ("rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w {} - 0 1", ("HAha", "AHah", "H")),
]


@pytest.mark.parametrize(("placement", "rights"), CHESS960_STARTS)
def test_chess960_starts_are_refused_with_their_rights_and_taken_without(
    placement: str, rights: tuple[str, ...]
) -> None:
    for right in rights:
        with pytest.raises(InvalidPositionError, match=r"standard chess|Chess960"):
            perft(placement.format(right), 1)
    fen = placement.format("-")
    assert perft(fen, 3) == slow_perft(chess.Board(fen), 3)
