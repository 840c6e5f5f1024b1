"""What a run has made itself and reads again: a file that is damaged is named, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandwich_env.errors import DataError, MissingExtraError, SandwichError


@contextmanager
def reading(path: Path, root: Path) -> Iterator[None]:
    """Put around the reading of a file of a run, and nothing else.

    Args:
        path: the file.
        root: the run's folder.

    Raises:
        DataError: the file is damaged, or not there any more; the text names it and the folder to remove.
    """
    try:
        yield
    except MissingExtraError:
        raise
    except (SandwichError, FileNotFoundError, ValueError, LookupError, TypeError) as error:
        why = str(error) if isinstance(error, SandwichError) else f"{type(error).__name__}: {error}"
        what = why if str(path) in why else f"{str(path)!r} is damaged: {why}"
        raise DataError(f"{what}. Remove the folder {str(root)!r} to begin what it holds anew") from error
