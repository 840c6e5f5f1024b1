"""Reading text that may be compressed, and writing so that a kill or a full disk never leaves half a file."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from sandwich_env.errors import DataError, MissingExtraError

_CHUNK = 1 << 18


@contextmanager
def open_text(path: str | Path, errors: str = "strict") -> Iterator[TextIO]:
    """Open a UTF-8 text file for reading, through gzip or Zstandard where the name ends in .gz or .zst.

    Args:
        path: the file.
        errors: what is done with bytes that are not UTF-8, as in `open`.

    Raises:
        DataError: the file is not there, is truncated, or is not what its name says (also while it is being read).
        MissingExtraError: a .zst file, and no `zstandard` to read it with.
    """
    path = Path(path)
    try:
        with _open_stream(path, errors) as stream:
            yield stream
    except FileNotFoundError as error:
        raise DataError(f"there is no file {str(path)!r}") from error
    except IsADirectoryError as error:
        raise DataError(f"{str(path)!r} is a folder, where a file is needed") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{str(path)!r} is truncated or is not gzip: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not UTF-8 text: {error}") from error


@contextmanager
def _open_stream(path: Path, errors: str) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", errors=errors, newline="") as stream:
            yield stream
    elif path.suffix == ".zst":
        with path.open("rb") as raw, io.BufferedReader(_ZstdReader(raw, path), _CHUNK) as binary:
            yield io.TextIOWrapper(binary, encoding="utf-8", errors=errors, newline="")
    else:
        with path.open("r", encoding="utf-8", errors=errors, newline="") as stream:
            yield stream


class _ZstdReader(io.RawIOBase):
    """The bytes inside a Zstandard file of one or more frames.

    `zstandard.stream_reader` takes a file that was cut in half for one that has ended, so the frames are followed here.
    """

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtraError("zstandard", "train") from error
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._error: type[Exception] = zstandard.ZstdError
        self._raw = raw
        self._path = path
        self._frame: Any = None
        self._compressed = b""
        self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._plain and self._refill():
            pass
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _refill(self) -> bool:
        """Decompress one more chunk; False at the end of the file."""
        chunk = self._compressed or self._raw.read(_CHUNK)
        if not chunk:
            if self._frame is not None:
                raise DataError(f"{str(self._path)!r} is truncated: it ends inside a Zstandard frame")
            return False
        if self._frame is None:
            self._frame = self._new_frame()
        try:
            self._plain = self._frame.decompress(chunk)
        except self._error as error:
            raise DataError(f"{str(self._path)!r} is not Zstandard, or is damaged: {error}") from error
        self._compressed = self._frame.unused_data
        if self._frame.eof:
            self._frame = None
        return True


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; what was written takes the place of `path` when the block ends well.

    When it does not (a full disk, a kill), whatever was at `path` before is still there.

    Raises:
        OSError: the disk is full or the folder cannot be written; the text names it, and the old file is untouched.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        text = f"could not write {str(path)!r}, and what was there before is untouched: {why}"
        raise OSError(error.errno, text) from error
    finally:
        partial.unlink(missing_ok=True)


def write_atomically(path: str | Path, content: bytes) -> None:
    """Replace a file by new content in one step: the old one stays until the new one is whole.

    Raises:
        OSError: the disk is full or the folder cannot be written; the text names it, and the old file is untouched.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)
