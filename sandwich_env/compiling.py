"""How kernels are compiled and where the compiled code is kept. Imported only when a kernel is first needed.

Numba's cache on disk looks at one source file's date, and our kernels span several: an edit in one would leave stale
code for another. So the cache lies in a folder named by a hash of every source that may be concerned. Where no folder
can be written (a read-only install without a home), kernels are compiled anew in each process; nothing fails.

The first compilation of a process says so in one line of the logger `sandwich_env`, which Python shows on stderr unless
told otherwise: `logging.getLogger("sandwich_env").setLevel(logging.ERROR)` silences it. Of several processes that start
at once on a machine without compiled code, one compiles and the others wait for it.

A room keeps its kernels in modules named `_*.py`; Python reaches those through functions that import them when called,
so that importing the room does not import Numba.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import logging
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast, overload

import numba
from numba.extending import intrinsic as numba_intrinsic

_F = TypeVar("_F", bound=Callable[..., Any])

_numba_settings: Any = importlib.import_module("numba.core.config")  # its names are made at run time
_numba_events: Any = importlib.import_module("numba.core.event")

try:
    import fcntl
except ImportError:  # no Unix
    fcntl = None  # type: ignore[assignment]

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
_WITHIN: dict[str, Any] = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_FIXED: dict[str, Any] = {"_nrt": False, "no_cfunc_wrapper": True}  # for kernels with one signature
_PACKAGE = Path(__file__).parent
_RULES = _PACKAGE / "rules"

_njit: Any = numba.njit  # their types leave out some of their options
_cfunc: Any = numba.cfunc
_log = logging.getLogger("sandwich_env")


def _source_key(source: Path) -> str:
    """A name for the sources that a file's kernels may be made of, and the compiler that reads them."""
    digest = hashlib.sha256(numba.__version__.encode())
    concerned = {Path(__file__), source, _RULES / "actions.py", *_RULES.glob("_*.py"), *source.parent.glob("_*.py")}
    for path in sorted(concerned):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _candidates(room: Path) -> Iterator[Path]:
    """Folders to try, the user's own choice first."""
    if _numba_settings.CACHE_DIR:
        yield Path(_numba_settings.CACHE_DIR)
        return
    yield room / "__pycache__"
    with contextlib.suppress(RuntimeError):  # no home to be found
        yield (Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sandwich_env")
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


@functools.cache
def cache_folder(source: Path) -> Path | None:
    """Where the compiled kernels of a source file are kept; None where they are not."""
    try:
        key = _source_key(source)
    except OSError:  # no readable sources (a zipped package): nothing to key a cache by
        return None
    for base in _candidates(source.parent):
        if _usable(base) and _usable(base / f"{source.parent.name}-{key}"):
            return base / f"{source.parent.name}-{key}"
    return None


@contextlib.contextmanager
def _caching_in(folder: Path | None) -> Iterator[None]:
    """Have Numba keep there what is decorated meanwhile; it reads its setting only then."""
    chosen = _numba_settings.CACHE_DIR
    if folder is not None:
        _numba_settings.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        _numba_settings.CACHE_DIR = chosen


def _compiled(function: _F, **options: Any) -> _F:
    """A function with Numba's dispatcher over it, which keeps what it compiles in the room's cache."""
    folder = cache_folder(Path(inspect.getfile(function)))
    with _caching_in(folder):
        dispatcher = _njit(cache=folder is not None, **_OPTIONS, **options)(function)
    if folder is not None:
        _forgive(dispatcher._cache, function.__name__)
    return cast(_F, dispatcher)


def _forgive(cache: Any, name: str) -> None:
    """Have a function compiled anew where what the cache holds of it turns out to be damaged."""
    load = cache.load_overload

    def load_or_flush(signature: Any, context: Any) -> Any:
        try:
            return load(signature, context)
        except Exception:  # pickle and LLVM have many ways to say that a file was cut short
            _log.warning("compiled code in %s is damaged: %s is compiled anew", cache.cache_path, name)
            cache.flush()
            return None

    cache.load_overload = load_or_flush


_held: set[Path] = set()
_holding = threading.RLock()


@contextlib.contextmanager
def alone(source: Path) -> Iterator[None]:
    """Wait until no other process compiles what this file may hold: one then finds what that one has compiled.

    Around the import of a module of several kernels it makes sure that one process compiles all of them.
    """
    folder = cache_folder(source)
    with _holding:
        if folder is None or fcntl is None or folder in _held:
            yield
            return
        with (folder / "lock").open("wb") as file:
            with contextlib.suppress(OSError):  # a file system without locks: then every process compiles for itself
                fcntl.flock(file, fcntl.LOCK_EX)
            _held.add(folder)
            try:
                yield
            finally:
                _held.remove(folder)
                with contextlib.suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_UN)  # at once, even if a forked process holds the file open


@overload
def kernel(function: _F) -> _F: ...
@overload
def kernel(function: str, *more: str) -> Callable[[_F], _F]: ...
def kernel(function: _F | str, *more: str) -> _F | Callable[[_F], _F]:
    """Compile a function that Python calls, and keep the result on disk.

    Plain `@kernel` compiles at the first call with arguments of each kind. `@kernel("void(uint64[:, ::1], int64)")`
    compiles at once, for these types only (or for those of several signatures): whatever else it is called with, a
    read-only array, say, is a TypeError. Such a kernel must not allocate arrays: Numba's reference counts are off,
    which makes a call cheaper.
    """
    if not isinstance(function, str):
        return _compiled(function)
    signatures = (function, *more)

    def compile_now(function: _F) -> _F:
        dispatcher: Any = _compiled(function, **_FIXED)
        with alone(Path(inspect.getfile(function))):
            for signature in signatures:
                dispatcher.compile(signature)
        dispatcher.disable_compile()
        return cast(_F, dispatcher)

    return compile_now


def function_pointer(signature: str) -> Callable[[Callable[..., Any]], int]:
    """Compile a function that kernels call through its address, of which there is one; the address takes its place."""

    def compile_now(function: Callable[..., Any]) -> int:
        source = Path(inspect.getfile(function))
        folder = cache_folder(source)
        with _caching_in(folder), alone(source):
            make = _cfunc(signature, cache=folder is not None, error_model="numpy", _nrt=False)
            try:
                compiled = make(function)
            except Exception:
                kept = list(folder.rglob(f"*.{function.__name__}-*.nb[ic]")) if folder else []
                if not kept:
                    raise
                _log.warning("compiled code in %s is damaged: %s is compiled anew", folder, function.__name__)
                for path in kept:
                    path.unlink(missing_ok=True)
                compiled = make(function)
        _function_pointers.append(compiled)
        return int(compiled.address)

    return compile_now


_function_pointers: list[Any] = []
"""They live as long as the process."""


def inlined(function: _F) -> _F:
    """Compile into the kernels that call it; Python itself cannot call it, which halves the time to compile."""
    return cast(_F, _njit(**_OPTIONS, **_WITHIN)(function))


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's `intrinsic`, typed."""
    return cast(Callable[..., Any], numba_intrinsic(function))


class _Announcement(_numba_events.Listener):  # type: ignore[misc]
    """Says once in a process that kernels of this package are being compiled."""

    said = False

    def on_start(self, event: Any) -> None:
        module = getattr(event.data["dispatcher"].py_func, "__module__", "")
        if not self.said and module.startswith("sandwich_env."):
            self.said = True
            _log.warning("sandwich_env compiles its kernels, once on this machine: a few seconds")

    def on_end(self, event: Any) -> None:
        """Nothing: a listener must have it."""


_numba_events.register("numba:compile", _Announcement())
