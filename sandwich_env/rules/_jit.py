"""How kernels are compiled and where the compiled code is kept. Imported only when a kernel is first needed.

Numba's cache on disk looks at one source file's date, and our kernels span several: an edit in one would leave stale
code for another. So the cache lies in a folder named by a hash of every source of this room. Where no folder can be
written (a read-only install without a home), kernels are compiled anew in each process; nothing fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.extending import intrinsic as numba_intrinsic

_F = TypeVar("_F", bound=Callable[..., Any])

_numba_settings: Any = importlib.import_module("numba.core.config")  # its names are made at run time

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


def _source_key() -> str:
    """A name for the sources that kernels are made of, and the compiler that reads them."""
    digest = hashlib.sha256(numba.__version__.encode())
    room = Path(__file__).parent
    for path in [*sorted(room.glob("_*.py")), room / "actions.py"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _candidates() -> Iterator[Path]:
    """Folders to try, the user's own choice first."""
    if _numba_settings.CACHE_DIR:
        yield Path(_numba_settings.CACHE_DIR)
        return
    yield Path(__file__).parent / "__pycache__"
    with contextlib.suppress(RuntimeError):  # no home to be found
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sandwich_env"
    user = getattr(os, "getuid", lambda: "user")()
    yield Path(tempfile.gettempdir()) / f"sandwich_env-{user}"


def _usable(folder: Path) -> bool:
    """Whether the folder can be written and nobody else can put code there for us to run."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH)


def _find_cache() -> Path | None:
    try:
        key = _source_key()
    except OSError:  # no readable sources (a zipped package): nothing to key a cache by
        return None
    for base in _candidates():
        if _usable(base) and _usable(base / f"rules-{key}"):
            return base / f"rules-{key}"
    return None


CACHE_FOLDER = _find_cache()
"""Where compiled kernels are kept; None where they are not."""


def kernel(function: _F) -> _F:
    """Compile on first call, and keep the result on disk: for functions that Python calls."""
    if CACHE_FOLDER is None:
        return cast(_F, numba.njit(**_OPTIONS)(function))
    chosen = _numba_settings.CACHE_DIR
    _numba_settings.CACHE_DIR = str(CACHE_FOLDER)  # read once, while the dispatcher below is made
    try:
        return cast(_F, numba.njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:  # numba found the folder wanting after all
        return cast(_F, numba.njit(**_OPTIONS)(function))
    finally:
        _numba_settings.CACHE_DIR = chosen


def inlined(function: _F) -> _F:
    """Compile into the kernels that call it."""
    return cast(_F, numba.njit(forceinline=True, **_OPTIONS)(function))


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`, typed."""
    return cast(Callable[..., Any], numba_intrinsic(function))
