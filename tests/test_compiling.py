"""Compiled code: kept where it can be, announced in one line, compiled once for all processes, never corrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import sandwich_env
from sandwich_env.compiling import kernel

PACKAGE = Path(sandwich_env.__file__).parent
PLAY = (
    "from sandwich_env.rules import Games\n"
    "games = Games(3)\n"
    "games.step(games.sample([1, 2, 3]))\n"
    "print(games.ply.tolist(), int(games.observe().sum()), int(games.legal_mask().sum()))"
)

SHARED = pytest.mark.xdist_group("test_compiling")  # one process for those that look at one first use


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    variables = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        env={**variables, "PYTHONPATH": str(PACKAGE.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip(), err.strip()


def lines_that_announce(err: str) -> int:
    return err.count("sandwich_env compiles its kernels")


@dataclass(frozen=True)
class Cold:
    """The first use on a machine: what it printed and said, and the compiled code that it left."""

    cache: Path
    out: str
    err: str

    def copied(self, to: Path) -> list[Path]:
        """The files of compiled code, copied there."""
        shutil.copytree(self.cache, to, dirs_exist_ok=True)
        return sorted(path for path in to.rglob("*") if path.suffix in {".nbi", ".nbc"})


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Cold:
    cache = tmp_path_factory.mktemp("cold")
    return Cold(cache, *finish(start(PLAY, NUMBA_CACHE_DIR=str(cache))))


@pytest.mark.slow
@SHARED
def test_the_first_use_says_so_in_one_line_and_the_second_is_silent(cold: Cold) -> None:
    assert len(cold.err.splitlines()) == 1
    assert lines_that_announce(cold.err) == 1
    assert finish(start(PLAY, NUMBA_CACHE_DIR=str(cold.cache))) == (cold.out, "")


@pytest.mark.slow
@SHARED
@pytest.mark.parametrize(("level", "lines"), [("WARNING", 1), ("ERROR", 0)])
def test_the_line_can_be_silenced(level: str, lines: int, cold: Cold, tmp_path: Path) -> None:
    """Where the code of one kernel alone is missing, a small one."""
    gone = [path for path in cold.copied(tmp_path) if path.name.startswith("_kernels.order-")]
    assert gone
    for path in gone:
        path.unlink()
    code = f"import logging; logging.getLogger('sandwich_env').setLevel(logging.{level})\n"
    out, err = finish(start(code + PLAY, NUMBA_CACHE_DIR=str(tmp_path)))
    assert (out, lines_that_announce(err), len(err.splitlines())) == (cold.out, lines, lines)


@pytest.mark.slow
def test_of_several_processes_that_start_cold_one_compiles(tmp_path: Path) -> None:
    processes = [start(PLAY, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(4)]
    ends = [finish(process) for process in processes]
    assert len({out for out, _ in ends}) == 1
    # One may be first for one kernel, and another for the next.
    assert 1 <= sum(lines_that_announce(err) for _, err in ends) < 4
    assert finish(start(PLAY, NUMBA_CACHE_DIR=str(tmp_path))) == (ends[0][0], "")


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_compiles_leaves_nothing_broken(tmp_path: Path) -> None:
    for seconds in (2.0, 4.0):
        victim = start(PLAY, NUMBA_CACHE_DIR=str(tmp_path))
        try:
            victim.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            victim.kill()
            victim.communicate()
    out, _ = finish(start(PLAY, NUMBA_CACHE_DIR=str(tmp_path)))
    assert out.startswith("[1, 1, 1]")


@pytest.mark.slow
@SHARED
def test_damaged_files_in_the_cache_are_compiled_anew(cold: Cold, tmp_path: Path) -> None:
    files = cold.copied(tmp_path)
    assert len(files) >= 4
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again, err = finish(start(PLAY, NUMBA_CACHE_DIR=str(tmp_path)))
    assert again == cold.out
    assert "is damaged" in err


@pytest.mark.slow
def test_a_read_only_install_without_a_home_keeps_its_code_in_a_private_folder(tmp_path: Path) -> None:
    site, temporary = tmp_path / "site", tmp_path / "tmp"
    shutil.copytree(PACKAGE, site / "sandwich_env", ignore=shutil.ignore_patterns("__pycache__", "weights", "data"))
    temporary.mkdir()
    blocked = (  # superusers write where nobody else can
        "import pathlib\n"
        "mkdir = pathlib.Path.mkdir\n"
        "def refuse(self, *args, **kwargs):\n"
        f"    if not str(self).startswith({str(temporary)!r}): raise PermissionError(self)\n"
        "    return mkdir(self, *args, **kwargs)\n"
        "pathlib.Path.mkdir = refuse\n"
    )
    environment = {"PYTHONPATH": str(site), "HOME": "/nonexistent", "XDG_CACHE_HOME": "", "TMPDIR": str(temporary)}
    out, err = finish(start(blocked + PLAY, **environment))
    assert out.startswith("[1, 1, 1]")
    assert lines_that_announce(err) == 1
    assert not list(site.rglob("*.nbi"))
    assert list(temporary.rglob("*.nbi"))
    assert finish(start(blocked + PLAY, **environment)) == (out, "")


def test_a_kernel_with_a_signature_takes_nothing_else() -> None:
    @kernel("int64(int64[::1])")
    def last(numbers: np.ndarray) -> int:
        return int(numbers[-1])

    assert last(np.arange(4)) == 3
    frozen = np.arange(4)
    frozen.flags.writeable = False
    for other in (np.arange(4.0), np.arange(8)[::2], np.arange(4, dtype=np.int32), frozen):
        with pytest.raises(TypeError, match="No matching definition"):
            last(other)
