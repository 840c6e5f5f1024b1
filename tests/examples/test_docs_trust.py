"""The page of whom H trusts names what its script has: the arms, the flags, the pictures."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from docs_support import ROOT, text_of

PAGE = text_of("docs/trust.md")
SCRIPT = ast.parse((ROOT / "examples" / "whom_h_trusts.py").read_text(encoding="utf-8"))


def _assigned(name: str) -> ast.expr:
    for node in SCRIPT.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            assert node.value is not None
            return node.value
    raise AssertionError(f"the script has no {name}")


def test_every_arm_has_a_row_for_each_task() -> None:
    arms = _assigned("ADVISORS")
    assert isinstance(arms, ast.Dict)
    told = re.findall(r"^\|[^|]*\| ([a-z][^|]*) \| [01]\.\d\d \[", PAGE, flags=re.MULTILINE)
    words = {"no A": "none", "worst move 1": "worst move always"}
    named = [str(key.value) for key in arms.keys if isinstance(key, ast.Constant)]
    assert told == 2 * [words.get(name, name) for name in named]


def test_the_flags_of_its_commands_are_the_scripts() -> None:
    fields = next(node for node in SCRIPT.body if isinstance(node, ast.ClassDef) and node.name == "Args").body
    flags = {f"--{field.target.id.replace('_', '-')}" for field in fields if isinstance(field, ast.AnnAssign)}  # type: ignore[union-attr]
    commands = re.findall(r"^    python examples/whom_h_trusts\.py (.*)$", PAGE, flags=re.MULTILINE)
    assert len(commands) == 2
    assert {word for line in commands for word in re.findall(r"--[a-z-]+", line)} <= flags


def test_its_pictures_are_there() -> None:
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", PAGE, flags=re.DOTALL)
    assert pictures
    assert [name for name in pictures if not (Path(ROOT) / "docs" / name).is_file()] == []
