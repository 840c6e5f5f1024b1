"""Starts from recorded games: positions that were met there, from a corpus's Parquet file or from PGN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chess
import chess.pgn
import numpy as np
import pytest

from sandwich_env.envs.single import ChessEnv
from sandwich_env.errors import DataError, SpecError
from sandwich_env.randomness import mix
from sandwich_env.reading.recorded import read_played
from sandwich_env.rules import move_to_action
from sandwich_env.starts.corpus import RecordedPositions

GAMES = ["e4 e5 Nf3 Nc6 Bb5 a6", "d4 d5 c4 e6 Nc3 Nf6 Bg5 Be7", "f3 e5 g4 Qh4#"]
FOURTH = "8/5k2/8/8/8/3R4/4K3/8 b - - 98 70"


def boards(moves: str, start: str = chess.STARTING_FEN) -> list[chess.Board]:
    """The positions in which each move was played."""
    board, found = chess.Board(start), []
    for word in moves.split():
        found.append(board.copy())
        board.push_san(word)
    return found


@pytest.fixture
def pgn(tmp_path: Path) -> Path:
    text = "".join(f'[Event "{k}"]\n[Result "1-0"]\n\n{moves} 1-0\n\n' for k, moves in enumerate(GAMES))
    text += f'[Event "set up"]\n[SetUp "1"]\n[FEN "{FOURTH}"]\n[Result "1-0"]\n\nKe7 Re3+ Kd7 Kf3 1-0\n\n'
    text += '[Event "broken"]\n[Result "1-0"]\n\n1. e4 Ke6 1-0\n\n'
    path = tmp_path / "games.pgn"
    path.write_text(text)
    return path


def drawn(corpus: RecordedPositions, count: int) -> list[str]:
    keys, episodes = mix("corpus", np.arange(count)), np.zeros(count, dtype=np.int64)
    fens = corpus.draw(keys, episodes)
    assert [corpus.draw(keys[i : i + 1], episodes[:1])[0] for i in range(count)] == fens
    return fens


def test_positions_of_a_pgn(pgn: Path) -> None:
    met = [board.fen() for moves in GAMES for board in boards(moves)]
    late = [board.fen() for board in boards("Ke7 Re3+ Kd7 Kf3", FOURTH)[:2]]  # then a draw can be claimed
    corpus = RecordedPositions(pgn)
    assert len(corpus) == 4
    fens = drawn(corpus, 400)
    assert set(fens) == {*met, *late}
    game = np.array([fen in {board.fen() for board in boards(GAMES[1])[1:]} for fen in fens])
    assert 0.15 < game.mean() < 0.3  # 7 of 8 plies of a game in four
    assert RecordedPositions(str(pgn)).to_spec() == {
        "kind": "corpus",
        "path": str(pgn),
        "min_ply": 0,
        "max_ply": None,
        "limit": None,
    }


def test_the_plies_and_games_that_are_wanted(pgn: Path) -> None:
    assert set(drawn(RecordedPositions(pgn, min_ply=5), 60)) == {
        board.fen() for g in GAMES[:2] for board in boards(g)[5:]
    }
    assert set(drawn(RecordedPositions(pgn, max_ply=1, limit=1), 20)) == {board.fen() for board in boards(GAMES[0])[:2]}
    assert set(drawn(RecordedPositions(pgn, min_ply=7, max_ply=30), 5)) == {boards(GAMES[1])[7].fen()}
    with pytest.raises(DataError, match="no game of more than 8 plies"):
        RecordedPositions(pgn, min_ply=8)
    with pytest.raises(SpecError, match="max_ply is 2, less than min_ply, 3"):
        RecordedPositions(pgn, min_ply=3, max_ply=2)
    env = ChessEnv(starts={"kind": "corpus", "path": str(pgn), "min_ply": 7}, learner_color="mover", opponent="random")
    assert env.reset(seed=0)[1] == {"ply": 0, "seat": 1}


def parquet(path: Path, **changes: Any) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns: dict[str, list[Any]] = {"game_id": [], "ply": [], "action": [], "start_fen": []}
    for k, moves in enumerate(GAMES[:2]):
        for ply, (board, word) in enumerate(zip(boards(moves), moves.split(), strict=True)):
            action = move_to_action(board.parse_san(word), board)
            for name, value in zip(columns, (k, ply, action, chess.STARTING_FEN), strict=True):
                columns[name].append(value)
    columns |= changes
    table = pa.table({name: column for name, column in columns.items() if column})
    pq.write_table(table.replace_schema_metadata({b"sandwich_env.corpus": b"1"}), path)
    return path


def test_positions_of_a_corpus(tmp_path: Path) -> None:
    path = parquet(tmp_path / "corpus.parquet")
    assert [len(game) for game in read_played(path)] == [6, 8]
    assert set(drawn(RecordedPositions(path), 300)) == {board.fen() for moves in GAMES[:2] for board in boards(moves)}


def test_a_corpus_that_cannot_be_played_again_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    with pytest.raises(DataError, match="there is no file"):
        RecordedPositions(path)
    with pytest.raises(DataError, match="lacks the columns 'start_fen'"):
        RecordedPositions(parquet(path, start_fen=[]))
    with pytest.raises(DataError, match=r"games 0 to 1023: they cannot be played again: .* is not legal"):
        RecordedPositions(parquet(path, action=[0] * 14))
    with pytest.raises(DataError, match="not in their order"):
        RecordedPositions(parquet(path, ply=[0] * 14))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not Parquet, or is truncated"):
        RecordedPositions(path)
    (tmp_path / "prose.pgn").write_text("It was a dark night.\n")
    with pytest.raises(DataError, match="no game"):
        RecordedPositions(tmp_path / "prose.pgn")
