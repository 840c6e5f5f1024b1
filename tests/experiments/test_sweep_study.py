"""A study says what is wrong with it before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sweep_support import KINDS, plain_study, small_study

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import Kind, Study, read_study, study_from, study_to_plain


def test_a_study_is_read_from_a_file_and_written_down_again(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(json.dumps(plain_study(tmp_path)))
    study = read_study(path)
    assert study.kinds["random"] == Kind(advisor="random_move", dial="epsilon", at=(0.0, 0.5, 1.0))
    assert study_from(json.loads(json.dumps(study_to_plain(study)))) == study
    with pytest.raises(DataError, match="no config that can be read"):
        read_study(tmp_path / "other.yaml")


def test_methods_in_a_list_are_their_own_labels() -> None:
    study = study_from({"name": "x", "controls": ["imitate", "imitate:explore_plies=2"], "seeds": [0]})
    assert list(study.controls) == ["imitate", "imitate:explore_plies=2"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seeds": []}, "has no seeds: give at least one"),
        ({"seeds": [0, 0]}, "name each once"),
        ({"seeds": [-1]}, "must be a whole number, 0 or more"),
        ({"seeds": 3}, "must be a list"),
        ({"kind": {}}, "unknown key 'kind' in the study: did you mean 'kinds'?"),
        ({"keep": "nothing"}, "'keep' in the study is 'nothing'"),
        ({"attempts": -1}, "attempts of the study is -1"),
        ({"base": {"out": "runs"}}, "base has the key 'out', which the study sets arm by arm: give it to the command"),
        ({"base": {"seed": 1}}, "name it among the seeds"),
        ({"base": {"round": 1}}, "unknown key 'round' in base: did you mean 'rounds'?"),
        ({"methods": "imitate"}, "must be a list of specs, or a mapping of labels to specs"),
        ({"methods": {}}, "no methods or no protocols"),
        ({"kinds": {}}, "has methods, but no kinds"),
        ({"kinds": {}, "methods": {}, "controls": {}}, "has nothing to run"),
        ({"controls": {"trusting": "imitate"}}, "'trusting' is among the methods and the controls"),
        ({"kinds": {"none": KINDS["random"]}}, "choose another label"),
        ({"kinds": {"r": {"advisor": "random_move", "at": [1]}}}, "the kind 'r' of the study lacks the key 'dial'"),
        ({"kinds": {"r": {"advisor": "random_move", "dial": "epsilon", "at": []}}}, "has no values"),
        ({"kinds": {"r": {"advisor": "random_move", "dial": "epsilon", "at": [1, 1]}}}, "each once"),
        ({"kinds": {"r": {"advisor": "random_move", "dial": "epsilon", "at": ["much"]}}}, "must be a number"),
        ({"novices": {}}, "has no novices"),
        ({"seeds": [2**63]}, "holds seeds below 2**63"),
        ({"methods": {"a": None}}, "a spec is a name, 'name:key=value', or a mapping"),
        ({"methods": [3]}, "'methods' in the study holds 3: a spec is a name"),
        ({"methods": [["imitate"]]}, "holds ['imitate']: a spec is a name"),
        ({"controls": {"a": 1.5}}, "'controls' in the study holds 1.5: a spec is a name"),
        ({"methods": ["imitate", "imitate"]}, "holds 'imitate' twice: name each once"),
        ({"methods": {1: "imitate", "1": "trust"}}, "holds '1' twice: name each once"),
        ({"kinds": {1: KINDS["random"], "1": KINDS["values"]}}, "'kinds' in the study holds '1' twice"),
        ({"name": ""}, "has no name"),
    ],
)
def test_a_bad_key_or_value_is_named(tmp_path: Path, changes: dict[str, object], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        study_from(plain_study(tmp_path) | changes)
    assert text in str(caught.value)


def kind(advisor: object, dial: str, *at: float) -> dict[str, object]:
    return {"kinds": {"mine": {"advisor": advisor, "dial": dial, "at": list(at)}}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (kind("random_mov", "epsilon", 0.5), "the kind 'mine' of the study: unknown kind 'random_mov'"),
        (kind("random_move", "epsilo", 0.5), "has no dial 'epsilo': did you mean 'epsilon'?"),
        (kind("honest", "epsilon", 0.5), "'honest' has no dial 'epsilon': known: none"),
        (kind("random_move", "epsilon", 1.5), "is set to 1.5: it goes from 0, where advice is honest, to 1"),
        (kind("policy_noise", "scale", -1), "it goes from 0, where advice is honest, to inf"),
        (kind("random_move", "wrapper.epsilon", 0.5), "names 'wrapper', which is not in"),
        (kind({"kind": "random_move", "epsilons": 1}, "epsilon", 0.5), "takes no 'epsilons'"),
        (kind({"kind": "random_move", "epsilons": 1}, "epsilon", 0), "takes no 'epsilons'"),
        (kind({"kind": "every_n", "wrapper": "random_move:epsilon=1"}, "n", 2.5), "must be a whole number"),
        ({"methods": {"mine": "imitat"}}, "the method 'mine' of the study: unknown kind 'imitat'"),
        ({"methods": {"mine": "imitate:explore=2"}}, "takes no 'explore'"),
        ({"methods": {"mine": "honest"}}, "the method 'mine' of the study"),
        ({"controls": {"alone": "imitat"}}, "the method 'alone' of the study"),
        ({"protocols": ["every_turns"]}, "the protocol 'every_turns' of the study: unknown kind"),
        ({"protocols": ["every_n_turns:n=0"]}, "must be a whole number, 1 or more"),
        ({"protocols": ["every_turn", {"kind": "every_turn"}]}, "are the same: name each once"),
        (
            {"protocols": ["every_turn", "every_n_turns:n=1"]},
            "'every_turn' and 'every_n_turns:n=1' of the study are the",
        ),
        ({"protocols": ["at_random:probability=1", "every_turn"]}, "are the same: name each once"),
        ({"protocols": ["never", "at_random:probability=0"]}, "are the same: name each once"),
        ({"base": {"rounds": 0}}, "rounds is 0"),
    ],
)
def test_what_arms_are_made_of_is_checked(tmp_path: Path, changes: dict[str, object], text: str) -> None:
    study = study_from(plain_study(tmp_path) | changes)
    with pytest.raises(SpecError) as caught:
        Grid.of(study)
    assert text in str(caught.value)


def test_a_study_is_made_in_python_too(tmp_path: Path) -> None:
    made = Study(
        name="small",
        base=dict(small_study(tmp_path).base),
        kinds={"random": Kind(advisor="random_move", dial="epsilon", at=(0.0, 0.5, 1.0))},
        methods={"trusting": "imitate"},
        seeds=(0,),
    )
    assert len(Grid.of(made).cells) == 3
