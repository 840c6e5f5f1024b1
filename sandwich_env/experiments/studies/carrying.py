"""An arm's files on their way to another computer and back: read there and here, and written so that none is half."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.studies.folder import settle
from sandwich_env.files import write_atomically

Files = Mapping[str, bytes]
"""Contents by path below some folder."""


def read_files(root: Path) -> dict[str, bytes]:
    """Every file below a folder but locks and halves of files and folders; none, where there is no folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.name != ".lock"
        and not any(part.endswith(".partial") for part in path.relative_to(root).parts)
    }


def changed_files(now: Files, before: Files) -> dict[str, bytes]:
    """Those that are new or other than they were."""
    return {name: content for name, content in now.items() if before.get(name) != content}


def put_arm(root: Path, files: Files, names: frozenset[str]) -> None:
    """Write an arm's files into its folder, so that it is a run that can be gone on from after each of them.

    Args:
        root: the arm's folder.
        files: what has changed.
        names: every file that the arm has; what else is there is removed.

    Raises:
        OSError: a file cannot be written.
    """
    run = RunFolder(root)
    # A config makes a folder a run, and metrics say that a round is done: what they speak of is there before them.
    last = [path.relative_to(root).as_posix() for path in (run.about, run.config, run.metrics)]
    anchors = {name: content for name, content in files.items() if name.startswith("anchors/")}
    if anchors and not run.anchors.is_dir():
        put_anchors(run.anchors, {name.removeprefix("anchors/"): content for name, content in anchors.items()})
    for name in sorted(files, key=lambda name: (last.index(name) if name in last else -1, name)):
        write_atomically(root / name, files[name])
    for name in set(read_files(root)) - names - {"failed.json"}:
        (root / name).unlink()


def put_anchors(target: Path, files: Files) -> None:
    """Write what anchors did; the folder is there when all of it is."""
    if target.is_dir():
        return
    partial = target.with_name(target.name + ".partial")
    for name, content in files.items():
        write_atomically(partial / name, content)
    settle(partial, target)


def rename_run(root: Path, out: str) -> None:
    """Write into a run's config the folder that it is going to lie in."""
    run = RunFolder(root)
    if run.config.is_file():
        write_json(run.config, read_json(run.config) | {"out": out})
