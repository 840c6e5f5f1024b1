"""A real process is killed (SIGKILL) in the middle of a run, three times, and the run goes on to the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from run_support import contents, finished, plain_config

from sandwich_env.errors import RunLockedError
from sandwich_env.experiments.run import resume

ROOT = Path(__file__).parents[2]
LEARN = {"epochs": 25.0, "checkpoint_every": 3}
"""Long enough that a fit can be caught while it goes on."""

PROGRAM = """
import json, sys
from pathlib import Path
from sandwich_env.experiments.config import config_from
from sandwich_env.experiments.run import resume, start
config = config_from(json.loads(Path(sys.argv[1]).read_text()))
if (config.out / "config.json").is_file():
    resume(config.out, config)
else:
    start(config)
"""


def launch(config: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(config)], env=environment, cwd=ROOT)


def kill_when(process: subprocess.Popen[bytes], seen: Callable[[], bool]) -> None:
    """Kill a process as soon as something is to be seen in its folder."""
    deadline = time.monotonic() + 240
    while not seen():
        assert process.poll() is None, "the process ended before it could be killed"
        assert time.monotonic() < deadline, "nothing to be seen"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_killed_three_times_a_run_ends_with_the_same_numbers(tmp_path: Path) -> None:
    whole = finished(tmp_path, "whole", learn=LEARN)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(plain_config(tmp_path, "killed", learn=LEARN)))
    out = tmp_path / "killed"

    kill_when(launch(config), (out / "unfinished" / "round_1_part_0.parquet").is_file)
    assert not (out / "checkpoints").exists()

    kill_when(launch(config), (out / "unfinished" / "round_1_fit.safetensors").is_file)
    assert not (out / "checkpoints" / "round_2.safetensors").exists()

    process = launch(config)
    kill_when(process, (out / "matches" / "round_2_H0.json").is_file)
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 2

    assert launch(config).wait(timeout=240) == 0
    assert (out / "metrics.jsonl").read_bytes() == (whole.out / "metrics.jsonl").read_bytes()
    assert contents(out) == contents(whole.out)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_a_process_at_work_keeps_others_out_until_it_is_killed(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(plain_config(tmp_path, "run", rounds=1, learn=LEARN)))
    process = launch(config)
    refused = False

    def locked_out() -> bool:
        nonlocal refused
        if (tmp_path / "run" / "config.json").is_file():
            with pytest.raises(RunLockedError, match="another process is at work"):
                resume(tmp_path / "run")
            refused = True
        return refused

    kill_when(process, locked_out)
    assert [row["round"] for row in resume(tmp_path / "run")] == [0, 1]
