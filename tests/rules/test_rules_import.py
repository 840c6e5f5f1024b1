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


FIND = (
    "from pathlib import Path; from sandwich_env import rules; from sandwich_env.compiling import cache_folder; "
    "print(cache_folder(Path(rules.__file__).parent / '_kernels.py'))"
)


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


@pytest.mark.parametrize("threads", [1, 2])
def test_games_survive_a_fork(threads: int) -> None:
    """A child plays on, with threads of its own, whether the pool or `os.fork` made it; the parent too."""
    code = (
        "import multiprocessing, os\n"
        "from sandwich_env.rules import Games, team\n"
        "team.staff.most_threads = 4\n"
        f"games = Games(100, threads={threads})\n"
        "def work(_):\n"
        "    games.reset()\n"  # one process of the pool may do both tasks
        "    for _ in range(20): games.step(games.sample(range(100)))\n"
        "    return games.fens()\n"
        "expected = work(0); games.reset()\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: a, b = pool.map(work, range(2), chunksize=1)\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if work(0) == expected else 1)\n"
        "_, status = os.waitpid(child, 0)\n"
        "print(a == expected, b == expected, status, work(0) == expected)"
    )
    assert run(code, PYTHONPATH=str(PACKAGE.parent)) == "True True 0 True"
