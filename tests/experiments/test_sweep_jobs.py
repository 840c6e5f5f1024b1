"""What a process does with an arm while another still is at it, and which errors are the arm's own."""

from __future__ import annotations

import errno
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from sweep_support import small_study, swept, untimed

from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.progress import Reporter, Silent
from sandwich_env.experiments.studies import jobs
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, Outcome, attempt, outcome_of, work
from sandwich_env.experiments.studies.study import Study


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "stop"),
        (OSError(errno.EROFS, "Read-only file system"), "stop"),
        (OSError(errno.EMFILE, "Too many open files"), "stop"),
        (shutil.Error([("a", "b", "[Errno 28] No space left on device")]), "stop"),
        (shutil.Error([("a", "b", "[Errno 2] No such file or directory")]), "failed"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "failed"),
        (PermissionError(errno.EACCES, "Permission denied"), "failed"),
        (ConnectionResetError(errno.ECONNRESET, "by an engine"), "failed"),
        (OSError("without a number"), "failed"),
    ],
)
def test_only_what_no_arm_could_bear_stops_a_sweep(error: OSError, how: str) -> None:
    outcome = outcome_of(error)
    assert outcome.how == how
    assert str(error) in outcome.error
    assert type(error).__name__ in outcome.traceback


def real_study(folder: Path) -> Study:
    """Two arms of a round, as short as they can be."""
    return small_study(
        folder,
        base={"play": {"games": 2, "max_plies": 6, "random_plies": 1}},
        kinds={"random": {"advisor": "random_move", "dial": "epsilon", "at": [1]}},
        seeds=[0],
    )


class Halting(Reporter):
    """Halts the first time that anything is told, until it may go on."""

    def __init__(self) -> None:
        self.halted, self.go_on = threading.Event(), threading.Event()

    def stage(self, name: str, total: int) -> Any:
        self._halt()
        return lambda done: None

    def say(self, text: str) -> None:
        self._halt()

    def _halt(self) -> None:
        self.halted.set()
        assert self.go_on.wait(60)


def begin(job: Job, root: Path, reporter: Reporter, ended: dict[str, Outcome], name: str) -> threading.Thread:
    """Do a job in a thread; how it ended is put under the name."""

    def do() -> None:
        ended[name] = attempt(work, job, root, reporter)

    thread = threading.Thread(target=do)
    thread.start()
    return thread


def two_at(job: Job, root: Path) -> dict[str, Outcome]:
    """Two at one job: the second begins while the first is in the middle of it."""
    ended: dict[str, Outcome] = {}
    first = Halting()
    threads = [begin(job, root, first, ended, "first")]
    assert first.halted.wait(60)
    threads.append(begin(job, root, Silent(), ended, "second"))
    threads[1].join(0.5)
    assert ended == {}  # the second waits
    first.go_on.set()
    for thread in threads:
        thread.join(60)
    return ended


def test_two_at_one_job_end_with_one_result(tmp_path: Path) -> None:
    arm = Grid.of(real_study(tmp_path)).arms[0]
    root = tmp_path / "out"
    anchors = Job(id=arm.anchors, config=arm.anchors_plain)
    assert two_at(anchors, root) == {"first": Outcome("done"), "second": Outcome("done")}
    assert [path.name for path in (root / "anchors").iterdir()] == [arm.anchors]
    job = Job(id=arm.id, config=arm.plain, anchors=arm.anchors)
    assert two_at(job, root) == {"first": Outcome("done"), "second": Outcome("done")}
    assert [row["round"] for row in RunFolder(root / "arms" / arm.id).read_metrics()] == [0, 1]
    assert not list(root.rglob("*.partial"))


def test_an_arm_that_another_holds_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PATIENCE_S", 0.0)
    study, out = real_study(tmp_path), tmp_path / "out"
    held, other = Grid.of(study).arms
    with SweepFolder(out).arm(held.id).locked():
        result, _, _ = swept(study, out, do=work)
    assert list(result.failed) == [held.id]
    assert ".lock' for 0 s and more" in result.failed[held.id]
    assert "--retry-failed" in result.failed[held.id]
    assert {row["status"] for row in untimed(out) if row["arm"] == other.id} == {"done"}
    assert swept(study, out, do=work, retry_failed=True)[0].failed == {}


def test_an_arms_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    arm = Grid.of(real_study(tmp_path)).arms[0]
    root = tmp_path / "out"
    for job in (Job(id=arm.anchors, config=arm.anchors_plain), Job(id="x", config=arm.plain, anchors=arm.anchors)):
        assert attempt(work, job, root, Silent()) == Outcome("done")
    before = RunFolder(root / "arms" / "x").metrics.read_bytes()
    other = Job(id="x", config={**arm.plain, "rounds": 2}, anchors=arm.anchors)
    outcome = attempt(work, other, root, Silent())
    assert outcome.how == "failed"
    assert "was started with another config: rounds was 1 and is now 2" in outcome.error
    assert RunFolder(root / "arms" / "x").metrics.read_bytes() == before


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_file_stops_the_sweep_which_goes_on_to_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = real_study(tmp_path)
    swept(study, tmp_path / "whole", do=work)
    write, left = Path.write_bytes, 0

    def until_full(path: Path, content: bytes) -> int:
        nonlocal left
        if path.is_relative_to(tmp_path / "out" / "arms"):
            left -= 1
            if left < 0:
                write(path, content[: len(content) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", until_full)
    for room in (0, 1, 2, 3, 5, 8):
        left = room
        with pytest.raises(OSError, match=r"the sweep has stopped at .*No space left on device"):
            swept(study, tmp_path / "out", do=work)
        assert not list(tmp_path.glob("out/arms/*/failed.json"))
        assert not list(tmp_path.rglob(".*.partial"))
    left = 10**6
    assert swept(study, tmp_path / "out", do=work)[0].failed == {}
    assert untimed(tmp_path / "out") == untimed(tmp_path / "whole")
