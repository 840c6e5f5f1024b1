"""Specs: written down, read back, and refused with the nearest right name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandwich_env import specs
from sandwich_env.advisors.base import Advisor
from sandwich_env.errors import SpecError
from sandwich_env.specs import (
    KINDS,
    Specified,
    check_count,
    check_flag,
    check_scale,
    check_share,
    from_spec,
    kind_of,
    register,
)


class Leaf(Specified):
    def __init__(self, size: int = 1, where: Path | None = None) -> None:
        self.size = size
        self.where = where


class Tree(Specified):
    def __init__(self, leaf: Leaf, others: list[Leaf] | None = None, options: dict[str, Any] | None = None) -> None:
        self.leaf = leaf
        self.others = others or []
        self.options = options or {}


class Bare(Specified):
    pass


class Secret(Specified):
    def __init__(self, thing: object) -> None:
        self.thing = thing


HERE = f"{__name__}:"


def test_nested_specs_round_trip() -> None:
    tree = Tree(Leaf(2, Path("a/b")), [Leaf(3), Leaf(np.int64(4))], {"Hash": 16, "Style": "Solid"})  # type: ignore[arg-type]
    spec = tree.to_spec()
    assert spec == {
        "kind": HERE + "Tree",
        "leaf": {"kind": HERE + "Leaf", "size": 2, "where": "a/b"},
        "others": [
            {"kind": HERE + "Leaf", "size": 3, "where": None},
            {"kind": HERE + "Leaf", "size": 4, "where": None},
        ],
        "options": {"Hash": 16, "Style": "Solid"},
    }
    again = from_spec(spec, Tree)
    assert isinstance(again.others[1], Leaf)
    assert again.to_spec() == spec


def test_a_name_alone_is_a_spec() -> None:
    assert from_spec(HERE + "Bare", Bare).to_spec() == {"kind": HERE + "Bare"}
    assert from_spec(HERE + "Leaf", Leaf).size == 1


def test_an_object_comes_back_as_it_is() -> None:
    leaf = Leaf(5)
    assert from_spec(leaf, Leaf) is leaf


def test_an_object_prints_as_it_is_built() -> None:
    assert repr(Tree(Leaf(2))) == "Tree(leaf=Leaf(size=2, where=None), others=[], options={})"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_registered_name_stands_for_a_class(name: str) -> None:
    module, _, attribute = KINDS[name].partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    assert issubclass(cls, Specified)
    assert kind_of(cls) == name


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("unifrm", "unknown kind 'unifrm': did you mean 'uniform'"),
        ("", "unknown kind '': known: "),
        ({"size": 2}, "a spec is a name or a dict with a 'kind'"),
        ({"kind": HERE + "Leaf", "sise": 2}, "takes no 'sise': did you mean 'size'"),
        ({"kind": HERE + "Tree"}, "needs 'leaf'"),
        ("no_such_module:Leaf", "the module 'no_such_module', which cannot be imported"),
        (HERE + "Leave", "has no 'Leave'"),
        (HERE + "HERE", "which is not a class"),
        (3, "3 is no Leaf, and no spec of one"),
        (None, "None is no Leaf, and no spec of one"),
        (HERE + "Bare", r"describes Bare\(\), which is no Leaf"),
    ],
)
def test_bad_specs(spec: Any, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        from_spec(spec, Leaf)


def test_what_is_wrong_inside_a_users_module_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module.py").write_text("import a_library_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_missing"):
        from_spec("broken_module:Leaf", Leaf)


def test_what_a_spec_cannot_hold() -> None:
    with pytest.raises(SpecError, match=r"Secret.thing is <object.*which a spec cannot hold"):
        Secret(object()).to_spec()


def test_names_can_be_registered_but_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specs, "KINDS", dict(KINDS))
    register("leaf", HERE + "Leaf")
    register("leaf", HERE + "Leaf")
    assert from_spec({"kind": "leaf", "size": 7}, Leaf).to_spec() == {"kind": "leaf", "size": 7, "where": None}
    with pytest.raises(SpecError, match=f"the name 'leaf' is taken by '{HERE}Leaf': choose another"):
        register("leaf", HERE + "Tree")
    with pytest.raises(SpecError, match="the name 'honest' is taken"):
        register("honest", HERE + "Leaf")


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25)])
def test_shares_that_are_right(value: float) -> None:
    assert check_share("epsilon", value) == value


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf"), "0.5", None, True, [0.5]])
def test_shares_that_are_wrong(value: Any) -> None:
    with pytest.raises(SpecError, match=r"epsilon is .*: it must be a probability, from 0 to 1"):
        check_share("epsilon", value)


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_flags_that_are_right(value: bool) -> None:
    assert check_flag("own_moves", value) is bool(value)


@pytest.mark.parametrize("value", ["False", "no", 0, 1, None, float("nan"), [True]])
def test_flags_that_are_wrong(value: Any) -> None:
    with pytest.raises(SpecError, match=r"own_moves is .*: it must be True or False"):
        check_flag("own_moves", value)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, False])
def test_scales_that_are_wrong(value: Any) -> None:
    with pytest.raises(SpecError, match=r"scale is .*: it must be a finite number, 0 or more"):
        check_scale("scale", value)


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True])
def test_counts_that_are_wrong(value: Any) -> None:
    with pytest.raises(SpecError, match=r"n is .*: it must be a whole number, 1 or more"):
        check_count("n", value)


def test_a_count_may_start_elsewhere() -> None:
    assert check_count("seed", 0, least=0) == 0
    assert check_count("n", np.int64(3)) == 3


def test_a_spec_makes_nothing_but_what_is_made_from_specs(tmp_path: Path) -> None:
    """A spec may lie in a folder that somebody else made: it runs no other code, at whatever depth it is named."""
    mark = tmp_path / "mark"
    command = {"kind": "subprocess:Popen", "args": ["touch", str(mark)]}
    for spec in (command, {"kind": "honest", "expert": command}, {"kind": "panel", "members": [command]}):
        with pytest.raises(SpecError, match="no class that is made from specs"):
            from_spec(spec, Advisor)
    assert not mark.exists()
