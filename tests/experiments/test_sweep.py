"""What a sweep does with its arms: each once, in order, and on after whatever happens to one of them."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from sweep_support import calls, order, plain_study, rows_of, small_study, stand_in, swept, untimed

from sandwich_env.errors import RunLockedError, SandwichError
from sandwich_env.experiments.folder import RunFolder
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import study_from
from sandwich_env.experiments.studies.sweep import run_sweep
from sandwich_env.experiments.studies.table import read_results


def test_each_arm_is_run_once_the_first_seed_first_and_anchors_before_their_arms(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    grid = Grid.of(study)
    result, executor, printed = swept(study, out, slots=1)
    anchors = list(dict.fromkeys(arm.anchors for arm in grid.arms))
    half = len(grid.arms) // 2
    ids = [arm.id for arm in grid.arms]
    assert calls(out) == [anchors[0], *ids[:half], anchors[1], *ids[half:]]
    assert executor.closed
    assert (result.arms, result.failed) == (8, {})
    assert all((out / "arms" / id / "anchors" / "E_H0.json").is_file() for id in ids)
    assert printed.splitlines()[0] == "small: 12 cells, 8 arms, 0 of them done, 1 at once."
    assert "[8/8]" in printed
    assert "left" in printed


def test_a_finished_sweep_runs_nothing_again(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    swept(study, out)
    before, table = calls(out), (out / "results.parquet").read_bytes()
    _, executor, printed = swept(study, out)
    assert executor.begun == []
    assert calls(out) == before
    assert "8 of 8 arms done" in printed
    assert (out / "results.parquet").read_bytes() == table


def test_what_is_there_is_not_measured_again(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, base={"rounds": 3}), tmp_path / "out"
    swept(study, out)
    table = untimed(out)
    unfinished, missing = (arm.id for arm in Grid.of(study).arms[2:4])
    metrics = RunFolder(out / "arms" / unfinished).metrics
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(lines[:2]))
    shutil.rmtree(out / "arms" / missing)
    _, executor, printed = swept(study, out)
    assert [job.id for job in executor.begun] == [unfinished, missing]
    assert "6 of them done" in printed
    assert metrics.read_text() == "".join(lines)
    assert untimed(out) == table


def test_one_arm_fails_and_the_others_go_on(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    broken, diverged, unmakeable = (arm.id for arm in Grid.of(study).arms[1:4])
    order(out, {broken: "broken", diverged: "diverges", unmakeable: "unmakeable"})
    result, _, printed = swept(study, out)
    assert result.failed == {
        broken: "ZeroDivisionError: by nought",
        diverged: "the loss is nan after step 3",
        unmakeable: "SpecError: no such thing",
    }
    failure = json.loads((out / "arms" / broken / "failed.json").read_text())
    assert failure["status"] == "failed"
    assert "in _obey" in failure["traceback"]
    assert "5 of 8 arms done" in printed
    assert f"(arms/{diverged}): the loss is nan after step 3" in printed
    assert "--retry-failed" in printed
    rows = untimed(out)
    told = {id: [(r["round"], r["status"], r["error"]) for r in rows if r["arm"] == id] for id in result.failed}
    assert set(told[broken]) == {(0, "failed", "ZeroDivisionError: by nought")}
    assert set(told[diverged]) == {(0, "diverged", "the loss is nan after step 3")}
    assert set(told[unmakeable]) == {(0, "failed", "SpecError: no such thing")}  # though nothing was measured


def test_failed_arms_are_left_alone_until_they_are_to_be_retried(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    broken = Grid.of(study).arms[1].id
    order(out, {broken: "broken"})
    swept(study, out)
    order(out, {})
    result, executor, _ = swept(study, out)
    assert executor.begun == []
    assert set(result.failed) == {broken}
    result, executor, _ = swept(study, out, retry_failed=True)
    assert [job.id for job in executor.begun] == [broken]
    assert result.failed == {}
    assert len(rows_of(out, broken)) == 2
    assert {row["status"] for row in untimed(out)} == {"done"}


def test_anchors_that_fail_fail_the_arms_that_need_them(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    arms = Grid.of(study).arms
    order(out, {arms[0].anchors: "broken anchors"})
    result, _, _ = swept(study, out)
    assert set(result.failed) == {arm.id for arm in arms if arm.anchors == arms[0].anchors}
    assert all("which the arm is measured against: ZeroDivisionError" in text for text in result.failed.values())
    order(out, {})
    assert swept(study, out, retry_failed=True)[0].failed == {}


def test_a_full_disk_stops_the_sweep_which_goes_on_from_there(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    arms = Grid.of(study).arms
    order(out, {arms[2].id: "disk"})
    with pytest.raises(OSError, match=r"the sweep has stopped at 'random 0.5.*No space left on device") as caught:
        swept(study, out)
    assert caught.value.errno == 28  # by which the command knows that it may be given again
    assert not list(out.glob("arms/*/failed.json"))
    told = [(row["round"], row["status"]) for row in untimed(out) if row["arm"] == arms[2].id]
    assert told == [(0, "unfinished")]  # the table has what was measured until then
    order(out, {})
    result, executor, _ = swept(study, out)
    assert result.failed == {}
    assert arms[0].id not in [job.id for job in executor.begun]


def test_an_arm_that_lacks_a_file_fails_alone(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    arms = Grid.of(study).arms
    order(out, {arms[2].id: "lacks a file"})
    result, _, _ = swept(study, out)
    assert list(result.failed) == [arms[2].id]
    assert "FileNotFoundError: [Errno 2] No such file or directory: 'anchors/E_H0.json'" in result.failed[arms[2].id]


def test_an_arm_whose_process_dies_is_begun_again_so_many_times(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, attempts=2), tmp_path / "out"
    lost = Grid.of(study).arms[1].id
    order(out, {lost: "lost"})
    result, executor, printed = swept(study, out)
    assert [job.id for job in executor.begun].count(lost) == 3
    text = "its process ended 3 times in a row before anything more was measured, the last time by signal 9 (SIGKILL)"
    assert result.failed == {lost: text}
    assert printed.count("it is begun again from where it was") == 2


def test_only_deaths_in_a_row_count(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, base={"rounds": 3}, attempts=1), tmp_path / "out"
    lost = Grid.of(study).arms[1].id
    order(out, {lost: "lost after each round"})
    result, executor, _ = swept(study, out)
    assert [job.id for job in executor.begun].count(lost) == 5  # four rounds, and a look at the end
    assert result.failed == {}


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("metrics.jsonl", b"\xff\xfe", r"metrics\.jsonl' is damaged: 'utf-8' codec"),
        ("metrics.jsonl", b'{"round": 0}\n{"rou', r"metrics\.jsonl', line 2 is damaged"),
        ("metrics.jsonl", b'{"round": 1}\n', r"line 1 is not of round 0"),
        ("seconds.json", b'{"play": 1.0}', r"seconds\.json' is damaged: 'play' took 1\.0"),
        ("failed.json", b"{}", r"failed\.json' is damaged"),
    ],
)
def test_an_arm_whose_files_are_damaged_has_failed_and_the_others_go_on(
    tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    study, out = small_study(tmp_path, seeds=[0]), tmp_path / "out"
    arms = Grid.of(study).arms
    folder = out / "arms" / arms[1].id
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    result, executor, _ = swept(study, out)
    assert list(result.failed) == [arms[1].id]
    assert re.search(text, result.failed[arms[1].id])
    assert f"remove the folder {str(folder)!r} to run the arm anew" in result.failed[arms[1].id]
    assert arms[1].id not in [job.id for job in executor.begun]
    assert {row["status"] for row in untimed(out) if row["arm"] != arms[1].id} == {"done"}
    shutil.rmtree(folder)
    assert swept(study, out)[0].failed == {}


def test_a_sweep_leaves_alone_what_others_write_in_arms(tmp_path: Path) -> None:
    table, metrics = tmp_path / ".results.parquet.7.partial", tmp_path / "arms" / "x" / ".metrics.jsonl.7.partial"
    metrics.parent.mkdir(parents=True)
    for path in (table, metrics):
        path.touch()
    with SweepFolder(tmp_path).locked():
        assert (table.exists(), metrics.exists()) == (False, True)
    with SweepFolder(tmp_path).arm("x").locked():
        assert not metrics.exists()


def test_a_finished_arm_keeps_its_numbers_alone(tmp_path: Path) -> None:
    study = study_from(plain_study(tmp_path, base={"play": {"games": 2, "max_plies": 4}}, keep="numbers", seeds=[0]))
    out = tmp_path / "out"
    swept(study, out)  # the stand-in leaves its games: as if the sweep were killed just before they are removed
    assert list(out.glob("arms/*/corpus"))
    swept(study, out)
    assert not list(out.glob("arms/*/corpus"))
    assert {row["status"] for row in untimed(out)} == {"done"}


def test_two_sweeps_do_not_work_in_one_folder(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    with SweepFolder(out).locked(), pytest.raises(RunLockedError, match="another process is at work"):
        swept(study, out)


def test_what_cannot_be_made_is_found_before_anything_runs(tmp_path: Path) -> None:
    study = plain_study(tmp_path)
    study["base"]["evaluate"]["openings"] = 100
    with pytest.raises(SandwichError, match="has 10 openings, and 100 are kept for measuring"):
        swept(study_from(study), tmp_path / "out")
    study = plain_study(tmp_path, novices={"H": str(tmp_path / "nobody.safetensors")})
    with pytest.raises(SandwichError, match=r"nobody\.safetensors"):
        swept(study_from(study), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_real_processes_die_and_are_replaced(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, seeds=[0], attempts=1), tmp_path / "out"
    once, always = (arm.id for arm in Grid.of(study).arms[:2])
    order(out, {once: "dies once", always: "dies"})
    console = Console(file=io.StringIO(), width=200)
    result = run_sweep(study, out, processes=2, console=console, do=stand_in)
    assert result.failed == {
        always: "its process ended 2 times in a row before anything more was measured, the last time by signal 9 "
        "(SIGKILL)"
    }
    assert len(rows_of(out, once)) == 2
    assert "its process ended by signal 9 (SIGKILL)" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_sweep_of_real_runs_keeps_the_numbers(tmp_path: Path) -> None:
    study = small_study(
        tmp_path,
        base={"play": {"games": 2, "max_plies": 6, "random_plies": 1}},
        kinds={"random": {"advisor": "random_move", "dial": "epsilon", "at": [1]}},
        seeds=[0],
        keep="numbers",
    )
    assert run_sweep(study, tmp_path / "out", processes=1).failed == {}
    rows = read_results(tmp_path / "out").to_pylist()
    assert [(row["kind"], row["round"], row["status"]) for row in rows] == [
        ("none", 0, "done"),
        ("none", 1, "done"),
        ("random", 0, "done"),
        ("random", 1, "done"),
    ]
    assert [row["queries_total"] > 0 for row in rows] == [False, False, False, True]
    assert rows[3]["games_total"] == 2
    assert rows[3]["tampered"] == 1.0
    assert not list((tmp_path / "out").glob("arms/*/corpus"))
    assert len(list((tmp_path / "out").glob("arms/*/matches/*.json"))) == 4
