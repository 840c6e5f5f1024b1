"""Runs for tests: tiny networks, a book of positions with a mate at hand, three puzzles, a few short games."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import chess
import numpy as np

from sandwich_env.experiments.config import RunConfig, config_from
from sandwich_env.experiments.run import start
from sandwich_env.experts.base import Evaluation, Expert
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network
from sandwich_env.rules import Games, move_to_action

UNTIMED = ("seconds.json", ".lock")
"""Files of a run's folder that may differ between two runs of one config."""


class MateInOne(Expert):
    """Mates where it can with its next move; plays the legal action with the lowest number where it cannot."""

    def evaluate(self, games: Games) -> Evaluation:
        legal = games.legal_mask()
        policy = np.where(legal == 1, -0.01 * np.arange(legal.shape[1]), -np.inf).astype(np.float32)
        value = np.zeros(len(games), dtype=np.float32)
        for row, fen in enumerate(games.fens()):
            board = chess.Board(fen)
            for move in [] if games.finished[row] else list(board.legal_moves):
                board.push(move)
                mates = board.is_checkmate()
                board.pop()
                if mates:
                    policy[row, move_to_action(move, board)] = 100.0
                    value[row] = 1.0
        return Evaluation(policy, value)


def _mates() -> list[str]:
    fens = []
    for file in range(5):
        board = chess.Board("6k1/5ppp/8/8/8/8/5PPP/6K1 w - - 0 1")
        board.set_piece_at(chess.square(file, 0), chess.Piece(chess.ROOK, chess.WHITE))
        fens += [board.fen(), board.mirror().fen()]
    return fens


BOOK = _mates()
"""Ten positions in which who is to move mates on the back rank."""

PUZZLES = (
    "PuzzleId,FEN,Moves,Rating\n"
    "one,7k/5ppp/8/8/8/8/8/R5K1 b - - 0 1,h8g8 a1a8,600\n"
    "two,7k/5ppp/8/8/8/8/8/3R2K1 b - - 0 1,h8g8 d1d8,700\n"
    "three,7k/5ppp/8/8/8/8/8/1R4K1 b - - 0 1,h8g8 b1b8,800\n"
)


def plain_config(folder: Path, out: str = "run", **changes: Any) -> dict[str, Any]:
    """A config as JSON holds it; the weights, the book and the puzzles are made in `folder` where they are not there.

    A change to a part of it is a mapping of its own: `play={"games": 2}`.
    """
    made = {
        "novice.safetensors": lambda path: save_network(new_network(NetworkShape(blocks=1, channels=8), 0), path),
        "book.epd": lambda path: path.write_text("".join(f"{fen}\n" for fen in BOOK)),
        "puzzles.csv": lambda path: path.write_text(PUZZLES),
    }
    for name, make in made.items():
        if not (folder / name).is_file():
            make(folder / name)
    config: dict[str, Any] = {
        "out": str(folder / out),
        "expert": {"kind": "run_support:MateInOne"},
        "novice": str(folder / "novice.safetensors"),
        "advisor": "random_move:epsilon=0.3",
        "method": {"kind": "imitate", "explore_plies": 2},
        "rounds": 2,
        "book": str(folder / "book.epd"),
        "device": "cpu",
        "play": {"games": 4, "games_at_once": 2, "max_plies": 6, "random_plies": 1},
        "learn": {"epochs": 3.0, "batch_size": 8, "checkpoint_every": 2, "learning_rate": 0.02},
        "evaluate": {
            "openings": 6,
            "max_plies": 8,
            "puzzles": str(folder / "puzzles.csv"),
            "positions": 10,
            "resamples": 50,
        },
    }
    for key, value in changes.items():
        config[key] = {**config[key], **value} if key in ("play", "learn", "evaluate") else value
    return config


def tiny_config(folder: Path, out: str = "run", **changes: Any) -> RunConfig:
    """The same as a config."""
    return config_from(plain_config(folder, out, **changes))


def finished(folder: Path, out: str = "run", **changes: Any) -> RunConfig:
    """A run of it from its start to its end."""
    config = tiny_config(folder, out, **changes)
    start(config)
    return config


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a run's folder that a config and a seed decide, by its path there.

    The folder's own path, which the config names, is taken out.
    """
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.name not in UNTIMED)
    return {
        str(path.relative_to(root)): path.read_bytes().replace(json.dumps(str(root)).encode(), b"") for path in files
    }


def moved(config: RunConfig, out: Path) -> RunConfig:
    """The same run in another folder."""
    return dataclasses.replace(config, out=out)
