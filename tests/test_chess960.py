"""Chess960 castling is refused wherever a position, a board or a game comes in; without castling rights it is chess."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import chess
import chess.pgn
import numpy as np
import pytest

from sandwich_env.envs.config import ChessConfig
from sandwich_env.errors import DataError, InvalidPositionError
from sandwich_env.evaluation.openings import load_openings
from sandwich_env.reading.games_io import open_games
from sandwich_env.rules import Games, action_to_move, move_to_action
from sandwich_env.rules.perft import perft

SHREDDER = "bqnbnrkr/pppppppp/8/8/8/8/PPPPPPPP/BQNBNRKR w HFhf - 0 1"
X_FEN = SHREDDER.replace("HFhf", "KQkq")
NO_RIGHTS = SHREDDER.replace("HFhf", "-")
USUAL_START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w HAha - 0 1"
REFUSED = "standard chess|Chess960"


@pytest.mark.parametrize("fen", [SHREDDER, X_FEN, USUAL_START])
def test_fens_with_rights_of_chess960(fen: str, tmp_path: Path) -> None:
    games = Games(2)
    state = games.state()
    state["starts"] = np.array([chess.STARTING_FEN, fen])
    for take in (
        lambda: Games(1, [fen]),
        lambda: Games.from_fens([fen]),
        lambda: games.reset([1], [fen]),
        lambda: Games.from_state(state),
        lambda: perft(fen, 1),
        lambda: ChessConfig.of({"starts": fen}, advised="learner"),
    ):
        with pytest.raises(InvalidPositionError, match=REFUSED):
            take()
    assert games.fens() == [chess.STARTING_FEN] * 2
    lines = tmp_path / "openings.epd"
    lines.write_text(f"{chess.STARTING_FEN}\n{fen}\n")
    with pytest.raises(DataError, match=f"line 2: .*({REFUSED})"):
        load_openings(lines)


def test_the_same_position_without_rights_is_played() -> None:
    games = Games(1, [NO_RIGHTS])
    for _ in range(30):
        games.step(games.sample([1]))
    assert games.board(0).fen() == games.fens()[0]


@pytest.mark.parametrize("fen", [SHREDDER, chess.STARTING_FEN])
def test_boards_of_chess960(fen: str) -> None:
    """Even from the usual start: its castling would be another move."""
    board = chess.Board(fen, chess960=True)
    with pytest.raises(InvalidPositionError, match=REFUSED):
        move_to_action(chess.Move.from_uci("a2a3"), board)
    with pytest.raises(InvalidPositionError, match=REFUSED):
        action_to_move(0, board)


def pgn(variant: str, fen: str) -> str:
    board = chess.Board(fen, chess960=True)
    game = chess.pgn.Game.from_board(board)
    game.headers["Variant"] = variant
    game.headers["Result"] = "1-0"
    for uci in ("b2b3", "b7b6", "c2c3"):
        game = game.end().add_variation(chess.Move.from_uci(uci)).game()
    return str(game) + "\n\n"


@pytest.mark.parametrize("variant", ["Chess960", "chess 960", "Fischerandom", "Atomic"])
@pytest.mark.parametrize("fen", [SHREDDER, chess.STARTING_FEN])
def test_pgn_of_other_variants(variant: str, fen: str, tmp_path: Path) -> None:
    """Games to learn from are counted out; openings, of which each counts, are refused."""
    path = tmp_path / "games.pgn"
    standard = '[Event "one"]\n[Result "1-0"]\n\n1. e4 e5 2. Nf3 1-0\n\n'
    path.write_text(pgn(variant, fen) + standard)
    counts: Counter[str] = Counter()
    read = list(open_games(path, counts=counts))
    assert len(read) == 1
    assert counts == {"variant": 1, "read": 1}
    with pytest.raises(DataError, match=f"game 1 of the PGN is of the variant {variant!r}"):
        load_openings(path)


def test_pgn_that_does_not_say_its_variant(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(f'[Event "one"]\n[SetUp "1"]\n[FEN "{SHREDDER}"]\n[Result "1-0"]\n\n1. b3 b6 2. c3 1-0\n\n')
    counts: Counter[str] = Counter()
    assert list(open_games(path, counts=counts)) == []
    assert counts == {"start": 1}
    with pytest.raises(DataError, match=REFUSED):
        load_openings(path)
