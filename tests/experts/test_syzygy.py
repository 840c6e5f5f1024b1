"""The exact expert: its values and moves are those of the tables, and of mates that python-chess finds by search."""

from __future__ import annotations

import pickle
from pathlib import Path

import chess
import chess.syzygy
import numpy as np
import pytest

from sandwich_env.errors import DataError
from sandwich_env.experts.base import Expert
from sandwich_env.experts.syzygy import SyzygyExpert
from sandwich_env.randomness import mix
from sandwich_env.rules import Games, action_to_move
from sandwich_env.specs import from_spec
from sandwich_env.starts.endgame import Endgame

SYZYGY = Path(__file__).parents[3] / "shared" / "data" / "syzygy"
with_tables = pytest.mark.skipif(not SYZYGY.is_dir(), reason="no Syzygy tables beside the checkout")


def test_a_folder_that_has_no_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        from_spec({"kind": "syzygy", "folder": str(tmp_path / "none")}, Expert)
    with pytest.raises(DataError, match="has no Syzygy tables"):
        SyzygyExpert(tmp_path)


def positions(material: list[str], count: int, **options: bool) -> Games:
    fens = Endgame(material, **options).draw(mix("truth", np.arange(count)), np.zeros(count, dtype=np.int64))
    return Games.from_fens(fens)


@with_tables
@pytest.mark.shared
@pytest.mark.parametrize("strong_to_move", [True, False])
def test_values_and_moves_keep_the_result(strong_to_move: bool) -> None:
    expert, truth = SyzygyExpert(SYZYGY), chess.syzygy.open_tablebase(str(SYZYGY))
    games = positions(["KPvK", "KQvKR", "KPvKP"], 24, strong_to_move=strong_to_move)
    evaluation = expert.evaluate(games)
    best = evaluation.best()
    results = set()
    for i, fen in enumerate(games.fens()):
        board = chess.Board(fen)
        wdl = truth.probe_wdl(board)
        assert evaluation.value[i] == np.sign(wdl) == wdl / 2 or wdl == 0 == evaluation.value[i]
        legal = {action: action_to_move(action, board) for action in np.flatnonzero(np.isfinite(evaluation.policy[i]))}
        assert len(legal) == board.legal_moves.count()
        kept = {}
        for action, move in legal.items():
            board.push(move)
            kept[action] = -truth.probe_wdl(board)
            board.pop()
        assert kept[best[i]] == wdl == max(kept.values())
        ranked = sorted(legal, key=lambda action: evaluation.policy[i, action])
        assert [kept[action] for action in ranked] == sorted(kept.values())  # no worse result is ever preferred
        results.add(wdl)
    assert len(results) == 3
    again = expert.evaluate(games)
    np.testing.assert_array_equal(again.policy, evaluation.policy)
    alone = SyzygyExpert(SYZYGY).evaluate(games.select([7]))
    np.testing.assert_array_equal(alone.policy[0], evaluation.policy[7])


@with_tables
@pytest.mark.shared
def test_following_it_wins_every_won_game() -> None:
    expert = SyzygyExpert(SYZYGY)
    games = positions(["KQvK", "KRvK", "KNvKP"], 9)
    strong = games.turn.copy()
    won = expert.evaluate(games).value == 1
    while not games.finished.all():
        games.step(expert.evaluate(games).best())
    result = games.outcome * np.where(strong, 1, -1)
    assert 3 < won.sum() < 9
    np.testing.assert_array_equal(result == 1, won)
    assert games.ply.max() <= 40


@with_tables
@pytest.mark.shared
def test_the_clock_counts() -> None:
    expert = SyzygyExpert(SYZYGY)
    fen = "8/8/8/3k4/8/8/8/KQ6 w - - {} 80"
    distance = chess.syzygy.open_tablebase(str(SYZYGY)).probe_dtz(chess.Board(fen.format(0)))
    clocks = [0, 100 - distance - 1, 100 - distance + 2, 99]
    games = Games.from_fens([fen.format(clock) for clock in clocks])
    np.testing.assert_array_equal(expert.evaluate(games).value, [1, 1, 0, 0])
    mate = Games.from_fens(["k7/8/1K6/8/8/8/8/6Q1 w - - 99 80", "7k/5KQ1/8/8/8/8/8/8 b - - 0 1"])
    evaluation = expert.evaluate(mate)
    np.testing.assert_array_equal(evaluation.value, [1, -1])  # mate comes before the draw; mated already
    assert evaluation.best()[1] == -1


@with_tables
@pytest.mark.shared
def test_what_the_tables_do_not_have_is_an_error() -> None:
    expert = from_spec({"kind": "syzygy", "folder": str(SYZYGY)}, Expert)
    assert expert.to_spec() == {"kind": "syzygy", "folder": str(SYZYGY)}
    games, copy = positions(["KQvK"], 1), pickle.loads(pickle.dumps(expert))
    np.testing.assert_array_equal(copy.evaluate(games).policy, expert.evaluate(games).policy)
    endgame = Endgame("KPvK", result="draw", syzygy=SYZYGY)
    keys, episodes = mix("copy", np.arange(2)), np.zeros(2, dtype=np.int64)
    assert pickle.loads(pickle.dumps(endgame)).draw(keys, episodes) == endgame.draw(keys, episodes)
    with pytest.raises(DataError, match=r"tables in .* do not have '.*K.*'"):
        expert.evaluate(Games.from_fens(["4k3/4p3/8/8/8/8/3PP3/4K3 w - - 0 1"]))
    expert.close()
