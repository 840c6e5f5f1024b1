"""Arms as tasks of a cluster: their files go there and back, and what is lost is done again, to the same table."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sweep_support import order, rows_of, small_study, stand_in, swept, untimed

from sandwich_env.cli import run
from sandwich_env.errors import MissingExtraError
from sandwich_env.experiments.folder import read_json
from sandwich_env.experiments.studies.arguments import with_address
from sandwich_env.experiments.studies.carrying import changed_files, put_arm, read_files
from sandwich_env.experiments.studies.checking import check_arms
from sandwich_env.experiments.studies.executors import Advanced, Ended, Said
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, Outcome, work
from sandwich_env.experiments.studies.sweep import run_sweep
from sandwich_env.experiments.studies.sweep_ray import Made, RayTasks, Task, do_task, ray_tasks


class LostError(Exception):
    """What Ray raises for a word that never came."""


class FakeRay(types.ModuleType):
    """Does tasks one word at a time, in this process; the tasks in `lost` end after so many words."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.exceptions = types.SimpleNamespace(RayError=LostError)
        self.lost: dict[str, int] = {}
        self.options: dict[str, Any] = {}
        self.up = False

    def is_initialized(self) -> bool:
        return self.up

    def init(self, **options: Any) -> None:
        self.up, self.options = True, options

    def shutdown(self) -> None:
        self.up = False

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 3.0}

    def remote(self, **options: Any) -> Any:
        assert options == {"num_cpus": 1, "max_retries": 0, "num_returns": "streaming"}
        return lambda function: types.SimpleNamespace(remote=lambda do, task: self.stream(function, do, task))

    def stream(self, function: Any, do: Any, task: Task) -> Iterator[Any]:
        left = self.lost.pop(task.job.id, 10**6)
        for count, word in enumerate(function(do, task)):
            if count == left:
                yield LostError("a traceback\nthe node is gone\n")
                return
            yield word

    def wait(self, streams: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return streams[:num_returns], streams[num_returns:]

    def get(self, word: Any) -> Any:
        if isinstance(word, LostError):
            raise word
        return word

    def cancel(self, stream: Any, force: bool) -> None:
        stream.close()


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def task_of(job: Job, out: Path, arm: dict[str, bytes], anchors: dict[str, bytes]) -> Task:
    return Task(job=job, out=str(out), arm=arm, anchors=anchors, place="")


def test_a_task_hands_back_what_it_made_after_each_round(tmp_path: Path) -> None:
    arm = Grid.of(small_study(tmp_path)).arms[1]
    job = Job(id=arm.id, config=arm.plain, anchors=arm.anchors)
    words = list(do_task(stand_in, task_of(job, tmp_path / "arm", {}, {"E_H0.json": b"{}"})))
    assert isinstance(words[-1], Ended)
    assert words[-1].outcome == Outcome("done")
    made = [word for word in words if isinstance(word, Made)]
    assert len(made) == 3  # two rounds and the end
    assert "corpus/round_1.parquet" not in made[0].names
    assert "corpus/round_0.parquet" not in made[1].files  # it has been handed back already
    assert {"corpus/round_1.parquet", "metrics.jsonl"} <= set(made[1].files)
    assert made[2].files == {}
    assert b'"out": "' + str(tmp_path / "arm").encode() in made[0].files["config.json"]
    assert [word.text for word in words if isinstance(word, Said)] == ["round 0", "round 1"]
    assert any(isinstance(word, Advanced) for word in words)


def test_a_task_goes_on_from_what_there_is(tmp_path: Path) -> None:
    arm = Grid.of(small_study(tmp_path)).arms[1]
    job = Job(id=arm.id, config=arm.plain, anchors=arm.anchors)
    whole = list(do_task(stand_in, task_of(job, tmp_path / "arm", {}, {"E_H0.json": b"{}"})))
    half = next(word.files for word in whole if isinstance(word, Made))
    words = list(do_task(stand_in, task_of(job, tmp_path / "arm", half, {"E_H0.json": b"{}"})))
    assert [word.text for word in words if isinstance(word, Said)] == ["round 1"]


def test_a_task_finds_what_is_named_from_where_the_sweep_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found: list[bool] = []

    def looks(job: Job, root: Path, reporter: Any) -> None:
        found.append(Path("book.epd").is_file())

    study = small_study(tmp_path)
    task = Task(
        job=Job(id="x", config=study.base),
        out="",
        arm={},
        anchors={},
        place=str(tmp_path),
        path=(str(tmp_path), "/nowhere"),
    )
    list(do_task(looks, task))
    assert found == [True]
    assert str(tmp_path) in sys.path
    assert "/nowhere" not in sys.path


def test_the_last_word_comes_whatever_happens(tmp_path: Path) -> None:
    def raises(job: Job, root: Path, reporter: Any) -> None:
        raise OSError(28, "No space left on device")

    arm = Grid.of(small_study(tmp_path)).arms[0]
    for job in (Job(id="x", config=arm.anchors_plain), Job(id=arm.id, config=arm.plain, anchors="x")):
        *_, last = do_task(raises, task_of(job, tmp_path, {}, {"E_H0.json": b"{}"}))
        assert isinstance(last, Ended)
        assert last.outcome.how == "stop"


def test_files_are_put_so_that_metrics_come_last_and_what_is_gone_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandwich_env.experiments.studies import carrying

    written: list[str] = []
    write = carrying.write_atomically

    def noting(path: Path, content: bytes) -> None:
        written.append(path.name)
        write(path, content)

    monkeypatch.setattr(carrying, "write_atomically", noting)
    (tmp_path / "failed.json").write_text("{}")
    names = ("metrics.jsonl", "config.json", "zzz.json", "about.json", "anchors/a.json", "unfinished/part")
    files = dict.fromkeys(names, b"{}")
    put_arm(tmp_path, files, frozenset(files))
    assert written[-3:] == ["about.json", "config.json", "metrics.jsonl"]
    assert read_files(tmp_path) == files | {"failed.json": b"{}"}
    put_arm(tmp_path, {}, frozenset(files) - {"unfinished/part"})
    assert not (tmp_path / "unfinished" / "part").exists()
    assert (tmp_path / "failed.json").is_file()
    assert changed_files({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"1"}) == {"b": b"2"}


def test_a_sweep_by_tasks_has_the_table_of_one_here(tmp_path: Path, ray: FakeRay) -> None:
    study = small_study(tmp_path)
    swept(study, tmp_path / "here")
    result = run_sweep(study, tmp_path / "there", executor=ray_tasks(do=stand_in))
    assert result.failed == {}
    assert untimed(tmp_path / "there") == untimed(tmp_path / "here")
    assert ray.options == {"address": None, "include_dashboard": False, "log_to_driver": False}
    assert not ray.up
    for arm in Grid.of(study).arms:
        folder = SweepFolder(tmp_path / "there").arm(arm.id)
        assert read_json(folder.config)["out"] == str(folder.root)
        assert folder.corpus(1).is_file()


def test_a_lost_computer_loses_no_more_than_a_round(tmp_path: Path, ray: FakeRay) -> None:
    study = small_study(tmp_path, base={"rounds": 3})
    swept(study, tmp_path / "here")
    arms = Grid.of(study).arms
    ray.lost = {arms[0].id: 6, arms[2].id: 0, arms[0].anchors: 0}
    executors: list[RayTasks] = []
    begun: list[tuple[str, int]] = []

    class Noting(RayTasks):
        def begin(self, job: Job) -> None:
            begun.append((job.id, len(rows_of(tmp_path / "there", job.id))))
            super().begin(job)

    def make(root: Path) -> RayTasks:
        executors.append(Noting(root, "auto", 2, stand_in))
        return executors[0]

    assert run_sweep(study, tmp_path / "there", executor=make).failed == {}
    assert [rows for id, rows in begun if id == arms[0].id] == [0, 3]  # it went on after its third round
    assert [rows for id, rows in begun if id == arms[2].id] == [0, 0]
    assert [id for id, _ in begun].count(arms[0].anchors) == 2
    assert untimed(tmp_path / "there") == untimed(tmp_path / "here")
    assert ray.options["address"] == "auto"
    assert executors[0].slots == 2


def test_a_full_disk_of_a_computer_loses_the_task_alone(tmp_path: Path, ray: FakeRay) -> None:
    study = small_study(tmp_path, attempts=2)
    once, always = (arm.id for arm in Grid.of(study).arms[:2])
    begun: list[str] = []

    def full(job: Job, root: Path, reporter: Any) -> None:
        begun.append(job.id)
        order(root, {once: "disk" if begun.count(once) == 1 else "", always: "disk"})
        stand_in(job, root, reporter)

    result = run_sweep(study, tmp_path / "there", executor=ray_tasks(do=full))
    text = "3 times in a row before anything more was measured, the last time with [Errno 28] No space left on device"
    assert result.failed == {always: f"its process ended {text}"}
    # Round 0 was measured when the disk was full for the first time: that does not count.
    assert (begun.count(once), begun.count(always)) == (2, 3)


def test_a_full_disk_where_the_sweep_lies_stops_it(
    tmp_path: Path, ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandwich_env.experiments.studies import sweep_ray

    put = sweep_ray.put_arm

    def full(root: Path, files: Any, names: Any) -> None:
        if root.is_relative_to(tmp_path / "there"):
            raise OSError(28, "No space left on device")
        put(root, files, names)

    monkeypatch.setattr(sweep_ray, "put_arm", full)
    with pytest.raises(OSError, match="No space left on device"):
        run_sweep(small_study(tmp_path), tmp_path / "there", executor=ray_tasks(do=stand_in))
    assert not ray.up


def test_a_task_on_a_computer_with_other_weights_fails_and_names_them(tmp_path: Path) -> None:
    arm = Grid.of(small_study(tmp_path)).arms[1]
    marks = check_arms([arm]).arms
    jobs = [
        Job(id=arm.anchors, config=arm.anchors_plain, marks=marks[arm.anchors]),
        Job(id=arm.id, config=arm.plain, anchors=arm.anchors, marks=marks[arm.id]),
    ]
    weights, book = tmp_path / "novice.safetensors", tmp_path / "book.epd"
    content = book.read_bytes()
    for path, what in ((book, "the file"), (weights, "the file of the weights")):
        path.write_bytes(path.read_bytes() + b"\n")
        for job in jobs:
            *made, last = do_task(work, task_of(job, tmp_path / "arm", {}, {"E_H0.json": b"{}"}))
            text = (
                f"SpecError: {what} {str(path)!r} differs from that of the sweep: put it back, or give another folder"
            )
            assert (last.outcome.how, last.outcome.error) == ("failed", text)  # type: ignore[union-attr]
            assert not any("metrics.jsonl" in one.names for one in made)  # type: ignore[union-attr]
        book.write_bytes(content)


def test_what_ended_a_task_is_said_in_its_last_line(tmp_path: Path, ray: FakeRay) -> None:
    study = small_study(tmp_path, attempts=0, seeds=[0])
    lost = Grid.of(study).arms[1].id
    ray.lost = {lost: 0}
    result = run_sweep(study, tmp_path / "there", executor=ray_tasks(do=stand_in))
    assert result.failed[lost].endswith("the last time with LostError: the node is gone")


def test_a_task_says_seldom_how_far_it_is_and_all_that_was_said_is_heard_at_once(tmp_path: Path, ray: FakeRay) -> None:
    def busy(job: Job, root: Path, reporter: Any) -> None:
        for _ in range(50):
            reporter.stage("games", 2)(2)

    words = list(do_task(busy, task_of(Job(id="x", config={}), tmp_path, {}, {})))
    assert [type(word) for word in words] == [Advanced, Made, Ended]
    executor = RayTasks(tmp_path, None, 2, busy)
    executor.begin(Job(id="x", config={}))
    executor.begin(Job(id="y", config={}))
    events = executor.wait(5.0)
    assert [(type(event), event.job) for event in events if isinstance(event, Ended)] == [(Ended, "x"), (Ended, "y")]


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"'ray' is not installed: pip install 'sandwich_env\[ray\]'"):
        run_sweep(small_study(tmp_path), tmp_path / "out", executor=ray_tasks())


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        (["s.yaml", "--ray"], ["s.yaml", "--ray", "local"]),
        (["--ray", "--out", "o", "s.yaml"], ["--ray", "local", "--out", "o", "s.yaml"]),
        (["--ray", "s.yaml", "--out", "o"], ["--ray", "local", "s.yaml", "--out", "o"]),
        (["--ray", "s.yml", "--out", "o"], ["--ray", "local", "s.yml", "--out", "o"]),
        (["s.yaml", "--ray", "ray://head:10001"], ["s.yaml", "--ray", "ray://head:10001"]),
        (["s.yaml", "--out", "o"], ["s.yaml", "--out", "o"]),
    ],
)
def test_the_address_may_be_left_out(given: list[str], whole: list[str]) -> None:
    assert with_address(given) == whole


@pytest.mark.slow
def test_real_ray_gives_the_table_of_local_processes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from sweep_support import plain_study

    kinds = {"random": {"advisor": "random_move", "dial": "epsilon", "at": [1]}}
    base = {"play": {"games": 2, "max_plies": 6, "random_plies": 1}}
    path = tmp_path / "study.json"
    path.write_text(json.dumps(plain_study(tmp_path, base, kinds=kinds, seeds=[0])))
    assert run(["sweep", str(path), "--out", str(tmp_path / "here"), "--processes", "1"]) == 0
    assert run(["sweep", str(path), "--out", str(tmp_path / "there"), "--ray", "--processes", "2"]) == 0
    assert untimed(tmp_path / "there") == untimed(tmp_path / "here")
