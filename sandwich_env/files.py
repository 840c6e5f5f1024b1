"""Writing files so that a kill or a full disk never leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by new content in one step: the old one stays until the new one is whole.

    Raises:
        OSError: the disk is full or the folder cannot be written; the text names the file, and the old one is untouched.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or str(error)
        text = f"could not write {str(path)!r}, and what was there before is untouched: {why}"
        raise OSError(error.errno, text) from error
