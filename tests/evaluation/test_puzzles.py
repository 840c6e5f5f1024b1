from __future__ import annotations

import gzip
from pathlib import Path

import chess
import numpy as np
import pytest
from scripted import Opinion, Scripted

from sandwich_env.errors import DataError, SpecError
from sandwich_env.evaluation.intervals import wilson
from sandwich_env.evaluation.puzzles import solve_puzzles
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.players.expert_player import ExpertPlayer
from sandwich_env.players.random_player import RandomPlayer
from sandwich_env.reading.puzzles import Puzzle, read_puzzles

HEADER = "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl\n"
MATE = "7k/5ppp/8/8/8/8/8/R5K1 b - - 0 1"
TWO_MATES = "7k/5ppp/8/8/8/8/8/RR4K1 b - - 0 1"
LONG = "7k/5pp1/7p/8/8/8/8/R5K1 b - - 0 1"
ROWS = (
    f"mate1,{MATE},h8g8 a1a8,600,75,90,100,mateIn1 backRankMate,https://example.org/1\n"
    f"twoMates,{TWO_MATES},h8g8 a1a8,950,75,90,100,mateIn1,https://example.org/2\n"
    f"long,{LONG},h8g8 a1a8 g8h7 a8a7,1500,75,90,100,,https://example.org/3\n"
)


def after(fen: str, *moves: str) -> str:
    board = chess.Board(fen)
    for move in moves:
        board.push_uci(move)
    return board.fen()


SOLUTION = {
    after(MATE, "h8g8"): "a1a8",
    after(TWO_MATES, "h8g8"): "a1a8",
    after(LONG, "h8g8"): "a1a8",
    after(LONG, "h8g8", "a1a8", "g8h7"): "a8a7",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "puzzles.csv"
    file.write_text(HEADER + ROWS)
    return file


@pytest.fixture
def puzzles(path: Path) -> list[Puzzle]:
    return read_puzzles(path)


def test_a_file_is_read(puzzles: list[Puzzle]) -> None:
    assert [puzzle.id for puzzle in puzzles] == ["mate1", "twoMates", "long"]
    first, last = puzzles[0], puzzles[2]
    assert first == Puzzle(
        "mate1", MATE, tuple(map(chess.Move.from_uci, ["h8g8", "a1a8"])), 600, ("mateIn1", "backRankMate")
    )
    assert last.themes == ()
    assert len(last.moves) == 4


def test_compressed_files_and_other_column_orders(tmp_path: Path, puzzles: list[Puzzle]) -> None:
    packed = tmp_path / "puzzles.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    assert read_puzzles(packed) == puzzles
    other = tmp_path / "other.csv"
    other.write_text(f"Rating,Moves,FEN,PuzzleId\n600,h8g8 a1a8,{MATE},mate1\n")
    assert [(p.id, p.themes) for p in read_puzzles(other)] == [("mate1", ())]


def test_ratings_filter_and_limit(path: Path) -> None:
    def ids(**options: int) -> list[str]:
        return [puzzle.id for puzzle in read_puzzles(path, **options)]

    assert ids(min_rating=950) == ["twoMates", "long"]
    assert ids(max_rating=950) == ["mate1", "twoMates"]
    assert ids(min_rating=601, max_rating=1499) == ["twoMates"]
    assert ids(limit=2) == ["mate1", "twoMates"]
    with pytest.raises(DataError, match="has no puzzles rated 2000 to inf"):
        ids(min_rating=2000)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "lacks the columns 'PuzzleId', 'FEN', 'Moves', 'Rating'"),
        ("PuzzleId,FEN,Rating\n", "lacks the columns 'Moves'"),
        (HEADER, "has no puzzles"),
        (HEADER + f"x,{MATE},h8g8 a1a9,600\n", r"line 2: puzzle 'x' cannot be played: .*a1a9"),
        (HEADER + ROWS + f"x,{MATE},h8g8 a1b8,600\n", r"line 5: puzzle 'x' cannot be played: illegal uci: 'a1b8'"),
        (HEADER + f"x,{MATE},h8g8,600\n", "has 1 moves"),
        (HEADER + f"x,{MATE},,600\n", "has 0 moves"),
        (HEADER + f"x,{MATE},h8g8 a1a8,strong\n", "line 2: the rating is 'strong'"),
        (HEADER + f"x,{MATE}\n", "line 2: the rating is None"),
        (HEADER + "x,8/8/8/8/8/8/8/8 w - - 0 1,h8g8 a1a8,600\n", "puzzle 'x' cannot be played"),
        (HEADER + "x,nonsense,h8g8 a1a8,600\n", "puzzle 'x' cannot be played"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, error: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=error):
        read_puzzles(file)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    many = "".join(f"p{i},{MATE},h8g8 a1a8,{600 + i},75,90,100,,\n" for i in range(500))
    data = gzip.compress((HEADER + many).encode())
    file = tmp_path / "cut.csv.gz"
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="truncated"):
        read_puzzles(file)


def test_the_whole_line_must_be_right(puzzles: list[Puzzle]) -> None:
    assert solve_puzzles(Scripted(SOLUTION), puzzles).solved.tolist() == [True, True, True]
    wrong_end = SOLUTION | {after(LONG, "h8g8", "a1a8", "g8h7"): "a8a6"}
    assert solve_puzzles(Scripted(wrong_end), puzzles).solved.tolist() == [True, True, False]
    wrong_start = SOLUTION | {after(LONG, "h8g8"): "a1a7"}
    assert solve_puzzles(Scripted(wrong_start), puzzles).solved.tolist() == [True, True, False]


def test_any_mate_solves(puzzles: list[Puzzle]) -> None:
    other_rook = SOLUTION | {after(TWO_MATES, "h8g8"): "b1b8"}
    assert solve_puzzles(Scripted(other_rook), puzzles).solved.tolist() == [True, True, True]
    no_mate = SOLUTION | {after(TWO_MATES, "h8g8"): "b1b7"}
    assert solve_puzzles(Scripted(no_mate), puzzles).solved.tolist() == [True, False, True]


def test_all_puzzles_are_asked_about_at_once(puzzles: list[Puzzle]) -> None:
    solver = Scripted(SOLUTION)
    solve_puzzles(solver, puzzles * 5)
    assert solver.asked == [15, 5]


def test_an_expert_solves_with_its_best_moves(puzzles: list[Puzzle]) -> None:
    knows = Opinion(SOLUTION, logit=1.0, value=0.0)
    score = solve_puzzles(knows, puzzles)
    assert score.solved.tolist() == [True, True, True]
    assert (score.accuracy.value, score.accuracy.interval) == (1.0, wilson(3, 3))


def test_scores_by_band(puzzles: list[Puzzle]) -> None:
    score = solve_puzzles(Scripted(SOLUTION | {after(MATE, "h8g8"): "a1a2"}), puzzles)
    assert {band: (share.value, share.count) for band, share in score.by_band(500).items()} == {
        500: (0.5, 2),
        1500: (1.0, 1),
    }
    plain = score.to_dict(with_puzzles=True)
    assert plain["accuracy"]["value"] == pytest.approx(2 / 3)
    assert set(plain["by_band"]) == {"600", "800", "1400"}
    assert (plain["solved"], plain["failed"]) == (["twoMates", "long"], ["mate1"])
    assert "solved" not in score.to_dict()
    with pytest.raises(SpecError, match="width is 0"):
        score.by_band(0)


def test_batches_change_nothing(puzzles: list[Puzzle]) -> None:
    for solver in (RandomPlayer(), ExpertPlayer(UniformExpert(), temperature=1.0)):
        whole = solve_puzzles(solver, puzzles * 60, seed=3).solved
        assert 0 < whole.sum() < len(whole)
        assert np.array_equal(whole, solve_puzzles(solver, puzzles * 60, seed=3, puzzles_at_once=7).solved)
        assert not np.array_equal(whole, solve_puzzles(solver, puzzles * 60, seed=4).solved)


def test_no_puzzles() -> None:
    with pytest.raises(DataError, match="no puzzles to solve"):
        solve_puzzles(RandomPlayer(), [])


SHARED = Path(__file__).parents[3] / "shared" / "data" / "puzzles" / "lichess_puzzles.csv.gz"


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="needs the puzzles beside the checkout")
def test_lichess_puzzles_are_solved_by_their_own_lines() -> None:
    puzzles = read_puzzles(SHARED, limit=3000)
    solution: dict[str, str] = {}
    for puzzle in puzzles:
        board = chess.Board(puzzle.fen)
        for ply, move in enumerate(puzzle.moves):
            if ply % 2:
                solution[board.fen()] = move.uci()
            board.push(move)
    score = solve_puzzles(Scripted(solution), puzzles)
    assert score.accuracy.value == 1.0
    assert solve_puzzles(RandomPlayer(), puzzles).accuracy.value < 0.05
