"""Workers end with the process that began them, even with one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sandwich_env.experiments.workers import begin_worker

def work(path):
    Path(path + ".partial").write_text(str(os.getpid()))
    os.replace(path + ".partial", path)
    time.sleep(300)

if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin_worker) as pool:
        pool.submit(work, sys.argv[1]).result()
"""


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")  # one that has ended but that nobody has waited for yet counts as ended
    return not status.is_file() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: object, why: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_worker_ends_with_its_parent(tmp_path: Path, how: str) -> None:
    program, told = tmp_path / "program.py", tmp_path / "worker"
    program.write_text(PROGRAM)
    parent = subprocess.Popen(
        [sys.executable, str(program), str(told)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    wait_until(told.is_file, "the worker did not begin")
    worker = int(told.read_text())
    assert lives(worker)
    parent.send_signal(getattr(signal, how))
    parent.wait(60)
    wait_until(lambda: not lives(worker), "the worker lives on")
