"""Where games start from: positions that are listed, read, generated, mixed, or set by how far the learner is."""

from sandwich_env.starts.base import Fens, Starts, as_starts

__all__ = ["Fens", "Starts", "as_starts"]
