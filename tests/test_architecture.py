"""The house stands as ARCHITECTURE.md says: imports point down, and heavy libraries are imported where used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sandwich_env

PACKAGE = Path(sandwich_env.__file__).parent

FLOORS = [
    {"errors", "files", "compiling", "_randomness_kernels"},
    {"specs", "randomness"},
    {"rules"},
    {"reading"},
    {"nets", "starts"},
    {"experts"},
    {"advisors"},
    {"players", "oversight"},
    {"envs", "layouts", "sandwich_chess_v0"},
    {"testing"},
    {"learning", "evaluation"},
    {"experiments"},
    {"cli", "__main__"},
]
HEIGHT = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}

TORCH_ROOMS = {"nets", "experts/network.py", "learning", "experiments"}
"""Where torch may be imported at all."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Every module that a file imports, at whatever depth."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_every_room_has_a_floor():
    assert {room_of(path) for path in MODULES} == set(HEIGHT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "sandwich_env" and len(parts) > 1 and parts[1] in HEIGHT:
            assert HEIGHT[parts[1]] <= HEIGHT[room_of(path)], f"{path.name} imports {name}, which is on a floor above"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_torch_stays_in_its_rooms(path):
    place = path.relative_to(PACKAGE).as_posix()
    if not any(place == room or place.startswith(f"{room}/") for room in TORCH_ROOMS):
        assert not [name for name in imported(path) if name.split(".")[0] in {"torch", "safetensors"}]


def test_importing_the_package_imports_nothing_heavy():
    heavy = ["torch", "numba", "llvmlite", "pyarrow", "matplotlib", "pandas", "cairosvg", "pygame", "stable_baselines3"]
    code = f"import sys, sandwich_env, sandwich_env.rules; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_too_long_to_hold_in_the_head():
    lengths = {path.name: path.read_text().count("\n") for path in MODULES}
    assert max(lengths.values()) < 500, max(lengths, key=lambda name: lengths[name])
