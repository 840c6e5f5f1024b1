"""A corpus as Parquet and as PGN."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import chess
import chess.pgn
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_support import assert_equal, recorded

from sandwich_env.errors import DataError, MissingExtraError
from sandwich_env.learning.corpus import Corpus
from sandwich_env.learning.corpus_recorder import CorpusRecorder
from sandwich_env.rules import move_to_action

CORPUS = recorded(10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "corpus.parquet"
    CORPUS.to_parquet(file)
    return file


def unfinished() -> Corpus:
    recorder = CorpusRecorder()
    ids = recorder.begin([chess.STARTING_FEN], white="H", black="H")
    recorder.append(ids, [move_to_action(chess.Move.from_uci("e2e4"), chess.Board())])
    return recorder.build()


def test_parquet_gives_the_corpus_back(path: Path, tmp_path: Path) -> None:
    assert_equal(CORPUS, Corpus.from_parquet(path))
    other = Corpus.concatenate([recorded(3, seed=4), unfinished()])
    other.to_parquet(tmp_path / "other.parquet")
    assert_equal(other, Corpus.from_parquet(tmp_path / "other.parquet"))
    empty = CorpusRecorder().build()
    empty.to_parquet(tmp_path / "empty.parquet")
    assert_equal(empty, Corpus.from_parquet(tmp_path / "empty.parquet"))


def test_parquet_is_easy_on_other_programs(path: Path) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    assert len(rows) == len(CORPUS)
    board = chess.Board()
    for row in rows:
        if row["ply"] == 0:
            board = chess.Board(row["start_fen"])
        board.push_uci(row["uci"])
        if row["asked"]:
            assert chess.Move.from_uci(row["advice_uci"])
            assert row["followed"] == (row["advice_uci"] == row["uci"])
            assert row["truth_tampered"] == bool(row["truth_by"])
        else:
            assert row["advice_move"] is row["advice_uci"] is row["advice_value"] is row["truth_honest_move"] is None
        assert row["result"] == (row["outcome"] if row["mover"] == 0 else -row["outcome"])
    truths = {name for name in table.column_names if name.startswith("truth_")}
    assert truths == {"truth_tampered", "truth_by", "truth_honest_move", "truth_honest_value"}


def test_a_game_that_is_not_finished_has_no_outcome(tmp_path: Path) -> None:
    unfinished().to_parquet(tmp_path / "a.parquet")
    (row,) = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert row["outcome"] is row["result"] is row["own_move"] is row["own_uci"] is None
    assert row["termination"] == "unfinished"


@pytest.mark.parametrize("share", [0.0, 0.2, 0.99])
def test_a_truncated_file(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"corpus\.parquet' is not Parquet, or is truncated"):
        Corpus.from_parquet(path)


def test_files_that_hold_no_corpus(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        Corpus.from_parquet(tmp_path / "missing.parquet")
    table = pq.read_table(path)
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"x": [1]}), foreign)
    with pytest.raises(DataError, match="not a corpus of this package"):
        Corpus.from_parquet(foreign)
    pq.write_table(table.replace_schema_metadata({"sandwich_env.corpus": "99"}), foreign)
    with pytest.raises(DataError, match="a corpus of format '99'"):
        Corpus.from_parquet(foreign)
    pq.write_table(table.drop_columns(["asked", "truth_by"]), foreign)
    with pytest.raises(DataError, match="lacks the columns 'asked', 'truth_by'"):
        Corpus.from_parquet(foreign)
    words = table.set_column(table.column_names.index("action"), "action", pa.array(["e2e4"] * len(table)))
    pq.write_table(words, foreign)
    with pytest.raises(DataError, match=r"foreign\.parquet': column 'action' does not hold int64"):
        Corpus.from_parquet(foreign)
    pq.write_table(table.slice(3), foreign)
    with pytest.raises(DataError, match="has ply 3 where ply 0 is due"):
        Corpus.from_parquet(foreign)


def test_pyarrow_may_be_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (lambda: CORPUS.to_parquet(path), lambda: Corpus.from_parquet(path)):
        with pytest.raises(MissingExtraError, match=r"'pyarrow' is not installed: pip install 'sandwich_env\[train\]'"):
            call()


def test_a_full_disk_leaves_the_old_corpus(path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writing fails with OSError all the same."""
    old = path.read_bytes()
    program = f"""
import resource
from sandwich_env.learning.corpus import Corpus
corpus = Corpus.from_parquet({str(path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for write in (corpus.to_parquet, corpus.to_pgn):
    try:
        write({str(path)!r})
    except OSError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    texts = done.stdout.splitlines()
    assert len(texts) == 2
    for text in texts:
        assert f"could not write {str(path)!r}, and what was there before is untouched: " in text
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def read_pgn(path: Path) -> list[chess.pgn.Game]:
    stream = io.StringIO(path.read_text())
    games = []
    while (game := chess.pgn.read_game(stream)) is not None:
        assert not game.errors
        games.append(game)
    return games


def test_pgn_holds_the_games_and_the_advice(tmp_path: Path) -> None:
    path = tmp_path / "corpus.pgn"
    CORPUS.to_pgn(path)
    games = read_pgn(path)
    seen = CORPUS.visible()
    assert len(games) == len(CORPUS.games)
    for number, game in enumerate(games):
        rows = np.flatnonzero(seen.game_id == number)
        assert game.board().fen() == chess.Board(str(CORPUS.games.start_fen[number])).fen()
        assert (game.headers["White"], game.headers["Black"], game.headers["Round"]) == ("H", "H'", "1")
        assert game.headers["Result"] == {1: "1-0", -1: "0-1", 0: "1/2-1/2"}[int(CORPUS.games.outcome[number])]
        assert game.headers["Termination"] == CORPUS.games.termination[number]
        nodes = list(game.mainline())
        assert len(nodes) == len(rows)
        for row, node in zip(rows, nodes, strict=True):
            assert move_to_action(node.move, node.parent.board()) == seen.action[row]
            if not seen.asked[row]:
                assert node.comment == ""
                continue
            found = re.fullmatch(r"advice (\S+) [+-]0\.00, (followed|not followed)", node.comment)
            assert found, node.comment
            advised = move_to_action(chess.Move.from_uci(found[1]), node.parent.board())
            assert advised == seen.advice_move[row]
            assert (found[2] == "followed") == seen.followed[row]


def test_the_truth_is_in_the_pgn_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "corpus.pgn"
    CORPUS.to_pgn(path)
    for word in ("truth", "honest", "random_move", "tampered"):
        assert word not in path.read_text()
    CORPUS.to_pgn(path, with_truth=True)
    comments = [node.comment for game in read_pgn(path) for node in game.mainline()]
    truth, seen = CORPUS.truth, CORPUS.visible()
    for row in np.flatnonzero(seen.asked):
        source = "random_move" if truth.tampered[row] else "honest"
        assert re.search(rf"; truth: {source}, honest \S+ [+-]0\.00$", comments[row])


def test_a_game_that_is_not_finished_has_no_result(tmp_path: Path) -> None:
    unfinished().to_pgn(tmp_path / "a.pgn")
    (game,) = read_pgn(tmp_path / "a.pgn")
    assert game.headers["Result"] == "*"
    assert game.end().board().ply() == 1
