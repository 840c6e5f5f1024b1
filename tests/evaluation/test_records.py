"""Games as PGN: byte for byte what python-chess writes of the same tree of moves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import chess
import chess.pgn
import numpy as np
import pytest

from sandwich_env.errors import IllegalActionError
from sandwich_env.evaluation.records import game_to_pgn, result_text
from sandwich_env.rules import Games, action_to_move, move_to_action

STARTS = (
    chess.STARTING_FEN,
    "8/P6k/8/8/8/8/7p/K7 b - - 0 1",  # promotions, and Black to begin
    "4k2r/1P6/8/3pP3/8/8/6p1/R3K3 w Qk d6 0 30",  # castling and en passant
    "7k/8/8/8/8/R7/8/R6K w - - 0 1",  # moves that two rooks can make
)


def by_the_tree(
    start_fen: str, actions: Sequence[int], outcome: float, headers: Mapping[str, str], comments: Sequence[str]
) -> str:
    """The moves in a tree, which python-chess writes down."""
    game, board = chess.pgn.Game(), chess.Board(start_fen)
    if board.fen() != chess.STARTING_FEN:
        game.setup(board)
    for name, value in headers.items():
        game.headers[name] = value
    game.headers["Result"] = result_text(outcome)
    node: chess.pgn.GameNode = game
    for ply, action in enumerate(actions):
        move = action_to_move(action, board)
        node = node.add_variation(move, comment=comments[ply] if comments else "")
        board.push(move)
    return f"{game.accept(chess.pgn.StringExporter(columns=80))}\n\n"


def random_games(seed: int) -> tuple[Games, list[list[int]]]:
    games = Games(len(STARTS), starts=STARTS, max_plies=120)
    played: list[list[int]] = [[] for _ in STARTS]
    while not games.finished.all():
        actions = np.where(games.finished, -1, games.sample(np.arange(len(STARTS)) + 100 * seed))
        for game, action in enumerate(actions):
            if action >= 0:
                played[game].append(int(action))
        games.step(actions)
    return games, played


@pytest.mark.parametrize("commented", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_writes_what_python_chess_writes_of_the_tree(seed: int, commented: bool) -> None:
    games, played = random_games(seed)
    texts = []
    for game, actions in enumerate(played):
        comments = [
            f"advice e2e4 {ply / 10:+.2f}, a brace }} and more" if ply % 3 == 0 else "" for ply in range(len(actions))
        ]
        comments = comments if commented else []
        outcome = float(games.outcome[game])
        headers = {"Termination": "mate", "White": "H", "Round": "7"}
        start = str(games.start_fens()[game])
        texts.append(game_to_pgn(start, actions, outcome=outcome, headers=headers, comments=comments))
        assert texts[-1] == by_the_tree(start, actions, outcome, headers, comments), game
    whole = "".join(texts)
    assert ("a brace  and more" in whole) == commented


def test_the_starts_lead_to_everything_that_notation_knows() -> None:
    texts = [
        game_to_pgn(str(games.start_fens()[game]), actions, outcome=0.0, headers={})
        for games, played in (random_games(seed) for seed in range(3))
        for game, actions in enumerate(played)
    ]
    moves = "".join(text.partition("\n\n")[2] for text in texts).split()
    assert any("=" in move for move in moves)
    assert any(move.endswith("+") for move in moves)
    assert any(move.startswith("R") and len(move.strip("+#")) == 4 and "x" not in move for move in moves)


def test_a_game_without_a_move() -> None:
    text = game_to_pgn(chess.STARTING_FEN, [], outcome=math.nan, headers={"Event": "none"})
    assert text == by_the_tree(chess.STARTING_FEN, [], math.nan, {"Event": "none"}, [])
    assert text.endswith('[Result "*"]\n\n*\n\n')


def actions_of(*names: str) -> list[int]:
    board, actions = chess.Board(), []
    for name in names:
        actions.append(move_to_action(board.parse_san(name), board))
        board.push_san(name)
    return actions


@pytest.mark.parametrize(
    "moves", ["f3 e5 g4 Qh4#", "e4 e5 Nf3 Nf6 Bc4 Bc5 O-O O-O", "d4 d5 Nc3 Nc6 Bf4 Bf5 Qd3 Qd6 O-O-O"]
)
def test_mates_and_castling(moves: str) -> None:
    actions = actions_of(*moves.split())
    text = game_to_pgn(chess.STARTING_FEN, actions, outcome=-1.0, headers={})
    assert text == by_the_tree(chess.STARTING_FEN, actions, -1.0, {}, [])
    assert [word for word in text.partition("\n\n")[2].split() if not word.endswith(".")] == [*moves.split(), "0-1"]


def test_an_illegal_action_is_refused() -> None:
    with pytest.raises(IllegalActionError, match="not legal"):
        game_to_pgn(chess.STARTING_FEN, actions_of("e4") * 3, outcome=0.0, headers={})
