"""What importing costs, and that compiled code is never stale and never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sandwich_env

PACKAGE = Path(sandwich_env.__file__).parent
RULES = PACKAGE / "rules"


def run(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter; returns what it printed."""
    variables = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_rules_imports_no_compiler() -> None:
    code = "import sys, sandwich_env.rules; print(sorted({'numba', 'llvmlite', 'torch'} & set(sys.modules)))"
    assert run(code, PYTHONPATH=str(PACKAGE.parent)) == "[]"


def copy_package(target: Path) -> Path:
    """A copy of the package; returns the folder to put on the path."""
    shutil.copytree(PACKAGE, target / "sandwich_env", ignore=shutil.ignore_patterns("__pycache__", "weights", "data"))
    return target


FIND = "from sandwich_env.compiling import cache_folder as find; from sandwich_env.rules import _kernels as k; import pathlib; print(find(pathlib.Path(k.__file__)))"


def test_the_cache_is_keyed_by_every_source(tmp_path: Path) -> None:
    path = str(copy_package(tmp_path))
    first = run(FIND, PYTHONPATH=path)
    assert first == run(FIND, PYTHONPATH=path)
    assert Path(first).parent == tmp_path / "sandwich_env" / "rules" / "__pycache__"
    with (tmp_path / "sandwich_env" / "rules" / "_layout.py").open("a") as source:
        source.write("\n# an edit\n")
    assert run(FIND, PYTHONPATH=path) != first


def test_the_users_cache_folder_comes_first(tmp_path: Path) -> None:
    found = run(FIND, PYTHONPATH=str(PACKAGE.parent), NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert Path(found).parent == tmp_path / "mine"


BLOCKED = """
import pathlib, tempfile
refuse = {refuse!r}
mkdir = pathlib.Path.mkdir
def blocked(self, *args, **kwargs):
    if any(str(self).startswith(folder) for folder in refuse):
        raise PermissionError(self)
    return mkdir(self, *args, **kwargs)
pathlib.Path.mkdir = blocked
"""


def test_a_read_only_install_uses_the_home_or_a_private_temporary_folder(tmp_path: Path) -> None:
    package = copy_package(tmp_path / "site")
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {"PYTHONPATH": str(package), "HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": ""}
    found = run(BLOCKED.format(refuse=[str(package)]) + FIND, **environment)
    assert Path(found).is_relative_to(home)
    found = run(BLOCKED.format(refuse=[str(package), str(home)]) + FIND, **environment)
    assert Path(found).is_relative_to(temporary)
    assert Path(found).stat().st_mode & 0o077 == 0, "nobody else may put code there"
    assert run(BLOCKED.format(refuse=["/"]) + FIND, **environment) == "None"


@pytest.mark.slow
def test_without_any_cache_games_still_play(tmp_path: Path) -> None:
    package = copy_package(tmp_path)
    code = BLOCKED.format(refuse=["/"]) + (
        "from sandwich_env.rules import Games\n"
        "games = Games(2)\ngames.step(games.sample([1, 2]))\nprint(games.ply.tolist())"
    )
    assert run(code, PYTHONPATH=str(package)) == "[1, 1]"


@pytest.mark.slow
def test_games_survive_a_fork() -> None:
    code = (
        "import multiprocessing\n"
        "from sandwich_env.rules import Games\n"
        "games = Games(4)\n"
        "def work(_):\n"
        "    for _ in range(20): games.step(games.sample([1, 2, 3, 4]))\n"
        "    return games.fens()\n"
        "work(0); games.reset()\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: a, b = pool.map(work, range(2), chunksize=1)\n"
        "print(a == work(0))"
    )
    assert run(code, PYTHONPATH=str(PACKAGE.parent)) == "True"
