"""What holds for all tests."""

from __future__ import annotations

import os

# One thread a process: on a machine that is busy with other things, threads that wait for each other at every small
# operation are slower than one by far. It must be set before NumPy or torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("MPLBACKEND", "Agg")
