"""What a sweep has cost: also the rounds in which arms failed, and what arms share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_support import finished, moved
from sweep_support import small_study, stand_in, swept

from sandwich_env.errors import DivergedError
from sandwich_env.experiments import run as run_module
from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.progress import Reporter, Silent
from sandwich_env.experiments.run import measure_anchors, resume, start
from sandwich_env.experiments.studies.folder import SweepFolder, anchors_seconds
from sandwich_env.experiments.studies.folder_spent import spent_in_vain
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, work
from sandwich_env.experiments.studies.table import read_results
from sandwich_env.experiments.sweep_report.page import report_sweep
from sandwich_env.experiments.timing import timed


def test_a_stage_that_fails_has_taken_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandwich_env.experiments.timing.round_seconds", lambda seconds: 1.0 if seconds < 1 else 2.0)
    path = tmp_path / "seconds.json"
    for _ in range(2):
        with pytest.raises(DivergedError), timed(path, "1 learn"):
            raise DivergedError("the loss is nan")
    assert read_json(path) == {"1 learn": 2.0}
    path.write_bytes(b"{")
    with pytest.raises(DivergedError), timed(path, "1 learn"):  # and nothing of the account
        raise DivergedError("the loss is nan")


def test_what_a_run_spent_on_a_round_is_told_by_its_files(tmp_path: Path) -> None:
    config = finished(tmp_path, rounds=1, method="ask_again")
    folder = RunFolder(config.out)
    row = folder.read_metrics()[1]
    spent = {name: row[name] for name in ("games", "plies", "queries", "inquiries", "expert_calls")}
    assert spent["inquiries"] > 0
    assert spent_in_vain(folder, 1) == spent
    assert spent_in_vain(folder, 2) == {}
    folder.counts(1).unlink()
    folder.corpus(1).write_bytes(b"PAR1")
    assert spent_in_vain(folder, 1) == {}  # damaged, which may be why the arm failed


def test_games_of_a_round_that_was_not_played_to_its_end_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = finished(tmp_path, rounds=1)
    config, play, played = moved(whole, tmp_path / "half"), run_module.play_games, 0

    def once(*given: Any, **others: Any) -> Any:
        nonlocal played
        played += 1
        if played == 2:
            raise ZeroDivisionError("by nought")
        return play(*given, **others)

    monkeypatch.setattr(run_module, "play_games", once)
    with pytest.raises(ZeroDivisionError):
        start(config)
    spent = spent_in_vain(RunFolder(config.out), 1)
    assert spent["games"] == 2
    assert 0 < spent["queries"] == spent["plies"] <= spent["expert_calls"]
    assert "1 play" in read_json(RunFolder(config.out).seconds)
    resume(config.out)
    assert spent_in_vain(RunFolder(config.out), 1) == spent_in_vain(RunFolder(whole.out), 1)


def test_the_round_that_an_arm_diverged_in_is_in_its_last_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = small_study(
        tmp_path,
        base={"play": {"games": 2, "max_plies": 6, "random_plies": 1}},
        kinds={"random": {"advisor": "random_move", "dial": "epsilon", "at": [1]}},
        controls={},
        seeds=[0],
    )

    def diverges(*given: Any, **others: Any) -> Any:
        raise DivergedError("the loss is nan after step 3")

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "fine_tune", diverges)
        patched.setattr("sandwich_env.experiments.timing.round_seconds", lambda seconds: 1.0)
        _, _, printed = swept(study, tmp_path / "out", do=work)
    (row,) = read_results(tmp_path / "out").to_pylist()
    assert (row["round"], row["status"], row["games"]) == (0, "diverged", None)
    assert row["games_total"] == 2
    assert row["queries_total"] == row["plies_total"] > 0
    assert row["expert_calls_total"] >= row["queries_total"]
    assert row["seconds_total"] == 3.0  # measured, played, and learnt in vain
    assert "4 s of work in all, 1 s of it for the anchors that arms share." in printed
    assert swept(study, tmp_path / "out", do=work, retry_failed=True)[0].failed == {}
    (_, last) = read_results(tmp_path / "out").to_pylist()
    assert last["games_total"] == last["games"] == 2


def test_what_the_anchors_took_is_kept_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandwich_env.experiments.timing.round_seconds", lambda seconds: 7.0)
    study = small_study(tmp_path, seeds=[0])
    arm, root = Grid.of(study).arms[0], tmp_path / "out"
    work(Job(id=arm.anchors, config=arm.anchors_plain), root, Silent())
    assert read_json(root / "anchors" / arm.anchors / "seconds.json") == {"0 measure": 7.0}
    assert anchors_seconds(SweepFolder(root)) == 7.0
    write_json(root / "anchors" / "other.partial" / "run" / "seconds.json", {"0 measure": 2.0})
    (root / "anchors" / "damaged").mkdir()
    (root / "anchors" / "damaged" / "seconds.json").write_bytes(b"{")
    assert anchors_seconds(SweepFolder(root)) == 9.0
    config = arm.config(tmp_path / "alone")
    measure_anchors(config)
    assert read_json(RunFolder(config.out).seconds) == {"0 measure": 7.0}


def test_the_report_says_what_the_anchors_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandwich_env.experiments.sweep_report.page.draw_figures", lambda _: iter(()))

    def timed_stand_in(job: Job, root: Path, reporter: Reporter) -> None:
        stand_in(job, root, reporter)
        if job.anchors is None:
            write_json(root / "anchors" / job.id / "seconds.json", {"0 measure": 30.0})

    out = tmp_path / "out"
    _, _, printed = swept(small_study(tmp_path), out, do=timed_stand_in)
    assert "1 min of it for the anchors that arms share." in printed
    assert " seconds. The anchors that they share took 1 min more.</p>" in report_sweep(out).read_text()
