"""B: its table of judged moves, its objective, its rounds that can be stopped, and its measures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import chess
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experts.network import NetworkExpert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.adversary import train as training
from sandwich_env.learning.adversary.batches import Batches
from sandwich_env.learning.adversary.config import AdversaryConfig
from sandwich_env.learning.adversary.looking import look, look_as
from sandwich_env.learning.adversary.measure import auroc, mean_by_game, measure
from sandwich_env.learning.adversary.objective import Weights
from sandwich_env.learning.adversary.play import reach
from sandwich_env.learning.adversary.tables import MoveTable, join, judge, load_table, save_table
from sandwich_env.nets.weights import load_network
from sandwich_env.rules import Games, action_to_move

MATE_IN_ONE = "6k1/5ppp/8/8/8/8/8/K3R3 w - - 0 1"
HANGING = "rnb1kbnr/pppp1ppp/8/4p2q/8/5N2/PPPPPPPP/RNBQKB1R b KQkq - 0 3"


@pytest.fixture(scope="module")
def table() -> MoveTable:
    expert, novice = NetworkExpert("expert"), NetworkExpert("novice")
    fens, game = reach(novice, expert, np.arange(6), per_game=4, follows=0.5, seed=3, max_plies=40)
    return judge(fens, game, expert, [novice, expert])


def tiny(out: Path, **changes: Any) -> AdversaryConfig:
    small = {"games": 2, "positions_per_game": 2, "steps": 5, "detector_steps": 2, "batch_size": 4, "rounds": 2}
    return AdversaryConfig(out=out, **{**small, **changes})


def test_a_move_is_worth_what_it_leads_to() -> None:
    games = Games.from_fens([MATE_IN_ONE])
    moves = look(games, UniformExpert())
    mates = [action_to_move(int(a), games.board(0)).uci() for a in moves.legal.actions[moves.value == 1]]
    assert mates == ["e1e8"]
    assert (moves.value[moves.value != 1] == 0).all(), "an expert that knows nothing gives 0 to the rest"
    seen = look_as(games, UniformExpert(), moves.legal)
    assert (seen.shallow[moves.value == 1] == 1).all()
    assert games.fens() == [MATE_IN_ONE]


def test_values_after_moves_are_those_of_the_positions_themselves(table: MoveTable) -> None:
    expert, games = NetworkExpert("expert"), Games.from_fens(table.fens[:1])
    values = []
    for action in table.actions[: table.counts[0]].tolist():
        board = chess.Board(table.fens[0])
        board.push(action_to_move(action, board))
        values.append(-float(expert.evaluate(Games.from_fens([board.fen(en_passant="fen")])).value[0]))
    lost = (max(values) - np.array(values)) / 2
    np.testing.assert_allclose(table.loss[: table.counts[0]], lost, atol=1e-5)
    np.testing.assert_allclose(table.expert_value[:1], expert.evaluate(games).value, atol=1e-6)


def test_every_position_has_a_best_move_and_suspicion_has_its_bounds(table: MoveTable) -> None:
    assert len(table) >= 12
    assert (np.minimum.reduceat(table.loss, table.starts) == 0).all()
    for array in (table.loss, table.seen_drop, table.surprise, table.seen(), table.seen(1)):
        assert array.min() >= 0
        assert array.max() <= 1
    assert (table.surprise[1][table.favourites(table.expert_logits)] == 0).all(), "E is not surprised by its favourite"
    some = np.array([3, 0])
    chosen = table.select(some)
    assert chosen.fens == [table.fens[3], table.fens[0]]
    start = table.starts[3]
    np.testing.assert_array_equal(chosen.loss[: chosen.counts[0]], table.loss[start : start + table.counts[3]])
    both = join([chosen, table])
    assert len(both) == len(table) + 2
    assert both.seen_drop.shape[1] == len(both.actions)


def test_a_table_survives_the_disk(table: MoveTable, tmp_path: Path) -> None:
    path = tmp_path / "table.safetensors"
    save_table(table, path)
    again = load_table(path)
    for field in dataclasses.fields(MoveTable):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(table, field.name))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is no table of judged moves"):
        load_table(path)


def test_positions_of_a_game_do_not_depend_on_the_others() -> None:
    novice = NetworkExpert("novice")
    options = {"per_game": 3, "follows": 0.5, "seed": 1, "max_plies": 20}
    fens, game = reach(novice, novice, np.arange(4), **options)
    alone, _ = reach(novice, novice, np.array([2]), **options)
    assert alone == [fen for fen, number in zip(fens, game, strict=True) if number == 2]


def test_batches_go_through_the_table(table: MoveTable) -> None:
    batches = Batches(table, {"loss": table.loss}, seed=0)
    rows = np.concatenate([batches.draw(step, 4) for step in range(len(table) // 4)])
    assert len(set(rows.tolist())) == len(rows)
    batch = batches.batch(np.array([1]))
    assert batch.legal.sum() == table.counts[1]
    start = table.starts[1]
    np.testing.assert_array_equal(batch.values["loss"][0], table.loss[start : start + table.counts[1]])


@pytest.mark.parametrize("weight", [0.0, 1000.0])
def test_b_learns_what_its_objective_says(table: MoveTable, tmp_path: Path, weight: float) -> None:
    config = tiny(tmp_path, steps=60, batch_size=16, learning_rate=1e-3)
    network, detector = load_network("expert"), load_network("novice")
    weights = Weights(weight, detector=0.0, entropy=0.0)
    training.fit_adversary(network, detector, table, config, weights, league=1, folder=tmp_path)
    moves = table.favourites(training.logits_of(network, Batches(table, {}, 0)))
    honest = table.favourites(table.expert_logits)
    if weight == 0:
        assert table.loss[moves].mean() > table.loss[honest].mean() + 0.05, "without a price on suspicion it loses"
    else:
        assert table.seen(1)[moves].mean() < 0.5 * table.seen(1)[honest].mean(), "what H would do itself"


def test_a_run_that_is_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = training.train(tiny(tmp_path / "whole")).read_bytes()
    stopped = tmp_path / "stopped"

    def stop(name: str, done: int, total: int) -> None:
        if name == "round 2: steps" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(tiny(stopped), stop)
    assert (stopped / "round_2" / "stage_1.safetensors").is_file()
    assert not (stopped / "b.safetensors").exists()
    assert training.train(tiny(stopped)).read_bytes() == whole
    with pytest.raises(SpecError, match="was begun with steps=5, not 6"):
        training.train(tiny(stopped, steps=6))


def test_the_league_grows_from_round_to_round(tmp_path: Path) -> None:
    config = tiny(tmp_path, victims=("a", "b", "c"), rounds=3)
    assert [config.league(number) for number in (1, 2, 3)] == [("a",), ("a", "b"), ("a", "b", "c")]
    with pytest.raises(SpecError, match="victims is empty"):
        tiny(tmp_path, victims=())
    with pytest.raises(SpecError, match=r"follows is 1\.5"):
        tiny(tmp_path, follows=1.5)


def test_auroc_by_hand() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 0.0])) == 1
    assert auroc(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert auroc(np.array([0.0, 3.0]), np.array([1.0, 2.0])) == 0.5
    assert auroc(np.array([2.0, 2.0]), np.array([2.0, 1.0, 3.0])) == pytest.approx(3 / 6)
    with pytest.raises(ValueError, match="needs scores of both sorts, not 0 and 1"):
        auroc(np.array([]), np.array([1.0]))


def test_the_interval_is_over_games() -> None:
    figure = mean_by_game(np.array([0.0, 0.0, 0.0, 1.0]), np.array([1, 1, 1, 2]))
    assert figure.mean == 0.25
    assert (figure.low, figure.high) == (0.0, 1.0)


def test_measures_of_the_advisers(table: MoveTable, tmp_path: Path) -> None:
    config = tiny(tmp_path, detector_steps=3)
    found = {row.name: row for row in measure(config, table, table, load_network("expert"), engine=UniformExpert())}
    assert list(found) == ["honest", "random move", "worst move", "B"]
    assert found["worst move"].loss.mean > found["random move"].loss.mean > found["honest"].loss.mean
    assert found["B"].loss == found["honest"].loss, "here B is E"
    assert found["honest"].victim_auroc == found["honest"].detector_auroc == 0.5
    assert found["honest"].obvious.mean == 0
    assert found["worst move"].obvious.mean > 0.3
    assert found["honest"].engine_loss is not None
