"""Puzzles as episodes: the same, in every environment, as python-chess and Lichess's rule have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chess
import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import DataError, SpecError
from sandwich_env.reading.puzzles import Puzzle, read_puzzles
from sandwich_env.rules import action_to_move, move_to_action
from sandwich_env.testing import check_seeds, check_vector_env
from sandwich_env.testing.equality import assert_same

SHARED = Path(__file__).parents[3] / "shared" / "data" / "puzzles" / "lichess_puzzles.csv.gz"
ID = "sandwich_env:sandwich/Puzzle-v0"
HEADER = "PuzzleId,FEN,Moves,Rating,Themes\n"
ROWS = {
    # Three mates in one, of which the line knows one.
    "mates": "k7/6p1/1K6/8/8/8/8/4R2Q b - - 0 1,a8b8 e1e8,600,mate",
    # Castling, a check and a promotion to a knight; Black solves.
    "long": "4k2r/8/8/8/8/2p5/1p6/N3K3 w k - 0 1,a1b3 e8g8 b3d4 b2b1n e1d1 g8g7,1500,long",
    # The line ends with stalemate.
    "stalemate": "8/5Pk1/8/4K3/8/8/8/8 b - - 0 1,g7f8 e5f6,900,equality",
    # The last capture leaves the bare kings, which is a draw.
    "bare": "8/8/8/3k4/8/8/7r/4K3 b - - 0 1,h2e2 e1e2,700,equality",
    # The fifty moves are over on the way.
    "clock": "7k/8/8/8/8/8/R7/K7 b - - 97 80,h8g8 a2b2 g8h8 b2b8 h8g7 b8b7,1200,long",
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "puzzles.csv"
    file.write_text(HEADER + "".join(f"{name},{row}\n" for name, row in ROWS.items()))
    return str(file)


def one(path: str, name: str, **options: Any) -> ChessEnv:
    rating = int(ROWS[name].split(",")[2])
    starts = {"kind": "puzzles", "path": path, "min_rating": rating, "max_rating": rating}
    return ChessEnv(opponent="puzzle", starts=starts, **options)


def play(env: ChessEnv, moves: str) -> list[tuple[float, bool, bool, dict[str, Any]]]:
    """Play the moves (UCI), which must be the learner's turn each; what every step gave but the observation."""
    steps = []
    for word in moves.split():
        seen, *rest = env.step(move_to_action(env.board().parse_uci(word), env.board()))
        assert bool(seen["action_mask"].any()) == (not rest[1] and not rest[2])
        steps.append(tuple(rest))
    return steps


def test_the_opponents_move_is_on_the_board_before_the_solver_sees_it(path: str) -> None:
    env = one(path, "mates")
    seen, info = env.reset(seed=0)
    assert info == {"ply": 1, "seat": 0}
    assert env.board().fen() == "1k6/6p1/1K6/8/8/8/8/4R2Q w - - 1 2"
    assert env.board().peek().uci() == "a8b8"
    legal = {move_to_action(move, env.board()) for move in env.board().legal_moves}
    assert set(np.flatnonzero(seen["action_mask"])) == legal


@pytest.mark.parametrize(
    ("name", "moves", "reward", "ply"),
    [
        ("mates", "e1e8", 1.0, 2),
        ("mates", "h1h8", 1.0, 2),
        ("mates", "h1b7", 1.0, 2),
        ("mates", "h1h7", -1.0, 2),
        ("long", "e8g8 b2b1n g8g7", 1.0, 6),
        ("long", "e8g8 b2b1q", -1.0, 4),
        ("long", "e8g8 b2b1n g8f7", -1.0, 6),
        ("long", "e8e7", -1.0, 2),
        ("stalemate", "e5f6", 1.0, 2),
        ("stalemate", "e5e6", -1.0, 2),
        ("bare", "e1e2", 1.0, 2),
        ("bare", "e1f1", -1.0, 2),
        ("clock", "a2b2 b2b8 b8b7", 1.0, 6),
    ],
)
def test_the_line_wins_another_move_loses_and_any_mate_is_right(
    path: str, name: str, moves: str, reward: float, ply: int
) -> None:
    env = one(path, name)
    _, info = env.reset(seed=0)
    *before, last = play(env, moves)
    assert all(step[:3] == (0.0, False, False) and set(step[3]) == {"ply", "seat"} for step in before)
    assert last[:3] == (reward, True, False)
    white = 1.0 if info["seat"] == 0 else -1.0
    word = "puzzle_solved" if reward > 0 else "puzzle_failed"
    assert last[3] == {
        "ply": ply,
        "seat": info["seat"],
        "outcome": white * reward,
        "result": reward,
        "termination": word,
    }
    assert len(env.board().move_stack) == ply  # a failed puzzle is not answered


def test_an_illegal_action_and_the_ply_cap_are_what_they_are_elsewhere(path: str) -> None:
    env = one(path, "long", max_plies=4)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="not legal"):
        *_, info = env.step(0)
    assert info["termination"] == "illegal_action"
    assert info["outcome"] == 1.0
    env.reset(seed=0)
    first, second = play(env, "e8g8 b2b1n")
    assert first[:3] == (0.0, False, False)
    assert (second[:3], second[3]["termination"]) == ((0.0, False, True), "ply_cap")
    env = one(path, "long", max_plies=6)
    env.reset(seed=0)
    last = play(env, "e8g8 b2b1n g8g7")[-1]
    assert (last[:3], last[3]["termination"]) == ((1.0, True, False), "puzzle_solved")


class Solver:
    """Follows the line in most positions and errs in some, by the position alone; and says what must come of it."""

    def __init__(self, puzzles: list[Puzzle]) -> None:
        self.moves: dict[str, tuple[Puzzle, int]] = {}
        for puzzle in puzzles:
            board = chess.Board(puzzle.fen)
            for ply, move in enumerate(puzzle.moves):
                if ply % 2:
                    self.moves[board.fen()] = (puzzle, ply)
                board.push(move)

    def move(self, board: chess.Board) -> chess.Move:
        puzzle, ply = self.moves[board.fen()]
        if sum(map(ord, puzzle.id)) % 3 == 0 and ply == len(puzzle.moves) - 1:
            return min(board.legal_moves, key=chess.Move.uci)
        return puzzle.moves[ply]

    def expect(self, board: chess.Board, move: chess.Move) -> str | None:
        """How the puzzle ends with a move; None if it goes on."""
        puzzle, ply = self.moves[board.fen()]
        after = board.copy()
        after.push(move)
        if after.is_checkmate():
            return "puzzle_solved"
        if move != puzzle.moves[ply]:
            return "puzzle_failed"
        return "puzzle_solved" if ply == len(puzzle.moves) - 1 else None


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_vector_of_puzzles_is_single_ones_and_python_chess(path: str, mode: AutoresetMode) -> None:
    starts = {"kind": "mix", "parts": [{"kind": "puzzles", "path": path}, "puzzles"], "weights": [3, 1]}
    options: dict[str, Any] = {
        "opponent": "puzzle",
        "starts": starts,
        "advisor": {"kind": "honest", "expert": "uniform"},
    }
    solver = Solver([*read_puzzles(path), *read_puzzles()])
    vector, singles = ChessVectorEnv(5, autoreset_mode=mode, **options), [ChessEnv(**options) for _ in range(5)]
    seen, _ = vector.reset(seed=7)
    shown = [env.reset(seed=7 + i)[0] for i, env in enumerate(singles)]
    ended, words = np.zeros(5, dtype=np.bool_), []
    for _ in range(60):
        moves = [None if ended[i] else solver.move(env.board()) for i, env in enumerate(singles)]
        actions = [0 if m is None else move_to_action(m, env.board()) for m, env in zip(moves, singles, strict=True)]
        if mode is AutoresetMode.DISABLED and ended.any():
            vector.reset(options={"reset_mask": ended.copy()})
            shown = [env.reset()[0] if ended[i] else shown[i] for i, env in enumerate(singles)]
            ended[:] = False
            continue
        seen, rewards, terminated, truncated, infos = vector.step(np.array(actions))
        last = infos.get("final_info", infos)
        for i, env in enumerate(singles):
            if (move := moves[i]) is None:  # NEXT_STEP deals
                shown[i], ended[i] = env.reset()[0], False
                assert (rewards[i], terminated[i]) == (0.0, False)
                continue
            expected = solver.expect(env.board(), move)
            shown[i], reward, over, cut, info = env.step(actions[i])
            assert (reward, over, cut) == (rewards[i], terminated[i], truncated[i])
            assert (info.get("termination"), over) == (expected, expected is not None)
            assert reward == {None: 0.0, "puzzle_solved": 1.0, "puzzle_failed": -1.0}[expected]
            if over:
                words.append(expected)
                assert last["termination"][i] == expected
                assert last["result"][i] == reward
                ended[i] = mode is not AutoresetMode.SAME_STEP
                if mode is AutoresetMode.SAME_STEP:
                    assert_same(infos["final_obs"][i], shown[i], "final_obs")
                    shown[i] = env.reset()[0]
        for i in range(5):
            assert_same({key: array[i] for key, array in seen.items()}, shown[i], f"game {i}")
    assert min(words.count("puzzle_solved"), words.count("puzzle_failed")) > 5


def test_it_passes_the_checks_that_ship_with_the_package() -> None:
    advisor = {"kind": "random_move", "epsilon": 0.5, "inner": {"kind": "honest", "expert": {"kind": "uniform"}}}
    check_vector_env(
        lambda *, autoreset_mode: gymnasium.make_vec(ID, num_envs=4, autoreset_mode=autoreset_mode, advisor=advisor),
        lambda: gymnasium.make(ID, disable_env_checker=True, advisor=advisor),
        steps=16,
    )
    starts = {"kind": "puzzles", "part": "train"}
    check_seeds(lambda: sandwich_chess_v0.env(starts=starts, max_plies=12), seeds=2, steps=12)


def test_asking_comes_before_the_move(path: str) -> None:
    protocol = {"kind": "on_demand", "budget": 2, "cost": 0.25}
    env = one(path, "long", advisor={"kind": "honest", "expert": {"kind": "uniform"}}, protocol=protocol)
    seen, _ = env.reset(seed=0)
    asks = np.flatnonzero(seen["action_mask"])[-1]
    seen, reward, over, _, info = env.step(asks)
    assert (reward, over, info["ply"]) == (-0.25, False, 1)
    assert seen["advice_available"].any()
    assert play(env, "e8g8 b2b1n g8g7")[-1][:3] == (1.0, True, False)


def test_elsewhere_a_puzzle_is_a_position_to_start_from(path: str) -> None:
    starts = {"kind": "puzzles", "path": path, "max_rating": 600}
    env = sandwich_chess_v0.env(starts=starts)
    env.reset(seed=0)
    assert (env.board().fen(), env.agent_selection) == ("1k6/6p1/1K6/8/8/8/8/4R2Q w - - 1 2", "player_0")
    env.step(move_to_action(chess.Move.from_uci("h1h7"), env.board()))
    assert not any(env.terminations.values())
    against = ChessEnv(starts=starts, opponent="random", learner_color="mover")
    _, info = against.reset(seed=0)
    assert info == {"ply": 0, "seat": 0}
    *_, over, _, _ = against.step(move_to_action(chess.Move.from_uci("h1h7"), against.board()))
    assert not over


def test_both_names_take_all_arguments() -> None:
    env = gymnasium.make("sandwich_env:sandwich/Endgame-v0")
    deals = set()
    for seed in range(20):
        _, info = env.reset(seed=seed)
        board = env.unwrapped.board()  # type: ignore[attr-defined]
        assert info == {"ply": 0, "seat": int(not board.turn)}
        deals.add("".join(sorted(piece.symbol().upper() for piece in board.piece_map().values())))
    assert deals == {"KKQ", "KKR"}
    assert env.unwrapped._core.config.max_plies == 100  # type: ignore[attr-defined]
    starts = {"kind": "endgame", "material": "KBBvK"}
    vector = gymnasium.make_vec(
        "sandwich_env:sandwich/Endgame-v0", num_envs=2, starts=starts, opponent="self", max_plies=9
    )
    vector.reset(seed=0)
    assert all("b" in fen.split()[0].lower() for fen in vector.unwrapped.games.start_fens())  # type: ignore[attr-defined]
    assert vector.unwrapped.games.max_plies == 9  # type: ignore[attr-defined]
    puzzle = gymnasium.make("sandwich_env:sandwich/Puzzle-v0", starts={"kind": "puzzles", "limit": 1})
    puzzle.reset(seed=0)
    assert puzzle.unwrapped.games.start_fens() == [read_puzzles(limit=1)[0].fen]  # type: ignore[attr-defined]


def test_nothing_that_the_learner_sees_tells_the_line(path: str) -> None:
    """Two puzzles that differ in their lines alone look alike."""
    file, start = Path(path), "k7/6p1/1K6/8/8/8/8/4R2Q b - - 0 1"
    file.write_text(f"{HEADER}one,{start},a8b8 e1e8,600,\n")
    first = ChessEnv(opponent="puzzle", starts={"kind": "puzzles", "path": path})
    file.write_text(f"{HEADER}two,{start},a8b8 h1h7 b8c8 h7g7,999,mate\n")
    second = ChessEnv(opponent="puzzle", starts={"kind": "puzzles", "path": path})
    assert_same(first.reset(seed=0), second.reset(seed=0), "reset")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"starts": chess.STARTING_FEN}, SpecError, "plays the lines of puzzles, which Fens"),
        ({"starts": {"kind": "mix", "parts": ["puzzles", "book"]}}, SpecError, "plays the lines of puzzles"),
        ({"learner_color": "white"}, SpecError, "learner_color is 'white'.*the solver's side"),
        ({"starts": {"kind": "puzzles", "themes": "fork"}}, DataError, "no puzzles .*'fork'"),
        ({"starts": {"kind": "puzzles", "min_rating": 900, "max_rating": 800}}, SpecError, "above max_rating"),
        ({"starts": {"kind": "puzzles", "part": "test"}}, SpecError, "unknown part 'test' of the puzzles"),
        ({"starts": {"kind": "puzzles", "limit": 0}}, SpecError, "limit is 0"),
        ({"opponent": "puzle"}, SpecError, "unknown opponent 'puzle': did you mean 'puzzle'"),
    ],
    ids=str,
)
def test_what_does_not_go_with_puzzles_is_refused(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ChessEnv(**({"opponent": "puzzle"} | options))


def test_the_spec_of_the_opponent_is_taken_too() -> None:
    assert ChessEnv(opponent={"kind": "puzzle"}).reset(seed=0)[1]["ply"] == 1


def test_a_file_that_lacks_columns_is_named_with_them(path: str) -> None:
    Path(path).write_text("PuzzleId,FEN,Rating\nx,y,3\n")
    with pytest.raises(DataError, match=r"puzzles.csv' lacks the columns 'Moves'"):
        gymnasium.make(ID, starts={"kind": "puzzles", "path": path})
    Path(path).write_text("PuzzleId,FEN,Moves,Rating\n")
    with pytest.raises(DataError, match=r"lacks the columns 'Themes'"):
        gymnasium.make(ID, starts={"kind": "puzzles", "path": path, "themes": ["mate"]})


def test_actions_are_those_of_the_moves() -> None:
    for puzzle in read_puzzles(limit=40):
        board = chess.Board(puzzle.fen)
        for move, action in zip(puzzle.moves, puzzle.actions, strict=True):
            assert action_to_move(action, board) == move
            board.push(move)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_file(), reason="no puzzles beside the checkout")
def test_lichess_s_own_puzzles_are_solved_by_their_lines_and_failed_by_other_moves() -> None:
    options: dict[str, Any] = {"path": str(SHARED), "min_rating": 600, "max_rating": 2000, "limit": 250}
    solver = Solver(read_puzzles(**options))
    starts = {"kind": "puzzles", **options}
    env = ChessVectorEnv(16, opponent="puzzle", starts=starts, autoreset_mode="SameStep")
    env.reset(seed=0)
    ends = {"puzzle_solved": 0, "puzzle_failed": 0}
    for _ in range(40):
        boards = [env.board(i) for i in range(16)]
        moves = [solver.move(board) for board in boards]
        actions = np.array([move_to_action(m, b) for m, b in zip(moves, boards, strict=True)])
        _, rewards, over, _, infos = env.step(actions)
        for i, expected in enumerate(map(solver.expect, boards, moves)):
            assert over[i] == (expected is not None)
            if expected is not None:
                assert infos["final_info"]["termination"][i] == expected
                assert rewards[i] == (1 if expected == "puzzle_solved" else -1)
                ends[expected] += 1
    assert min(ends.values()) > 40
