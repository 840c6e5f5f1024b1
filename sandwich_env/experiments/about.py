"""What a run ran on and with, written down beside its numbers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import sandwich_env

LIBRARIES = ("chess", "numba", "numpy", "torch")
"""Libraries that numbers may depend on."""


def about(weights: dict[str, str]) -> dict[str, Any]:
    """Versions and machine.

    Args:
        weights: the SHA-256 of each file of weights.
    """
    return {
        "sandwich_env": sandwich_env.__version__,
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "weights": weights,
    }
