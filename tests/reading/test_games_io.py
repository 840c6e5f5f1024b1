"""Recorded games from PGN: what is read, what is left out and counted, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections import Counter
from pathlib import Path

import chess
import pytest

from sandwich_env.errors import DataError, SpecError
from sandwich_env.reading.games_io import open_games

SHARED = Path(__file__).parents[3] / "shared" / "data" / "human_games"


def pgn(moves: str, result: str = "1-0", **tags: str) -> str:
    header = "".join(f'[{name} "{value}"]\n' for name, value in {"Event": "test", "Result": result, **tags}.items())
    return f"{header}\n{moves} {result}\n\n"


FOOLS_MATE = pgn("1. f3 e5 2. g4 Qh4#", "0-1", WhiteElo="1200", BlackElo="1500")
LEGAL = "1. e4 e5 2. Nf3 d6 3. Bc4 Bg4 4. Nc3 g6 5. Nxe5 Bxd1 6. Bxf7+ Ke7 7. Nd5#"


def written(folder: Path, text: str, name: str = "games.pgn") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    elif name.endswith(".zst"):
        zstandard = pytest.importorskip("zstandard")
        path.write_bytes(zstandard.ZstdCompressor().compress(text.encode()))
    else:
        path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("name", ["games.pgn", "games.pgn.gz", "games.pgn.zst"])
def test_reads_moves_result_ratings_and_tags(tmp_path: Path, name: str) -> None:
    counts: Counter[str] = Counter()
    games = list(open_games(written(tmp_path, FOOLS_MATE + pgn(LEGAL), name), counts=counts))
    assert [move.uci() for move in games[0].moves] == ["f2f3", "e7e5", "g2g4", "d8h4"]
    assert (games[0].result, games[0].white_rating, games[0].black_rating) == (-1.0, 1200, 1500)
    assert (games[1].result, games[1].white_rating, games[1].black_rating) == (1.0, None, None)
    assert games[0].headers["Event"] == "test"
    assert games[0].start_fen == chess.STARTING_FEN
    assert len(games[1].moves) == 13
    assert counts == {"read": 2}


def test_comments_side_lines_and_glyphs_are_passed_over(tmp_path: Path) -> None:
    text = "{before} 1. e4 $1 {[%eval 0.3]} (1. d4 d5 (1... Nf6 2. c4) 2. c4) 1... e5! ; the rest of the line\n2. Nf3 "
    (game,) = open_games(written(tmp_path, pgn(text, "1/2-1/2")))
    assert [move.uci() for move in game.moves] == ["e2e4", "e7e5", "g1f3"]
    assert game.result == 0.0


def test_what_cannot_be_learnt_from_is_left_out_and_counted(tmp_path: Path) -> None:
    text = (
        FOOLS_MATE
        + pgn("1. e4 e5 2. Ke3")
        + pgn("1. e4 Qh5")
        + pgn("1. e4", "*")
        + pgn("1. a4", Variant="Antichess")
        + pgn("1. Kd2", FEN="4k3/8/8/8/8/8/8/4K3 w - - 0 1", SetUp="1")
        + pgn("")
        + pgn(LEGAL)
        + pgn("1. e4 e5").rsplit(" ", 1)[0]
    )
    counts: Counter[str] = Counter()
    games = list(open_games(written(tmp_path, text), counts=counts))
    assert [len(game.moves) for game in games] == [4, 13]
    assert counts == {
        "read": 2, "illegal": 2, "unfinished": 1, "variant": 1, "start": 1, "no moves": 1, "cut": 1,
    }  # fmt: skip


def test_games_without_tags_are_read_by_their_result(tmp_path: Path) -> None:
    games = list(open_games(written(tmp_path, "1. e4 e5 1-0\n\n1. d4 d5 0-1\n")))
    assert [game.result for game in games] == [1.0, -1.0]


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"min_rating": 1500}, [1, 2]),
        ({"max_rating": 1600}, [0, 1]),
        ({"min_rating": 1300, "max_rating": 1600}, [1]),
        ({"min_rating": 0}, [0, 1, 2]),
    ],
)
def test_rating_limits_hold_for_both_players(tmp_path: Path, limits: dict[str, int], kept: list[int]) -> None:
    ratings = [("1200", "1500"), ("1500", "1600"), ("1500", "1700"), ("?", "1500")]
    text = "".join(pgn(LEGAL, White=str(i), WhiteElo=w, BlackElo=b) for i, (w, b) in enumerate(ratings))
    counts: Counter[str] = Counter()
    games = list(open_games(written(tmp_path, text), counts=counts, **limits))  # type: ignore[arg-type]
    assert [int(game.headers["White"]) for game in games] == kept
    assert counts["rating"] == 4 - len(kept)


def test_limits_that_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="min_rating is 2000, above max_rating, 1000"):
        open_games(tmp_path / "any.pgn", min_rating=2000, max_rating=1000)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file '.*nothing\.pgn'"):
        list(open_games(tmp_path / "nothing.pgn"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"hello world\nfoo\n",
        bytes(range(256)) * 20,
        b"PuzzleId,FEN,Moves\n00008,r6k/pp2r2p/4Rp1Q/3p4/8/1N1P2R1/PqP2bPP/7K b - - 0 24,f2g3 e6e7 b2b1\n",
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "blank", "words", "bytes", "puzzles", "picture"],
)
def test_what_is_not_pgn(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "games.pgn"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"games\.pgn' holds no game: it is empty, or not PGN"):
        list(open_games(path))


@pytest.mark.parametrize("name", ["games.pgn.gz", "games.pgn.zst"])
def test_a_truncated_file_gives_its_whole_games_and_then_the_error(tmp_path: Path, name: str) -> None:
    # Tags that do not compress to nothing.
    text = "".join(pgn("1. e4 e5", Site=hashlib.shake_256(bytes([i])).hexdigest(500)) for i in range(250))
    path = written(tmp_path, text, name)
    path.write_bytes(path.read_bytes()[:-2000])
    read = []
    with pytest.raises(DataError, match=r"is truncated.*after [0-9]+ games") as caught:
        read.extend(open_games(path))
    assert 100 < len(read) < 250
    assert f"(after {len(read)} games)" in str(caught.value)


@pytest.mark.parametrize("name", ["games.pgn.gz", "games.pgn.zst"])
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FOOLS_MATE)
    with pytest.raises(DataError, match=r"is truncated or is not gzip|is not Zstandard"):
        list(open_games(path))


def test_names_in_latin_1_do_not_stop_it(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_bytes(pgn(LEGAL, White="Müller").encode("latin-1"))
    assert len(list(open_games(path))) == 1


def test_a_byte_order_mark_does_not_stop_it(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_bytes(b"\xef\xbb\xbf" + FOOLS_MATE.encode())
    (game,) = open_games(path)
    assert game.result == -1.0


def test_reads_no_further_than_it_is_asked_to(tmp_path: Path) -> None:
    path = written(tmp_path, FOOLS_MATE * 5000 + "garbage", "games.pgn.gz")
    path.write_bytes(path.read_bytes()[:-10])
    assert len(list(itertools.islice(open_games(path), 10))) == 10


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the corpora are not beside the checkout")
def test_reads_human_games_as_python_chess_does() -> None:
    import io

    import chess.pgn
    import zstandard

    path = SHARED / "lichess_2013-2017.pgn.zst"
    with path.open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        theirs = []
        while len(theirs) < 150 and (game := chess.pgn.read_game(text)) is not None:
            if game.headers["Result"] != "*" and any(game.mainline_moves()):
                theirs.append(list(game.mainline_moves()))
    ours = [game.moves for game in itertools.islice(open_games(path), 150)]
    assert ours == theirs
