"""A sweep is killed (SIGKILL), or its workers are, at random moments, and ends with the table of one that never was.

SWEEP_KILLS says how often each is killed (3), SWEEP_SEED when (0).
"""

from __future__ import annotations

import contextlib
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
    "kinds": {"random": {"advisor": "random_move", "dial": "epsilon", "at": [1]}},
    "methods": {
        "trusting": {"kind": "imitate", "explore_plies": 2},
        "asking": {"kind": "ask_again", "explore_plies": 2},  # its questions beside the protocol's are counted
    },
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
    except (FileNotFoundError, ProcessLookupError):
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
    assert {row["method"] for row in rows if row["inquiries"]} == {"asking"}
    return study, rows, files_in(folder / "out")


def files_in(out: Path) -> int:
    """How many files are there: how far the sweep has come."""
    return sum(len(names) for _, _, names in os.walk(out))


def wait_for_a_moment(
    drawn: random.Random, process: subprocess.Popen[bytes], out: Path, files: int, kills: int
) -> None:
    """Wait until the sweep has come somewhat further, on average by what there is to go for each of so many kills."""
    now = files_in(out)
    further = max(1.0, drawn.uniform(0.0, 2.0) * (files - now) / (kills + 1))
    while files_in(out) < now + further and process.poll() is None:
        time.sleep(0.01)
    time.sleep(drawn.uniform(0.0, 0.3))


def stamps(out: Path) -> dict[Path, int]:
    """When the models of arms that are done were written."""
    done = [path.parent for path in out.glob("arms/*/metrics.jsonl") if len(path.read_text().splitlines()) == 3]
    return {path: path.stat().st_mtime_ns for arm in done for path in arm.glob("checkpoints/*")}


def test_a_sweep_that_is_killed_goes_on_to_the_same_table(
    tmp_path: Path, whole: tuple[Path, list[dict[str, Any]], int]
) -> None:
    study, rows, files = whole
    out, interrupted = tmp_path / "out", 0
    drawn = random.Random(SEED)
    for kill in range(KILLS):
        done = stamps(out)
        process = launch(study, out)
        wait_for_a_moment(drawn, process, out, files, KILLS - kill)
        interrupted += process.poll() is None
        process.kill()
        process.wait()
        assert stamps(out).items() >= done.items()  # a finished arm is never touched again
    assert 2 * interrupted >= KILLS  # the others came when the sweep had ended
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
    drawn = random.Random(SEED + 1)
    for kill in range(KILLS):
        wait_for_a_moment(drawn, process, out, files, KILLS - kill)
        workers = workers_of(process.pid)
        if workers and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now
                os.kill(drawn.choice(workers), signal.SIGKILL)
                killed += 1
    assert 2 * killed >= KILLS
    assert process.wait(240) == 0
    assert table(out) == rows
