"""What holds for all tests."""

from __future__ import annotations

import os
import random

import pytest

# One thread a process: on a machine that is busy with other things, threads that wait for each other at every small
# operation are slower than one by far. It must be set before NumPy or torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("MPLBACKEND", "Agg")

from entropy_support import fix_entropy


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests come first, each by itself, the others after them, file by file.

    So every core has something to do until the end, and what a file's tests share is made once. It takes effect with
    `--dist loadgroup` (see the Makefile); a slow test that shares something names its group itself.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        if item.get_closest_marker("slow") is None and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a test draws without a seed (a reset, a public checker's sample) it draws alike in each run."""
    fix_entropy(item.nodeid)
    random.seed(item.nodeid)
