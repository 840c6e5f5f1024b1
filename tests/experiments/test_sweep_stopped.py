"""However a sweep ends, the table and the screen have what was measured until then."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sweep_support import Here, order, small_study, stand_in, swept, untimed

from sandwich_env.errors import DataError, SandwichError, SpecError
from sandwich_env.experiments.config import config_from
from sandwich_env.experiments.folder import write_json
from sandwich_env.experiments.progress import Reporter
from sandwich_env.experiments.run import start
from sandwich_env.experiments.studies import sweep as sweep_module
from sandwich_env.experiments.studies.board import Lines
from sandwich_env.experiments.studies.executors import Event
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job
from sandwich_env.experiments.studies.sweep import run_sweep


class Stopping(Here):
    """Stops the sweep when so many jobs have been done, and one more that nobody has heard of."""

    def __init__(self, root: Path, error: BaseException, after: int) -> None:
        super().__init__(root, 2)
        self.error, self.left = error, after

    def wait(self, timeout: float) -> list[Event]:
        events = super().wait(timeout)
        self.left -= 1
        if self.left < 0:
            raise self.error
        return events


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SandwichError("5 processes ended"), RuntimeError("a bug")])
def test_the_table_has_what_was_measured_when_something_ends_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(sweep_module, "SHARE", 1e9)  # no table in between
    study, out = small_study(tmp_path, seeds=[0]), tmp_path / "out"
    with pytest.raises(type(error)):
        run_sweep(study, out, executor=lambda root: Stopping(root, error, after=2))
    assert (out / "results.parquet").is_file()
    done = {row["arm"] for row in untimed(out) if row["status"] == "done"}
    assert len(done) == 2  # after the anchors an arm, and one of which the sweep had not heard yet
    assert swept(study, out)[0].failed == {}


def test_ctrl_c_is_still_ctrl_c_where_the_table_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError("No space left")

    study, console = small_study(tmp_path, seeds=[0]), Console(file=io.StringIO(), width=200)
    monkeypatch.setattr(sweep_module, "SHARE", 1e9)

    def stops(root: Path) -> Here:
        monkeypatch.setattr(sweep_module, "write_results", full)
        return Stopping(root, KeyboardInterrupt(), after=0)

    with pytest.raises(KeyboardInterrupt):
        run_sweep(study, tmp_path / "out", executor=stops, console=console)
    assert "The table is as it was before: No space left" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_last_that_is_shown_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, int, float | None]] = []
    monkeypatch.setattr(Lines, "show", lambda self, *told: shown.append(told))
    monkeypatch.setattr(sweep_module, "OFTEN_S", 1e9)
    swept(small_study(tmp_path), tmp_path / "out")
    assert shown[-1] == (8, 8, None)


def test_a_folder_holds_a_run_or_a_sweep(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, seeds=[0]), tmp_path / "out"
    config = config_from({**Grid.of(study).arms[1].plain, "out": str(out)})
    swept(study, out)
    about = (out / "about.json").read_bytes()
    with pytest.raises(SpecError, match=r"out' holds a sweep: give another folder"):
        start(config)
    assert (out / "about.json").read_bytes() == about
    assert not (out / "config.json").exists()
    run = tmp_path / "run"
    write_json(run / "config.json", {})
    write_json(run / "about.json", {"weights": {}})
    with pytest.raises(SpecError, match=r"run' holds a run: give another folder"):
        swept(study, run)
    assert (run / "about.json").read_text() == '{\n  "weights": {}\n}\n'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, r"about\.json' is not there, which says with which weights and files the sweep began: put it back"),
        (b'{"weights": 3}', r"about\.json' is damaged.*: put it back, or give another folder"),
        (b"{", r"about\.json' is damaged"),
    ],
)
def test_what_a_sweep_began_with_is_needed(tmp_path: Path, content: bytes | None, text: str) -> None:
    study, out = small_study(tmp_path, seeds=[0]), tmp_path / "out"
    swept(study, out)
    about = SweepFolder(out).about
    if content is None:
        about.unlink()
    else:
        about.write_bytes(content)
    with pytest.raises(DataError, match=text):
        swept(study, out)


def test_an_arm_to_be_removed_is_said_to_begin_anew(tmp_path: Path) -> None:
    study, out = small_study(tmp_path, seeds=[0]), tmp_path / "out"
    broken = Grid.of(study).arms[1].id
    order(out, {broken: "broken"})
    assert "--retry-failed goes on with them." in swept(study, out)[2]

    def damaged(job: Job, root: Path, reporter: Reporter) -> None:
        if job.id == broken:
            raise DataError("'x' is damaged. Remove the folder 'y' to begin what it holds anew")
        stand_in(job, root, reporter)

    printed = swept(study, out, do=damaged, retry_failed=True)[2]
    assert "goes on with them; an arm whose folder is to be removed is begun anew." in printed
