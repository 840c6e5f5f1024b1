"""Every command that a sweep was begun or gone on with is written down in its folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sweep_support import Here, plain_study, small_study, swept, untimed

import sandwich_env
from sandwich_env.cli import run
from sandwich_env.errors import SpecError
from sandwich_env.experiments.studies import sweep as sweep_module
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.sweep import run_sweep
from sandwich_env.experiments.studies.sweep_log import command_of, read_log
from sandwich_env.experiments.studies.sweep_ray import ray_tasks

VERSION = f"  # sandwich_env {sandwich_env.__version__}"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["/usr/bin/sandwich", "sweep", "a b.yaml", "--ray"], "sandwich sweep 'a b.yaml' --ray"),
        (["/x/sandwich_env/__main__.py", "sweep", "s.yaml"], "sandwich sweep s.yaml"),
        (["sandwich", "report", "x"], None),
        (["mine.py", "sweep"], None),
        ([""], None),
    ],
)
def test_a_command_is_told_from_a_script(words: list[str], command: str | None) -> None:
    assert command_of(words) == command


def test_each_command_is_a_line_and_the_table_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "study.json"
    file.write_text(json.dumps(plain_study(tmp_path, seeds=[0])))
    folder = SweepFolder(tmp_path / "out")
    monkeypatch.setattr(sweep_module, "LocalProcesses", lambda root, count, do: Here(root))

    def give(*more: str) -> None:
        words = ["sweep", str(file), "--out", str(folder.root), *more]
        monkeypatch.setattr(sys, "argv", ["sandwich", *words])
        assert run(words) == 0

    give("--processes", "2")
    table = untimed(folder.root)
    give("--retry-failed")
    give("--retry-failed")
    begun = f"sandwich sweep {file} --out {folder.root}"
    assert read_log(folder) == [
        f"{begun} --processes 2{VERSION}",
        f"{begun} --retry-failed{VERSION}, 2 times",
    ]
    assert untimed(folder.root) == table


def test_a_sweep_from_python_says_so(tmp_path: Path) -> None:
    study, folder = small_study(tmp_path, seeds=[0]), SweepFolder(tmp_path / "out")
    assert read_log(folder) == []

    def refuses(root: Path) -> Any:
        raise SpecError("no cluster")

    with pytest.raises(SpecError, match="no cluster"):
        run_sweep(study, folder.root, executor=refuses, retry_failed=True)
    given = f"# from Python: run_sweep('small', {str(folder.root)!r}, "
    assert read_log(folder) == [f"{given}executor=refuses, retry_failed=True){VERSION}"]
    with pytest.raises(SpecError, match="keep was"):  # refused before it began
        swept(small_study(tmp_path, seeds=[0], keep="numbers"), folder.root)
    assert len(read_log(folder)) == 1


def test_ray_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    study, folder = small_study(tmp_path, seeds=[0]), SweepFolder(tmp_path / "out")
    with pytest.raises(ImportError):
        run_sweep(study, folder.root, executor=ray_tasks())
    assert "executor=ray_tasks, retry_failed=False" in read_log(folder)[0]
