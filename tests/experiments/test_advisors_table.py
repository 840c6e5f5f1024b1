"""`sandwich advisors`: the list, the measures, the matched dials, the pictures, a user's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from sandwich_env.advisors.base import Advisor
from sandwich_env.errors import SpecError
from sandwich_env.evaluation.matching import Matched
from sandwich_env.experiments.advisors_table import (
    AdvisorsConfig,
    Workshop,
    dials_text,
    matches_table,
    measures_table,
    show_advisors,
)
from sandwich_env.experiments.catalogue import EXAMPLES, Company, Example, entries, turns_of
from sandwich_env.experiments.naming import parse_spec
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.specs import KINDS, class_of

FENS = [
    "r1bqkbnr/pppp1ppp/2n5/4p3/2B1P3/5Q2/PPPP1PPP/RNB1K1NR w KQkq - 4 4",
    "rnbqkb1r/pp2pppp/3p1n2/8/3NP3/8/PPP2PPP/RNBQKB1R w KQkq - 1 5",
    "8/5pk1/6p1/3R4/7p/1r5P/5PP1/6K1 w - - 0 40",
]


@pytest.fixture
def few(tmp_path: Path) -> Path:
    path = tmp_path / "few.epd"
    path.write_text("".join(f"{fen}\n" for fen in FENS))
    return path


def config(few: Path, **more: object) -> AdvisorsConfig:
    return AdvisorsConfig(**{"expert": "uniform", "player": "uniform", "fens": few} | more)  # type: ignore[arg-type]


def test_every_kind_of_advisor_is_listed_with_an_example() -> None:
    listed = entries()
    assert {entry.kind for entry in listed} == {kind for kind in KINDS if issubclass(class_of(kind), Advisor)}
    for entry in listed:
        assert entry.meaning.endswith("."), entry.kind
        assert any(example in EXAMPLES for example in entry.examples), f"no example of {entry.kind!r}"
    with pytest.raises(SpecError, match="no kind of advisor 'randm_move': did you mean 'random_move'"):
        entries(("randm_move",))


def test_a_kind_that_nobody_wrote_an_example_for_is_listed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "mine", "sandwich_env.advisors.base:Honest")
    (entry,) = entries(("mine",))
    assert [example.spec for example in entry.examples] == [{"kind": "mine"}]


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.dial], ids=lambda one: one.title)
def test_every_dial_turns(example: Example) -> None:
    people = Company(UniformExpert(), UniformExpert(), lambda: pytest.skip("this example needs an engine"))
    dial = people.dial(example)
    turns = turns_of(example, dial)
    assert len(turns) >= 7
    assert isinstance(dial.make(turns[0]), Advisor)
    assert dial.make(turns[0]).to_spec() != dial.make(turns[-1]).to_spec()


def test_dials_that_are_not_there() -> None:
    people = Company(UniformExpert(), UniformExpert(), UniformExpert)
    with pytest.raises(SpecError, match="'honest' has no dial to turn"):
        people.dial(Example({"kind": "honest"}, None))
    with pytest.raises(SpecError, match="'random_move' has no dial 'epsilom': did you mean 'epsilon'"):
        people.dial(Example({"kind": "random_move", "epsilon": 0.5}, "epsilom"))
    assert dials_text({"n": (float("inf"), 1.0)}) == "n: ∞ to 1"


def test_the_list_alone_plays_nothing() -> None:
    out = Console(record=True, width=120)
    data = show_advisors(AdvisorsConfig(), out)
    assert set(data) == {"kinds"}
    assert "random_move" in out.export_text()


def test_rows_say_what_they_lack(few: Path) -> None:
    out = Console(record=True, width=200)
    example = {"kind": "random_move", "epsilon": 1.0, "when": {"kind": "rating", "least": 1200}}
    data = show_advisors(config(few, advisor=(example, "random_move:epsilon=1.0")), out)
    names = [row["name"] for row in data["measured"]]
    assert names == ["honest", "random_move", "random_move"]
    assert "needs the player's rating" in data["measured"][1]["note"]
    assert data["measured"][2]["quality"]["tampered"]["value"] == 1.0
    text = out.export_text()
    assert "epsilon 1" in text
    assert "needs the player's rating" in text
    json.dumps(data)


def test_a_budget_of_lies_is_measured_as_it_is_spent_in_games(few: Path) -> None:
    spent = {"kind": "random_move", "epsilon": 1.0, "when": {"kind": "budget", "lies": 1}}
    data = show_advisors(config(few, advisor=(spent,)), Console(record=True))
    row = data["measured"][1]
    assert row["note"] == ""
    assert row["quality"]["tampered"]["value"] == 1.0  # each of these positions is the first of a game


def test_matched_dials_and_those_out_of_reach(few: Path) -> None:
    out = Console(record=True, width=200)
    data = show_advisors(config(few, match="loss=0.2", kinds=("random_move",)), out)
    assert "costs from" in data["matched"][0]["note"]  # a judge without an opinion sees no damage
    assert "costs from" in out.export_text()


def test_tables_of_what_was_measured(few: Path) -> None:
    workshop = Workshop(config(few))
    row = workshop.measure(Example({"kind": "random_move", "epsilon": 1.0}))
    assert row.quality is not None
    assert measures_table([row]).row_count == 1
    matched = Matched("epsilon", 0.5, 0.1, row.quality)
    assert matches_table([(row.example, matched), (row.example, "out of reach")]).row_count == 1
    assert Workshop(config(few)).measure(row.example) == row


@pytest.mark.parametrize("match", ["loss=2", "loss=x", "0", "damage=0.1"])
def test_targets_that_are_none(match: str) -> None:
    with pytest.raises(SpecError, match="match is"):
        AdvisorsConfig(match=match)
    assert AdvisorsConfig(match="0.1").target == AdvisorsConfig(match="loss=0.1").target == 0.1


def test_pictures(few: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    data = show_advisors(config(few, pictures=folder, kinds=("honest", "random_move", "every_n")), Console(quiet=True))
    assert sorted(path.name for path in folder.iterdir()) == ["every_n.png", "random_move.png"]
    assert len(data["pictures"]) == 2
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())


def test_a_users_own_is_named_with_its_arguments() -> None:
    assert parse_spec("my_module:Mine") == "my_module:Mine"
    assert parse_spec("my_module:Mine:scale=2,word=a:b") == {"kind": "my_module:Mine", "scale": 2, "word": "a:b"}
