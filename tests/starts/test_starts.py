"""Starts: what they draw depends on the key and the episode alone, and what is no start is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import chess
import numpy as np
import pytest

from sandwich_env import sandwich_chess_v0
from sandwich_env.envs.single import ChessEnv
from sandwich_env.envs.vector import ChessVectorEnv
from sandwich_env.errors import DataError, InvalidPositionError, SpecError
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.randomness import Streams, mix
from sandwich_env.reading.puzzles import read_puzzles
from sandwich_env.specs import from_spec
from sandwich_env.starts import Fens, Starts, as_starts
from sandwich_env.starts.mixing import Mix

FENS = [
    "4k3/8/8/8/8/8/4P3/4K3 b - - 0 1",
    "7k/8/5KQ1/8/8/8/8/8 w - - 0 1",
    "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 3 9",
]
ENDGAME = {"kind": "endgame", "material": ["KQvK", "KPvKP"]}
KINDS: list[Any] = [
    FENS,
    "book",
    "puzzles",
    ENDGAME,
    ENDGAME | {"strong_to_move": False},
    {"kind": "mix", "parts": ["puzzles", ENDGAME, FENS[0]], "weights": [1, 2, 0.5]},
    {"kind": "curriculum", "stages": [FENS[0], ENDGAME, "book"], "until": [2, 5]},
]


def keys(count: int, name: str = "starts") -> Any:
    return mix(name, np.arange(count))


def drawn(starts: Starts, count: int, episodes: int | Any = 0) -> list[str]:
    return starts.draw(keys(count), np.broadcast_to(np.asarray(episodes, dtype=np.int64), count))


@pytest.mark.parametrize("given", KINDS, ids=str)
def test_a_draw_is_legal_and_the_same_alone_and_in_any_batch(given: Any) -> None:
    starts = as_starts(given)
    assert starts is not None
    episodes = np.arange(60) % 7
    fens = starts.draw(keys(60), episodes)
    for fen in fens:
        board = chess.Board(fen)
        assert board.is_valid()
        assert not board.is_game_over()
    order = np.random.default_rng(0).permutation(60)
    assert starts.draw(keys(60)[order], episodes[order]) == [fens[i] for i in order]
    assert [starts.draw(keys(60)[i : i + 1], episodes[i : i + 1])[0] for i in range(60)] == fens
    assert starts.draw(keys(0), episodes[:0]) == []
    assert len(set(starts.draw(keys(60, "others"), episodes))) > 1 or len(set(fens)) > 1


@pytest.mark.parametrize("given", KINDS, ids=str)
def test_a_spec_is_the_starts(given: Any) -> None:
    starts = as_starts(given)
    assert starts is not None
    again = from_spec(starts.to_spec(), Starts)
    assert drawn(again, 40, np.arange(40)) == drawn(starts, 40, np.arange(40))
    assert again.to_spec() == starts.to_spec()


def test_listed_fens_are_drawn_as_they_always_were() -> None:
    """The formula of the first environments: the same seeds deal the same games for ever."""
    seeds, vector, single = np.arange(12), ChessVectorEnv(12, starts=FENS), ChessEnv(starts=FENS)
    vector.reset(seed=0)
    for episode in range(3):
        game_keys = mix(seeds, episode)
        expected = [FENS[k] for k in Streams(mix(game_keys, "start")).integers(len(FENS))]
        assert vector.games.start_fens() == expected
        vector.reset()
    for seed in range(12):
        single.reset(seed=seed)
        single.reset()
        assert single.games.start_fens()[0] == FENS[Streams(mix(mix(seed, 1), "start")).integers(3)[0]]


def test_without_starts_games_begin_as_usual() -> None:
    vector = ChessVectorEnv(3)
    vector.reset(seed=0)
    assert vector.games.start_fens() == [chess.STARTING_FEN] * 3
    assert as_starts(None) is None


def test_a_book_and_the_embedded_one(tmp_path: Path) -> None:
    assert set(drawn(from_spec("book", Starts), 300)) < set(load_openings())
    path = tmp_path / "book.epd.gz"
    path.write_bytes(gzip.compress(f"# mine\n{FENS[0]}\n{FENS[2]}\n".encode()))
    book = from_spec({"kind": "book", "path": str(path)}, Starts)
    assert set(drawn(book, 50)) == {FENS[0], FENS[2]}
    assert set(drawn(from_spec({"kind": "book", "path": path, "limit": 1}, Starts), 50)) == {FENS[0]}
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match="truncated"):
        from_spec({"kind": "book", "path": str(path)}, Starts)


def test_a_broken_line_in_a_big_book_is_named(tmp_path: Path) -> None:
    lines = [FENS[k % 3] for k in range(700)]
    lines[612] = "4k3/8/8/8/8/8/8/4K2R b - - 0 1 x".replace("4K2R", "4R2K")
    path = tmp_path / "big.epd"
    path.write_text("\n".join(lines))
    from_spec({"kind": "book", "path": str(path)}, Starts)  # Black is in check and to move: legal
    lines[612] = "4k3/8/8/8/8/8/8/4R2K w - - 0 1"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"big.epd', line 613: .*not to move is in check"):
        ChessEnv(starts={"kind": "book", "path": str(path)})


def test_a_game_of_a_pgn_book(tmp_path: Path) -> None:
    path = tmp_path / "book.pgn"
    path.write_text("1. e4 e5 2. Nf3 *\n\n1. d4 *\n\n")
    two = from_spec({"kind": "book", "path": str(path), "plies": 2}, Starts)
    assert set(drawn(two, 9)) == {"rnbqkbnr/pppp1ppp/8/4p3/4P3/8/PPPP1PPP/RNBQKBNR w KQkq - 0 2"}
    path.write_text("1. e4 e5 2. Nf3 *\n\n1. d4 Kd7 *\n\n")
    with pytest.raises(DataError, match="game 2 of the PGN cannot be read"):
        from_spec({"kind": "book", "path": str(path), "plies": 2}, Starts)


def test_puzzles_start_where_the_solver_moves() -> None:
    starts = from_spec("puzzles", Starts)
    shown = {}
    for puzzle in read_puzzles():
        board = chess.Board(puzzle.fen)
        board.push(puzzle.moves[0])
        shown[board.fen()] = puzzle.id
    fens, puzzles = drawn(starts, 200), starts.puzzles(keys(200), np.zeros(200, dtype=np.int64))
    assert [shown[fen] for fen in fens] == [puzzle.id for puzzle in puzzles]
    assert len({puzzle.id for puzzle in puzzles}) > 100


def test_a_mix_keeps_its_shares() -> None:
    parts = [FENS[0], FENS[1], {"kind": "mix", "parts": FENS[1:], "weights": [1, 1]}]
    fens = np.array(drawn(from_spec({"kind": "mix", "parts": parts, "weights": [5, 0, 15]}, Starts), 4000))
    np.testing.assert_allclose([(fens == fen).mean() for fen in FENS], [5 / 20, 15 / 40, 15 / 40], atol=0.03)
    assert set(drawn(from_spec({"kind": "mix", "parts": FENS}, Starts), 60)) == set(FENS)


def test_a_curriculum_goes_by_the_episode() -> None:
    stages = {"kind": "curriculum", "stages": FENS, "until": [2, 5]}
    assert drawn(from_spec(stages, Starts), 8, np.arange(8)) == [FENS[k] for k in (0, 0, 1, 1, 1, 2, 2, 2)]
    env = ChessVectorEnv(2, starts=stages)
    env.reset(seed=4)
    seen = []
    for _ in range(7):
        seen.append(env.games.start_fens())
        env.reset()
    assert seen == [[FENS[k]] * 2 for k in (0, 0, 1, 1, 1, 2, 2)]
    env.reset(seed=4)
    assert env.games.start_fens() == [FENS[0]] * 2


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ("puzles", SpecError, "unknown kind of starts 'puzles': did you mean 'puzzles'"),
        ({"kind": "end_game"}, SpecError, "unknown kind of starts 'end_game': did you mean 'endgame'"),
        (
            {"kind": "endgame", "materials": "KQvK"},
            SpecError,
            "'endgame' takes no 'materials': did you mean 'material'",
        ),
        ({"material": "KQvK"}, SpecError, "unknown kind of starts None"),
        ("honest", SpecError, "needs 'expert'"),
        ({"kind": "uniform"}, SpecError, "which is no Starts"),
        ([], SpecError, "give a FEN"),
        ("8/8/8/8/8/8/8/8 w - - 0 1", InvalidPositionError, "cannot start from"),
        ({"kind": "book", "path": "missing.epd"}, DataError, "there is no file 'missing.epd'"),
        ({"kind": "book", "plies": -1}, SpecError, "plies is -1"),
        ({"kind": "book", "plies": 3, "path": "x.epd"}, DataError, "there is no file"),
        ({"kind": "mix", "parts": []}, SpecError, "parts is \\[\\]"),
        ({"kind": "mix", "parts": FENS, "weights": [1, 2]}, SpecError, "one for each of the 3 parts"),
        ({"kind": "mix", "parts": FENS, "weights": [0, 0, 0]}, SpecError, "not all of them 0"),
        ({"kind": "mix", "parts": FENS, "weights": [1, 2, -1]}, SpecError, "a weight is -1"),
        ({"kind": "mix", "parts": [FENS[0], None]}, SpecError, "one of parts is None"),
        ({"kind": "curriculum", "stages": FENS, "until": [3]}, SpecError, "3 stages need 2 episodes"),
        ({"kind": "curriculum", "stages": FENS, "until": [3, 3]}, SpecError, "ascending"),
        ({"kind": "curriculum", "stages": FENS, "until": [0, 3]}, SpecError, "until is 0"),
        ({"kind": "curriculum", "stages": "puzzles", "until": []}, SpecError, "give several starts"),
    ],
    ids=str,
)
def test_what_is_no_start_is_refused(given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ChessEnv(starts=given)


class Mated(Starts):
    def draw(self, keys: Any, episodes: Any) -> list[str]:
        return ["7k/5KQ1/8/8/8/8/8/8 b - - 0 1"] * len(keys)


def test_starts_of_ones_own_are_checked_when_they_are_dealt() -> None:
    for env in (ChessEnv(starts=Mated()), sandwich_chess_v0.env(starts=Mated())):
        with pytest.raises(InvalidPositionError, match=r"Mated\(\) has drawn .* the game is over there"):
            env.reset(seed=0)
    with pytest.raises(SpecError, match="no lines that solve them"):
        Fens(FENS).puzzles(keys(1), np.zeros(1, dtype=np.int64))


class Closing(Fens):
    closed = False

    def close(self) -> None:
        type(self).closed = True


def test_what_is_made_from_a_spec_is_closed_and_what_is_handed_over_is_not() -> None:
    ChessEnv(starts=Closing(FENS)).close()
    ChessEnv(starts=Mix([Closing(FENS)])).close()
    assert not Closing.closed
    ChessEnv(starts={"kind": "mix", "parts": [{"kind": "test_starts:Closing", "fens": FENS}]}).close()
    assert Closing.closed
