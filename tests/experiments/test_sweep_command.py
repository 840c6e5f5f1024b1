"""The command `sandwich sweep`: its arguments, and its exit status."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from sweep_support import plain_study

from sandwich_env.cli import run
from sandwich_env.experiments.studies import arguments
from sandwich_env.experiments.studies.sweep import SweepResult


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `run_sweep` was asked for; it says what `failed` says."""
    given: dict[str, Any] = {"failed": {}}

    def sweep(study: Any, out: Path, **others: Any) -> SweepResult:
        given.update(others, study=study, out=out)
        return SweepResult(out / "results.parquet", 2, given["failed"])

    monkeypatch.setattr(arguments, "run_sweep", sweep)
    return given


@pytest.fixture
def study(tmp_path: Path) -> str:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(plain_study(tmp_path)))
    return str(path)


def test_what_is_given_is_passed_on(asked: dict[str, Any], study: str, tmp_path: Path) -> None:
    assert run(["sweep", study, "--out", str(tmp_path / "out")]) == 0
    assert (asked["out"], asked["study"].name) == (tmp_path / "out", "small")
    assert (asked["processes"], asked["retry_failed"], asked["executor"]) == (None, False, None)
    assert run(["sweep", "--processes", "3", "--retry-failed", "--ray", study, "--out", str(tmp_path / "out")]) == 0
    assert (asked["processes"], asked["retry_failed"]) == (3, True)
    assert asked["executor"] is not None


def test_failed_arms_are_told_by_the_exit_status(asked: dict[str, Any], study: str, tmp_path: Path) -> None:
    asked["failed"] = {"an arm": "by nought"}
    with pytest.raises(SystemExit) as ended:
        run(["sweep", study, "--out", str(tmp_path / "out")])
    assert ended.value.code == 1


def test_a_full_disk_is_told_with_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*given: Any, **others: Any) -> SweepResult:
        text = "could not write 'results.parquet', and what was there before is untouched: No space left"
        raise OSError(errno.ENOSPC, text)

    monkeypatch.setattr(arguments, "run_sweep", full)
    assert run(["sweep", study, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert "No space left" in printed
    assert f"give the same command again (sandwich sweep {study} --out" in printed


def test_a_study_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert "is no config that can be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
