"""What a sweep goes on from: its own study or one that has grown, and what its arms were made of when they began."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sweep_support import KINDS, calls, plain_study, small_study, swept, untimed

from sandwich_env.errors import SpecError
from sandwich_env.experiments.engine_marks import Engines
from sandwich_env.experiments.studies.checking import Marks
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import Study
from sandwich_env.experiments.studies.sweep_signing import sign_in


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": [0, 2]}, r"seeds was \[0, 1\] and is now \[0, 2\].* 4 of the arms that have begun are not among"),
        ({"keep": "numbers"}, "keep was 'all' and is now 'numbers'. Go on with the old one"),
        ({"base": {"rounds": 2}}, "base.rounds was 1 and is now 2"),
        ({"controls": {}}, "controls.alone was .* 2 of the arms that have begun are not among"),
    ],
)
def test_a_study_without_what_has_begun_is_refused(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    out = tmp_path / "out"
    swept(small_study(tmp_path), out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(SpecError, match=text):
        swept(small_study(tmp_path, **changes), out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    swept(small_study(tmp_path, attempts=9), out)  # upon which no number depends


GROWN: list[dict[str, Any]] = [
    {"seeds": [1, 2, 0]},
    {"kinds": KINDS | {"random": {"advisor": "random_move", "dial": "epsilon", "at": [0, 0.25, 0.5, 1]}}},
    {"kinds": KINDS | {"worst": {"advisor": "policy_noise", "dial": "scale", "at": [1]}}, "name": "larger"},
    {"methods": {"trusting": {"kind": "imitate", "explore_plies": 2}, "gate": {"kind": "gate"}}},
]


@pytest.mark.parametrize("changes", GROWN)
def test_a_study_grows_in_its_folder(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What was run is not run again, and the table is that of the larger study run at once."""
    small, large = small_study(tmp_path), small_study(tmp_path, **changes)
    out = tmp_path / "out"
    swept(small, out)
    ran = calls(out)
    _, _, printed = swept(large, out)
    assert "The study has changed, and all arms that have begun are in it" in printed
    arms = {arm.id for arm in Grid.of(large).arms}
    anew = [id for id in calls(out)[len(ran) :] if id in arms]
    assert sorted(anew) == sorted(arms - set(ran))
    assert len(anew) > 0
    assert json.loads((out / "about.json").read_text())["arms"] == len(arms)
    swept(large, tmp_path / "at_once")
    assert untimed(out) == untimed(tmp_path / "at_once")
    again = calls(out)
    assert "The study has changed" not in swept(large, out)[2]
    assert calls(out) == again


def test_arms_that_have_not_begun_may_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    study = small_study(tmp_path)
    folder = SweepFolder(out)
    sign_in(folder, study, Grid.of(study), Marks())
    swept(small_study(tmp_path, seeds=[3]), out)
    assert {row["seed"] for row in untimed(out)} == {3}
    with pytest.raises(SpecError, match="4 of the arms that have begun are not among"):
        swept(study, out)


def test_what_a_study_grows_by_is_written_down_and_held_to(tmp_path: Path) -> None:
    first, more = {"a.safetensors": "1"}, {"b.safetensors": "2"}
    engines: Engines = {"one": {"name": "One", "sha256": {"one": "1"}}}
    other: Engines = {"two": {"name": "Two", "sha256": {"two": "2"}}}
    folder = SweepFolder(tmp_path / "out")

    def signed(study: Study, weights: dict[str, str], engines: Engines) -> list[str]:
        return sign_in(folder, study, Grid.of(study), Marks(weights=weights, files=weights), engines)

    small, large = small_study(tmp_path), small_study(tmp_path, seeds=[0, 1, 2])
    assert signed(small, first, engines) == []
    with pytest.raises(SpecError, match=r"'b.safetensors' are not what the sweep"):
        signed(small, {**first, **more}, engines)
    with pytest.raises(SpecError, match=r"'a.safetensors' are not what the sweep"):
        signed(large, {"a.safetensors": "3"} | more, engines)
    with pytest.raises(SpecError, match="the engine 'one' is not the one"):
        signed(large, first, {"one": other["two"]})
    assert len(signed(large, first | more, {**engines, **other})) == 1
    assert signed(large, first | more, {**engines, **other}) == []
    known = json.loads(folder.about.read_text())
    assert known["weights"] == known["files"] == first | more
    assert known["engines"] == {**engines, **other}
    with pytest.raises(SpecError, match=r"'b.safetensors' are not what the sweep"):
        signed(large, first | {"b.safetensors": "4"}, {**engines, **other})


def test_nothing_is_made_of_the_study_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be somebody else's, and name code of theirs."""
    out = tmp_path / "out"
    study = small_study(tmp_path)
    swept(study, out)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "planted.py").write_text("raise SystemExit('the study was made')")
    planted = plain_study(tmp_path, methods={"trusting": {"kind": "planted:Method"}})
    (out / "study.json").write_text(json.dumps(planted))
    assert "The study has changed" in swept(study, out)[2]


@pytest.mark.parametrize("name", ["novice.safetensors", "book.epd", "puzzles.csv"])
def test_other_weights_openings_or_puzzles_are_refused(tmp_path: Path, name: str) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    swept(study, out)
    if name == "novice.safetensors":
        from sandwich_env.nets.residual import new_network
        from sandwich_env.nets.shape import NetworkShape
        from sandwich_env.nets.weights import save_network

        save_network(new_network(NetworkShape(blocks=1, channels=8), 1), tmp_path / name)
    else:
        (tmp_path / name).write_text((tmp_path / name).read_text() + "\n")
    with pytest.raises(SpecError, match=f"{name}' are not what the sweep in .* began with"):
        swept(study, out)


def test_another_version_of_the_package_is_said(tmp_path: Path) -> None:
    study, out = small_study(tmp_path), tmp_path / "out"
    swept(study, out)
    about = json.loads((out / "about.json").read_text())
    (out / "about.json").write_text(json.dumps(about | {"sandwich_env": "0.0.1"}))
    assert "Other versions than at the start: sandwich_env was 0.0.1 and is now" in swept(study, out)[2]
