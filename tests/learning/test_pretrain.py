"""`sandwich pretrain`, from files to a network with its card."""

from __future__ import annotations

import csv
import gzip
import json

import chess
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sandwich_env.errors import DataError, SpecError, WeightsError
from sandwich_env.learning import pretrain as module
from sandwich_env.learning.pretrain import PretrainConfig, pretrain
from sandwich_env.learning.sources import Labelled, encode, from_games, from_labels, from_puzzles, is_held_out
from sandwich_env.learning.supervised import Fit
from sandwich_env.nets.weights import load_card, load_network
from sandwich_env.reading.puzzles import read_puzzles
from sandwich_env.rules import move_to_action

GAMES = """[Event "one"]
[WhiteElo "1500"]
[BlackElo "1600"]
[Result "1-0"]

1. e4 e5 2. Bc4 Nc6 3. Qh5 Nf6 4. Qxf7# 1-0

[Event "two"]
[WhiteElo "900"]
[BlackElo "1600"]
[Result "0-1"]

1. f3 e5 2. g4 Qh4# 0-1

"""


@pytest.fixture
def pgn(tmp_path):
    path = tmp_path / "games.pgn.gz"
    with gzip.open(path, "wt") as file:
        file.write(GAMES)
    return path


@pytest.fixture
def labels(tmp_path):
    board, rows = chess.Board(), []
    rng = np.random.default_rng(0)
    while len(rows) < 120:
        moves = list(board.legal_moves)
        if not moves or board.ply() > 60:
            board = chess.Board()
            continue
        rows.append((board.fen(), moves[0].uci(), 0.1))
        board.push(moves[int(rng.integers(len(moves)))])
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table(dict(zip(("fen", "move", "value"), map(list, zip(*rows, strict=True)), strict=True))), path)
    return path


@pytest.fixture
def puzzles(tmp_path):
    path = tmp_path / "puzzles.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["PuzzleId", "FEN", "Moves", "Rating", "Themes"])
        for number in range(60):
            writer.writerow(
                [f"id{number}", "6k1/5ppp/8/8/8/8/r4PPP/1R4K1 b - - 0 1", "a2c2 b1b8 c2c8 b8c8", 600, "mate mateIn2"]
            )
    return path


def test_games_give_the_moves_played_and_the_result_for_who_played_it(pgn):
    rng = np.random.default_rng(0)
    found = list(from_games([pgn], games=None, positions_per_game=100, rng=rng))
    assert len(found) == 7 + 4
    for position in found:
        chess.Board(position.fen).parse_uci(position.move.uci())
    mates = [p for p in found if p.move.uci() in {"h5f7", "d8h4"}]
    assert [p.value for p in mates] == [1.0, 1.0]
    assert sum(p.value for p in found) == 1.0  # 4 of White's moves won, 3 of Black's lost; then 2 lost and 2 won
    assert len(list(from_games([pgn], games=1, positions_per_game=3, rng=rng))) == 3
    assert len(list(from_games([pgn], games=None, positions_per_game=100, rng=rng, min_rating=1000))) == 7


def test_puzzles_give_the_solvers_moves_and_hold_some_out(puzzles):
    kept = [puzzle for puzzle in read_puzzles(puzzles) if not is_held_out(puzzle)]
    found = list(from_puzzles(puzzles))
    assert 0 < len(kept) < 60
    assert [p.move.uci() for p in found] == ["b1b8", "b8c8"] * len(kept)
    assert {p.value for p in found} == {1.0}


def test_labels_and_encoding(labels):
    found = list(from_labels([labels]))
    examples = encode(found)
    assert len(examples) == len(found) == 120
    assert [int(a) for a in examples.action] == [move_to_action(p.move, chess.Board(p.fen)) for p in found]
    assert np.allclose(examples.value, 0.1)


def test_an_illegal_label_is_named():
    with pytest.raises(DataError, match="where it is illegal"):
        encode([Labelled(chess.STARTING_FEN, chess.Move.from_uci("e2e5"), 0.0)])


def test_a_file_that_holds_no_labels_is_named(tmp_path):
    path = tmp_path / "other.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"other\.parquet.*columns fen, move, value"):
        list(from_labels([path]))


def config(tmp_path, **changes):
    defaults = {
        "out": tmp_path / "net.safetensors",
        "steps": 12,
        "batch_size": 16,
        "blocks": 1,
        "channels": 8,
        "checkpoint_every": 5,
    }
    return PretrainConfig(**(defaults | changes))


def test_a_network_comes_with_a_card_of_its_data_and_scores(tmp_path, pgn, labels, puzzles):
    card = pretrain(config(tmp_path, pgn=(pgn,), labels=(labels,), puzzles=puzzles, held_out=0.1))
    assert card == json.loads((tmp_path / "net.json").read_text()) == load_card(tmp_path / "net.safetensors")
    assert load_network(tmp_path / "net.safetensors").shape.channels == 8
    assert card["data"]["recorded games"]["positions"] + card["data"]["recorded games"]["held_out"] == 11
    assert card["samples_seen"] == 12 * 16
    assert 0.0 <= card["scores"]["engine labels"]["accuracy"] <= 1.0
    assert card["scores"]["puzzles 400-1399"]["puzzles"] == sum(is_held_out(p) for p in read_puzzles(puzzles))
    assert str(tmp_path) not in json.dumps(card)
    assert not list(tmp_path.glob("*checkpoint*"))


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(tmp_path, labels, monkeypatch):
    (tmp_path / "whole").mkdir()
    whole, cut = config(tmp_path / "whole", labels=(labels,)), config(tmp_path, labels=(labels,))
    pretrain(whole)
    loss = Fit.loss

    def dies_at_eight(fit):
        if fit.step == 8:
            raise Killed
        return loss(fit)

    monkeypatch.setattr(Fit, "loss", dies_at_eight)
    with pytest.raises(Killed):
        pretrain(cut)
    monkeypatch.setattr(Fit, "loss", loss)
    taken = []
    monkeypatch.setattr(Fit, "load_state", lambda fit, state, load=Fit.load_state: (taken.append(1), load(fit, state)))
    pretrain(cut)
    assert taken
    one, other = load_network(whole.out).state_dict(), load_network(cut.out).state_dict()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_checkpoint_of_another_config_is_refused(tmp_path, labels, monkeypatch):
    def dies(fit):
        if fit.step == 6:
            raise Killed
        return loss(fit)

    loss = Fit.loss
    monkeypatch.setattr(Fit, "loss", dies)
    with pytest.raises(Killed):
        pretrain(config(tmp_path, labels=(labels,)))
    with pytest.raises(WeightsError, match="another config"):
        pretrain(config(tmp_path, labels=(labels,), learning_rate=0.5))


def test_starting_from_weights_of_another_shape_is_refused(tmp_path, labels):
    pretrain(config(tmp_path, labels=(labels,)))
    with pytest.raises(WeightsError, match="has the shape"):
        pretrain(config(tmp_path, labels=(labels,), init=tmp_path / "net.safetensors", channels=16))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing to learn from"),
        ({"out": "net.pt"}, r"net\.pt.*\.safetensors"),
        ({"held_out": 1.5}, r"held_out is 1\.5"),
    ],
)
def test_a_config_that_cannot_work_is_refused(tmp_path, changes, message):
    data = {} if not changes else {"labels": (tmp_path / "labels.parquet",)}
    changes = {key: tmp_path / value if key == "out" else value for key, value in changes.items()}
    with pytest.raises(SpecError, match=message):
        config(tmp_path, **data, **changes)


def test_the_bands_of_ratings_do_not_overlap():
    assert all(low < high for low, high in module.PUZZLE_BANDS)
    assert all(a[1] == b[0] for a, b in zip(module.PUZZLE_BANDS, module.PUZZLE_BANDS[1:], strict=False))
