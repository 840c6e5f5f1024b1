"""The table brought together: which arms a cell has, what they came to, and which of them count."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from sweep_table_support import Row, arm, row, write_sweep

from sandwich_env.errors import DataError
from sandwich_env.experiments.sweep_report.arms_table import spent_text
from sandwich_env.experiments.sweep_report.results import read_results, results_from
from sandwich_env.experiments.sweep_report.scatter import arms_once


def test_a_cell_is_the_mean_over_its_seeds_after_their_last_round() -> None:
    rows = [*arm((0.0, 0.1, 0.2), seed=0), *arm((0.0, 0.3, 0.4), seed=2), *arm((0.0, 0.2, 0.6), seed=1)]
    results = results_from(rows)
    (cell,) = results.cells
    assert [one.seed for one in cell.arms] == [0, 1, 2]
    assert cell.values("loss_pgr") == [0.2, 0.6, 0.4]
    estimate = cell.estimate("loss_pgr")
    assert estimate is not None
    assert estimate.value == pytest.approx(0.4)
    assert estimate.interval.low == pytest.approx(-0.0968, abs=1e-4)
    rounds = cell.rounds("loss_pgr")
    assert [at for at, _ in rounds] == [0, 1, 2]
    assert [value for _, value in rounds] == pytest.approx([0.0, 0.2, 0.4])
    assert (results.seeds, results.kinds, results.methods) == (3, ("random_move",), ("imitate",))


def test_rounds_in_any_order_are_sorted() -> None:
    (cell,) = results_from(arm((0.0, 0.1, 0.2))[::-1]).cells
    assert cell.values("pgr") == [0.2]


@pytest.mark.parametrize("status", ["failed", "diverged", "unfinished"])
def test_an_arm_that_is_not_done_does_not_count(status: str) -> None:
    rows = [*arm((0.0, 0.5), seed=0), *arm((0.0, -9.0), seed=1, status=status)]
    (cell,) = results_from(rows).cells
    assert (cell.status, cell.values("pgr"), cell.rounds("pgr")) == ("done", [0.5], [(0, 0.0), (1, 0.5)])
    (cell,) = results_from(rows[2:]).cells
    assert cell.status == status
    assert cell.estimate("pgr") is None


def test_a_cell_without_a_done_arm_says_the_worst() -> None:
    statuses = ("unfinished", "diverged", "failed")
    rows = [row(seed=seed, status=status) for seed, status in enumerate(statuses)]
    (cell,) = results_from(rows).cells
    assert cell.status == "diverged"


def test_nothing_nan_and_infinity_are_no_numbers() -> None:
    rows = [row(seed=seed, pgr=value) for seed, value in enumerate((None, math.nan, math.inf, 0.25))]
    (cell,) = results_from(rows).cells
    assert cell.values("pgr") == [0.25]


def test_one_seed_has_the_interval_of_its_measurement() -> None:
    (cell,) = results_from([row(pgr=0.5, pgr_low=0.25, pgr_high=None)]).cells
    estimate = cell.estimate("pgr")
    assert estimate is not None
    assert (estimate.value, estimate.count, estimate.interval.low) == (0.5, 1, 0.25)
    assert math.isnan(estimate.interval.high)


def test_an_arm_in_several_cells_is_counted_once() -> None:
    rows = [row(kind=kind, dial=0.0, dial_index=0, arm="honest", pgr=0.5) for kind in ("random_move", "worst_move")]
    results = results_from([*rows, row(dial=1.0, dial_index=4, status="failed")])
    assert len(results.cells) == 3
    assert len(results.arms) == 2
    assert (results.count("done"), results.count("failed")) == (1, 1)


@pytest.mark.parametrize("first", [True, False])
def test_an_arm_is_seen_from_a_cell_that_heeds_it(first: bool) -> None:
    shared: Row = {"arm": "honest", "advisor": '"honest"', "pgr": 0.5}
    borrowed = row(kind="worst_move", unheeded=True, expert_calls_total=None, advice_loss=None, **shared)
    own = row(dial=0.0, dial_index=0, expert_calls_total=300, advice_loss=0.01, **shared)
    results = results_from([borrowed, own] if first else [own, borrowed])
    (seen,) = results.arms.values()
    assert (seen.value("advice_loss"), seen.value("expert_calls_total")) == (0.01, 300)
    assert spent_text(results.arms.values()).split(", ")[-3] == "300 expert calls"
    assert [(kind, arm.value("advice_loss")) for kind, _, arm in arms_once(results)] == [("honest", 0.01)]
    assert [cell.values("expert_calls_total") for cell in results.cells if cell.unheeded] == [[]]


def test_a_cost_that_no_cell_tells_is_no_zero() -> None:
    rows = [row(seed=0, unheeded=True, expert_calls_total=None), row(seed=1, dial=1.0, expert_calls_total=300)]
    assert "at least 300 expert calls" in spent_text(results_from(rows).arms.values())


@pytest.mark.parametrize(
    ("advisor", "honest"),
    [
        ('"honest"', True), ('{"kind": "honest"}', True), ('{"kind": "honest", "expert": "other"}', False),
        ('{"kind": "random_move", "epsilon": 0.5}', False), (None, False),
    ],
)  # fmt: skip
def test_an_arm_is_honest_by_its_own_advisor(advisor: str | None, honest: bool) -> None:
    (arm,) = results_from([row(kind=kind, arm="one", advisor=advisor) for kind in ("a", "b")]).arms.values()
    assert arm.honest == honest


def test_seeds_are_those_of_the_map_and_not_of_the_controls() -> None:
    control: Row = {"kind": "none", "method": "self_play", "control": True}
    rows = [row(seed=seed, **control) for seed in range(5)]
    assert results_from(rows).seeds == 5
    rows += [row(seed=seed, status=status) for seed, status in enumerate(("done", "done", "failed"))]
    rows += [row(dial=1.0, dial_index=2, pgr=0.5), row(dial=0.0, dial_index=0, status="unfinished")]
    results = results_from(rows)
    assert (results.seeds, results.seeds_done, results.counts("pgr")) == (3, (1, 2), (1,))


def test_what_the_map_is_made_of_is_in_the_order_of_the_study() -> None:
    rows = [
        row(kind="none", method="self_play", control=True, protocol="never", interval=0, dial_name=None),
        row(kind="worst_move", dial=1.0, dial_index=1, protocol="every_n_turns:n=4", interval=4, method="gate"),
        row(kind="worst_move", dial=0.0, dial_index=0, method="trust"),
        row(kind="bias", dial=9.0, dial_index=0, method="gate", novice="other"),
    ]
    results = results_from(rows)
    assert results.kinds == ("worst_move", "bias")
    assert results.methods == ("gate", "trust")
    assert results.queries == ((1, "every_turn"), (4, "every_n_turns:n=4"))
    assert results.dials("worst_move") == [(0, 0.0), (1, 1.0)]
    assert [cell.method for cell in results.controls] == ["self_play"]
    assert results.of("other").kinds == ("bias",)


def test_a_flag_is_set_by_any_seed_that_is_done() -> None:
    rows = [row(seed=0, elo_one_sided=False), row(seed=1, elo_one_sided=True)]
    assert results_from(rows).cells[0].flagged("elo_one_sided")
    assert not results_from(rows[:1]).cells[0].flagged("elo_one_sided")


def test_the_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_sweep(tmp_path, [*arm((0.0, 0.1, 0.2)), *arm((0.0, 0.3, 0.4), seed=1)])
    results = read_results(tmp_path / "results.parquet")
    assert results.study == "hand_made"
    assert results.cells[0].values("puzzles_pgr") == [0.2, 0.4]


def test_what_is_no_table_of_a_sweep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    with pytest.raises(DataError, match=r"there is no .*results\.parquet"):
        read_results(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="damaged"):
        read_results(path)
    parquet.write_table(pa.table({"arm": ["a"], "seed": [1]}), path)
    with pytest.raises(DataError, match="lacks the columns study, kind"):
        read_results(path)
    parquet.write_table(pa.Table.from_pylist([row()]).slice(0, 0), path)
    with pytest.raises(DataError, match="no rows yet"):
        read_results(path)
