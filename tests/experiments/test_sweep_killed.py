"""A sweep is killed (SIGKILL), or its workers are, at random moments, and ends with the table of one that never was.

SWEEP_KILLS says how often each is killed (3), SWEEP_SEED when (0).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sweep_support import plain_study

from sandwich_env.experiments.studies.table import read_results

KILLS = int(os.environ.get("SWEEP_KILLS", "3"))
SEED = int(os.environ.get("SWEEP_SEED", "0"))
ROOT = Path(__file__).parents[2]
SIZE: dict[str, Any] = {
    "base": {"rounds": 2, "learn": {"epochs": 8.0, "batch_size": 8, "checkpoint_every": 2, "learning_rate": 0.02}},
    "kinds": {"random": {"advisor": "random_move", "dial": "epsilon", "at": [0, 1]}},
    "seeds": [0],
    "attempts": 50,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("test_sweep_killed"),
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found by /proc"),
]


def launch(study: Path, out: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sandwich_env", "sweep", str(study), "--out", str(out), "--processes", "2"]
    return subprocess.Popen(command, env=environment, cwd=study.parent, stdout=subprocess.DEVNULL)


def workers_of(process: int) -> list[int]:
    """The processes that do arms; multiprocessing has others of its own."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
    except FileNotFoundError:
        return []  # it has ended meanwhile


def table(out: Path) -> list[dict[str, Any]]:
    return read_results(out).drop_columns(["seconds_total"]).to_pylist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], int]:
    """The study's file, its table where nothing was killed, and how many files there are then."""
    folder = tmp_path_factory.mktemp("whole")
    study = folder / "study.json"
    study.write_text(json.dumps(plain_study(folder, **SIZE)))
    assert launch(study, folder / "out").wait(240) == 0
    rows = table(folder / "out")
    assert len(rows) == (1 + 2) * 3
    assert {row["status"] for row in rows} == {"done"}
    return study, rows, files_in(folder / "out")


def files_in(out: Path) -> int:
    """How many files are there: how far the sweep has come."""
    return sum(len(names) for _, _, names in os.walk(out))


def moments(seed: int, files: int) -> list[tuple[float, float]]:
    """When to kill: at so many files, and so many seconds later."""
    drawn = random.Random(seed)
    return sorted((drawn.uniform(0.05, 0.95) * files, drawn.uniform(0.0, 0.3)) for _ in range(KILLS))


def wait_for(moment: tuple[float, float], process: subprocess.Popen[bytes], out: Path) -> None:
    """Wait until a moment has come, or the sweep has ended."""
    while files_in(out) < moment[0] and process.poll() is None:
        time.sleep(0.02)
    time.sleep(moment[1])


def stamps(out: Path) -> dict[Path, int]:
    """When the models of arms that are done were written."""
    done = [path.parent for path in out.glob("arms/*/metrics.jsonl") if len(path.read_text().splitlines()) == 3]
    return {path: path.stat().st_mtime_ns for arm in done for path in arm.glob("checkpoints/*")}


def test_a_sweep_that_is_killed_goes_on_to_the_same_table(
    tmp_path: Path, whole: tuple[Path, list[dict[str, Any]], int]
) -> None:
    study, rows, files = whole
    out, interrupted = tmp_path / "out", 0
    for moment in moments(SEED, files):
        done = stamps(out)
        process = launch(study, out)
        wait_for(moment, process, out)
        interrupted += process.poll() is None
        process.kill()
        process.wait()
        assert stamps(out).items() >= done.items()  # a finished arm is never touched again
    assert interrupted > 0
    done = stamps(out)
    assert launch(study, out).wait(240) == 0
    assert stamps(out).items() >= done.items()
    assert table(out) == rows


def test_a_sweep_whose_workers_are_killed_ends_with_the_same_table(
    tmp_path: Path, whole: tuple[Path, list[dict[str, Any]], int]
) -> None:
    study, rows, files = whole
    out, killed = tmp_path / "out", 0
    process = launch(study, out)
    for index, moment in enumerate(moments(SEED + 1, files)):
        wait_for(moment, process, out)
        workers = workers_of(process.pid)
        if workers and process.poll() is None:
            os.kill(workers[index % len(workers)], signal.SIGKILL)
            killed += 1
    assert killed > 0
    assert process.wait(240) == 0
    assert table(out) == rows
