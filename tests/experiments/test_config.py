"""Configs: from plain data and back, every key checked, every error with the value and what would be right."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.config import (
    EvaluateSettings,
    LearnSettings,
    PlaySettings,
    RunConfig,
    check_same,
    config_from,
    config_keys,
    config_to_plain,
)
from sandwich_env.experiments.plain import differences, from_plain, read_plain, to_plain

FULL = RunConfig(
    out=Path("runs/a"),
    expert={"kind": "uci", "nodes": 100},
    novice="h.safetensors",
    advisor={"kind": "random_move", "epsilon": 0.5, "inner": {"kind": "every_n", "n": 3}},
    advised="white",
    protocol="every_n_turns:n=4",
    asks="move",
    method={"kind": "imitate", "values": False},
    rounds=7,
    book="book.epd",
    seed=11,
    device="cpu",
    threads=2,
    play=PlaySettings(games=10, games_at_once=5, max_plies=60, random_plies=0),
    learn=LearnSettings(epochs=0.5, batch_size=32, learning_rate=1e-4, mirror=False, replay_rounds=2),
    evaluate=EvaluateSettings(openings=9, anchors=("expert", "novice"), puzzles=Path("p.csv"), puzzle_limit=50),
)
"""A value other than the default for most keys."""


@pytest.mark.parametrize("config", [RunConfig(out=Path("run")), FULL, RunConfig(out=Path("run"), advisor=None)])
def test_a_config_is_written_down_and_read_back(config: RunConfig, tmp_path: Path) -> None:
    plain = config_to_plain(config)
    assert config_from(plain) == config
    (tmp_path / "config.json").write_text(json.dumps(plain))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain))
    for name in ("config.json", "config.yaml"):
        assert config_from(read_plain(tmp_path / name)) == config
    check_same(config, plain, Path("run"))


def test_what_is_left_out_has_its_default() -> None:
    given = config_from({"out": "run", "play": {"games": 5}})
    assert given == RunConfig(out=Path("run"), play=PlaySettings(games=5))
    assert set(config_keys()) == {field.name for field in dataclasses.fields(RunConfig)} >= {"out", "play", "learn"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"advisr": "honest"}, r"unknown key 'advisr' in the config: did you mean 'advisor'\?"),
        ({"play": {"game": 3}}, r"unknown key 'game' in 'play' in the config: did you mean 'games'\?"),
        ({"learn": {"lerning_rate": 1}}, r"did you mean 'learning_rate'\?"),
        ({"rounds": "three"}, r"'rounds' in the config is 'three': it must be a whole number"),
        ({"rounds": True}, r"'rounds' .* is True: it must be a whole number"),
        ({"rounds": 0}, r"rounds.*0"),
        ({"seed": -1}, r"seed.*-1"),
        ({"play": {"max_plies": 0}}, r"max_plies.*0"),
        ({"learn": {"epochs": "many"}}, r"'epochs' in 'learn' in the config is 'many': it must be a number"),
        ({"learn": {"epochs": -0.5}}, r"epochs.*-0\.5"),
        ({"learn": {"mirror": 1}}, r"'mirror' .* is 1: it must be true or false"),
        ({"learn": 3}, r"'learn' in the config is 3: it must be a mapping"),
        ({"advised": "whit"}, r"'advised' in the config is 'whit': did you mean 'white'\?"),
        ({"asks": "moves"}, r"did you mean 'move'\?"),
        ({"evaluate": {"anchors": ["novice", "expret"]}}, r"did you mean 'expert'\?"),
        ({"evaluate": {"anchors": "novice"}}, r"'anchors' .* is 'novice': it must be a list"),
        ({"evaluate": {"anchors": ["novice"]}}, r"'novice' and 'expert' must be among them"),
        ({"evaluate": {"anchors": ["novice", "expert", "expert"]}}, r"name each once"),
        ({"evaluate": {"puzzles": 3}}, r"'puzzles' .* is 3: it must be a path"),
        ({"evaluate": {"puzzle_limit": 0}}, r"puzzle_limit.*0"),
        ({"advisor": 3}, r"'advisor' in the config is 3: it must be text"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(data: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        config_from({"out": "run"} | data)


def test_the_folder_must_be_given() -> None:
    with pytest.raises(SpecError, match="the config lacks the key 'out'"):
        config_from({})


def test_a_config_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(SpecError, match="must be a mapping"):
        from_plain(RunConfig, ["out"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.yaml", "a: [1", "is not YAML"),
        ("a.yaml", "- 1\n- 2", "holds list: a config is a mapping"),
        ("a.json", "3", "holds int"),
        ("a.yaml", "", "holds NoneType"),
        ("a.yaml", "seed: 1\nrounds: 2\nseed: 3", "has the key 'seed' twice in one mapping"),
        ("a.yaml", "kinds:\n  a: {at: [1], at: [2]}", "has the key 'at' twice in one mapping"),
        ("a.json", '{"play": {"games": 1, "games": 2}}', "has the key 'games' twice in one mapping"),
    ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=said):
        read_plain(tmp_path / name)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(DataError, match="no config that can be read"):
            read_plain(path)


def test_another_folder_is_no_other_config() -> None:
    check_same(dataclasses.replace(FULL, out=Path("elsewhere")), config_to_plain(FULL), Path("runs/a"))


def test_each_key_that_differs_is_named_with_both_values() -> None:
    other = dataclasses.replace(FULL, seed=12, play=dataclasses.replace(FULL.play, games=11), advisor="honest")
    with pytest.raises(SpecError) as caught:
        check_same(other, config_to_plain(FULL), Path("runs/a"))
    for said in ("seed was 11 and is now 12", "play.games was 10 and is now 11", "and is now 'honest'"):
        assert said in str(caught.value)
    assert "rounds" not in str(caught.value)


def test_differences_see_keys_of_one_side_alone() -> None:
    found = differences({"a": 1, "b": {"c": 2}, "d": 4}, {"a": 1, "b": {"c": 3, "e": None}, "f": 5})
    assert ("b.c", 2, 3) in found
    assert {key for key, _, _ in found} >= {"b.c", "d", "f"}
    assert "a" not in {key for key, _, _ in found}


def test_objects_in_a_config_become_their_specs() -> None:
    from sandwich_env.experts.uniform import UniformExpert

    assert to_plain({"expert": UniformExpert(), "path": Path("a/b"), "list": (1, Path("c"))}) == {
        "expert": {"kind": "uniform"},
        "path": "a/b",
        "list": [1, "c"],
    }


def test_a_number_with_an_exponent_and_a_mapping_taken_over_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {rate: 1e-3, most: 2E5}\nb: {<<: *a, rate: -5e+1}\nc: 1e5x\n1: 2\n'1': 3\n")
    assert read_plain(tmp_path / "a.yaml") == {
        "a": {"rate": 0.001, "most": 200000.0},
        "b": {"rate": -50.0, "most": 200000.0},
        "c": "1e5x",
        1: 2,
        "1": 3,
    }
