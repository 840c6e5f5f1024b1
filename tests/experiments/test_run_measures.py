"""A run hands each measure what it is to be measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from run_support import finished

from sandwich_env.evaluation.matches import MatchResult
from sandwich_env.experiments import run
from sandwich_env.experiments.config import RunConfig
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.measure import Row, groups_from
from sandwich_env.learning.methods.base import Lesson
from sandwich_env.learning.methods.imitate import Imitate


def rows_of(config: RunConfig) -> list[Row]:
    return [json.loads(line) for line in RunFolder(config.out).metrics.read_text().splitlines()]


class TrustsTheLatest(Imitate):
    """Trusts the moves advised in the round that has just been played, and thinks nothing of earlier ones."""

    def trust(self, lesson: Lesson) -> NDArray[np.float32]:
        corpus = lesson.corpus
        latest = corpus.games.round[corpus.game_id] == lesson.round
        return np.where(latest & (corpus.advice_available[:, 0] == 1), 0.5, np.nan).astype(np.float32)


def test_trust_is_scored_on_the_games_of_its_round_alone(tmp_path: Path) -> None:
    method = {"kind": "test_run_measures:TrustsTheLatest", "explore_plies": 2}
    rows = rows_of(finished(tmp_path, method=method, learn={"replay_rounds": 1}))
    assert [row["trust_count"] for row in rows] == [None, rows[1]["queries"], rows[2]["queries"]]


def test_the_interval_of_the_loss_is_over_groups_of_positions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions of a pair of games stand in one group, in the order of their costs."""
    handed: list[dict[str, Any]] = []
    measured = run.measure_loss

    def spy(row: Row, costs: Any, name: str, **more: Any) -> None:
        handed.append(more | {"costs": len(costs[name])})
        measured(row, costs, name, **more)

    monkeypatch.setattr(run, "measure_loss", spy)
    config = finished(tmp_path, rounds=1)
    match = MatchResult.from_dict(json.loads(RunFolder(config.out).anchor_match("E", "H0").read_text()))
    expected = groups_from(match, config.evaluate.positions, config.seed)
    assert len(handed) == 2
    for one in handed:
        np.testing.assert_array_equal(one["group"], expected)
        assert one["costs"] == len(expected) > len(set(expected.tolist())) > 1
