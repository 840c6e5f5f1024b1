"""A file that a run has made itself and that is damaged is named, with the folder to remove."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from run_support import finished
from sweep_support import small_study, swept

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.config import RunConfig
from sandwich_env.experiments.folder import RunFolder, write_json
from sandwich_env.experiments.progress import Silent
from sandwich_env.experiments.reading_back import reading
from sandwich_env.experiments.run import resume
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, attempt, work
from sandwich_env.experiments.studies.sweep_ray import Task, do_task
from sandwich_env.experiments.studies.table import read_results
from sandwich_env.experiments.sweep_report.results import read_results as read_for_report


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    return finished(tmp_path_factory.mktemp("damaged"), rounds=1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("matches/round_1_E.json", b"{}"),
        ("matches/round_1_E.json", b"{"),
        ("anchors/E_H0.json", b"{}"),
        ("anchors/puzzles_E.json", b"{}"),
        ("anchors/loss_H0.json", b'{"cost": ["x"]}'),
        ("corpus/round_1.parquet", b"PAR1"),
        ("corpus/round_1_counts.json", b'{"inquiries": 1}'),
        ("checkpoints/round_1.safetensors", b"weights"),
        ("about.json", b"{}"),
        ("about.json", None),
    ],
)
def test_what_is_damaged_is_named_with_the_folder_to_remove(
    tmp_path: Path, whole: RunConfig, name: str, content: bytes | None
) -> None:
    root = tmp_path / "run"
    shutil.copytree(whole.out, root)
    RunFolder(root).metrics.unlink()  # as if it had been killed while it measured
    path = root / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        resume(root)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(f". Remove the folder {str(root)!r} to begin what it holds anew")


def test_a_fit_that_is_damaged_is_named(tmp_path: Path, whole: RunConfig) -> None:
    root = tmp_path / "run"
    shutil.copytree(whole.out, root)
    folder = RunFolder(root)
    folder.metrics.unlink()
    folder.checkpoint(1).unlink()
    folder.fit(1).parent.mkdir(exist_ok=True)
    folder.fit(1).write_bytes(b"a fit")
    with pytest.raises(DataError, match=r"round_1_fit\.safetensors.*Remove the folder"):
        resume(root)


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    for error in (PermissionError(13, "Permission denied"), RuntimeError("a bug")):
        with pytest.raises(type(error)), reading(tmp_path / "x", tmp_path):
            raise error
    with pytest.raises(DataError, match=r"x' is damaged: no such thing\. Remove"), reading(tmp_path / "x", tmp_path):
        raise SpecError("no such thing")


def test_anchors_that_are_damaged_are_not_copied_into_arms(tmp_path: Path) -> None:
    arm, root = Grid.of(small_study(tmp_path, seeds=[0])).arms[0], tmp_path / "out"
    anchors = SweepFolder(root).anchors(arm.anchors)
    anchors.mkdir(parents=True)
    (anchors / "E_H0.json").write_bytes(b"{")
    job = Job(id=arm.id, config=arm.plain, anchors=arm.anchors)
    outcome = attempt(work, job, root, Silent())
    assert re.search(r"E_H0\.json' is damaged", outcome.error)
    assert outcome.error.endswith(f"Remove the folder {str(anchors)!r} to measure the anchors anew")
    assert not SweepFolder(root).arm(arm.id).anchors.exists()


def test_a_task_elsewhere_names_the_folder_of_the_sweep(tmp_path: Path) -> None:
    arm = Grid.of(small_study(tmp_path, seeds=[0])).arms[0]
    job = Job(id=arm.id, config=arm.plain, anchors=arm.anchors)
    out = SweepFolder(tmp_path / "out").arm(arm.id).root
    task = Task(job=job, out=str(out), arm={}, anchors={"E_H0.json": b"{"}, place="")
    *_, last = do_task(work, task)
    outcome: Any = last.outcome  # type: ignore[union-attr]
    assert f"Remove the folder {str(tmp_path / 'out' / 'anchors' / arm.anchors)!r}" in outcome.error


def test_a_table_with_damaged_bytes_is_refused_with_what_to_do(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    swept(study, out)
    path = out / "results.parquet"
    whole = path.read_bytes()
    middle = len(whole) // 4
    for content in (whole[:middle] + bytes(400) + whole[middle + 400 :], whole[:100], b"PAR1 and no more"):
        path.write_bytes(content)
        for read in (lambda: read_results(out), lambda: read_for_report(path)):
            with pytest.raises(DataError, match=r"results\.parquet' is damaged.*it writes the table anew"):
                read()
    swept(study, out)
    assert path.read_bytes() == whole


def test_a_table_that_may_not_be_read_is_not_said_to_be_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    write_json(tmp_path / "results.parquet", {})
    monkeypatch.setattr("sandwich_env.experiments.studies.table.pq.read_table", refused)
    with pytest.raises(PermissionError):
        read_for_report(tmp_path / "results.parquet")
