"""The demo, made small: five arms from one start, a table, a plot, and no work done twice."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from sandwich_env.experiments.demo import ARMS, DemoConfig, demo
from sandwich_env.nets.residual import new_network
from sandwich_env.nets.shape import NetworkShape
from sandwich_env.nets.weights import save_network

pytestmark = pytest.mark.xdist_group("test_demo")  # slow or not, they look at one demo


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo of a few games, its rows, and what it printed."""
    root = tmp_path_factory.mktemp("demo")
    paths = [root / f"{name}.safetensors" for name in ("e", "h")]
    for seed, path in enumerate(paths):
        save_network(new_network(NetworkShape(blocks=1, channels=8), seed), path)
    config = DemoConfig(
        out=root / "out", expert=str(paths[0]), novice=str(paths[1]), rounds=1, games=2, openings=2, processes=2
    )
    console = Console(file=io.StringIO(), width=200)
    return config, demo(config, console), console.file.getvalue()


@pytest.mark.slow
def test_every_arm_is_a_run_that_begins_alike(finished):
    config, rows, _ = finished
    assert list(rows) == list(ARMS)
    for name, arm in rows.items():
        assert [row["round"] for row in arm] == [0, 1]
        assert arm[0] == rows["no advisor"][0]
        recorded = json.loads((config.arm(name).out / "config.json").read_text())
        assert recorded["advisor"] == ARMS[name]
    assert rows["no advisor"][1]["queries"] == 0
    assert rows["honest"][1]["tampered"] == 0.0
    assert rows["random move 0.9"][1]["tampered"] > rows["random move 0.5"][1]["tampered"] > 0.2


@pytest.mark.slow
def test_it_ends_with_a_table_a_plot_and_where_to_look_next(finished):
    config, _, printed = finished
    table = (config.out / "table.txt").read_text()
    assert all(name in table and name in printed for name in ARMS)
    assert (config.out / "plots" / "arms.png").stat().st_size > 5_000
    assert (config.out / "report.html").is_file()
    assert "Next:" in printed


@pytest.mark.slow
def test_a_finished_demo_is_not_run_again(finished):
    config, rows, _ = finished
    stamps = {path: path.stat().st_mtime_ns for path in config.out.glob("*/checkpoints/*")}
    assert len(stamps) == len(ARMS)
    assert demo(config, Console(file=io.StringIO())) == rows
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
