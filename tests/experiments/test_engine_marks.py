"""An engine that takes part is written down, and one that has been changed since is refused by name."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from run_support import tiny_config
from sweep_support import small_study, stand_in, swept

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experiments.config import RunConfig
from sandwich_env.experiments.contenders import Contenders
from sandwich_env.experiments.engine_marks import engines_among
from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experiments.progress import Silent
from sandwich_env.experiments.signing_in import sign_in
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.jobs import Job, attempt, work
from sandwich_env.experiments.studies.study import Study
from sandwich_env.experts.uci import UciExpert
from sandwich_env.experts.worst import WorstMoveExpert

FAKE = Path(__file__).parents[1] / "experts" / "fake_engine.py"


def install(path: Path, name: str = "fake") -> Path:
    """A program that is an engine of this name."""
    source = FAKE.read_text().replace("id name fake", f"id name {name}")
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return path


def engine_run(folder: Path, **changes: str) -> RunConfig:
    """A run whose E is the engine in the folder."""
    return tiny_config(folder, expert={"kind": "uci", "path": str(folder / "engine"), "nodes": 10}, **changes)


def signed_in(config: RunConfig) -> None:
    contenders = Contenders.of(config)
    try:
        sign_in(config, RunFolder(config.out), contenders)
    finally:
        contenders.close()


def test_an_engine_is_found_wherever_it_stands(tmp_path: Path) -> None:
    path = install(tmp_path / "engine", "Fake 1")
    inside = {"kind": "uci", "path": str(path), "options": {"Skill Level": 3, "EvalFile": str(FAKE)}}
    advisor = make_advisor(
        {"kind": "other_model", "model": {"kind": "worst", "expert": inside}}, lambda: UciExpert(path)
    )
    found = engines_among([WorstMoveExpert(UciExpert(path)), advisor])
    own, net = (hashlib.sha256(one.read_bytes()).hexdigest() for one in (path, FAKE))
    assert found == {
        str(path): {"name": "Fake 1", "sha256": {"engine": own}},
        f"{path} EvalFile={FAKE}": {"name": "Fake 1", "sha256": {"engine": own, FAKE.name: net}},
    }
    install(path, "Fake 2")
    assert engines_among([UciExpert(path)])[str(path)]["name"] == "Fake 2"  # what is remembered is of the old file


def test_what_is_no_engine_is_said_before_anything_is_played(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(0o755)
    with pytest.raises(EngineError, match="does not start as a UCI engine"):
        signed_in(engine_run(tmp_path))
    assert not RunFolder(tmp_path / "run").config.exists()


def test_a_run_goes_on_with_its_own_engine_alone(tmp_path: Path) -> None:
    install(tmp_path / "engine", "Fake 1")
    config = engine_run(tmp_path)
    signed_in(config)
    about = RunFolder(config.out).about
    assert read_json(about)["engines"][str(tmp_path / "engine")]["name"] == "Fake 1"
    signed_in(config)
    install(tmp_path / "engine", "Fake 2")
    text = r"engine '.*engine' is not the one .* began with: it was Fake 1 \(engine \w{12}\) and is now Fake 2 \("
    with pytest.raises(SpecError, match=text):
        signed_in(config)
    old = {key: value for key, value in read_json(about).items() if key != "engines"}
    write_json(about, old)  # of an earlier version
    signed_in(config)


def engine_study(folder: Path) -> Study:
    return small_study(folder, base={"expert": {"kind": "uci", "path": str(folder / "engine")}}, seeds=[0])


def test_a_sweep_goes_on_with_its_own_engine_alone(tmp_path: Path) -> None:
    install(tmp_path / "engine", "Fake 1")
    study, out = engine_study(tmp_path), tmp_path / "out"
    swept(study, out)
    about = SweepFolder(out).about
    assert [mark["name"] for mark in read_json(about)["engines"].values()] == ["Fake 1"]
    install(tmp_path / "engine", "Fake 2")
    with pytest.raises(SpecError, match=r"is not the one that the sweep in .*out' began with: it was Fake 1"):
        swept(study, out)
    write_json(about, {key: value for key, value in read_json(about).items() if key != "engines"})
    assert swept(study, out)[0].failed == {}


def test_an_arm_that_finds_another_engine_fails(tmp_path: Path) -> None:
    install(tmp_path / "engine", "Fake 1")
    study, jobs = engine_study(tmp_path), list[Job]()

    def noting(job: Job, root: Path, reporter: Silent) -> None:
        jobs.append(job)
        stand_in(job, root, reporter)

    swept(study, tmp_path / "out", do=noting)  # type: ignore[arg-type]
    install(tmp_path / "engine", "Fake 2")
    assert {job.anchors for job in jobs} == {None, Grid.of(study).arms[0].anchors}
    for job in (jobs[0], jobs[-1]):
        SweepFolder(tmp_path / "other").anchors(job.anchors or "none").mkdir(parents=True)
        outcome = attempt(work, job, tmp_path / "other", Silent())
        assert "is not the one that the sweep began with: it was Fake 1" in outcome.error
