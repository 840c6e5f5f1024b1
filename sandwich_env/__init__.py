"""Artificial sandwiching on a chessboard: a weak player learns through an assistant that may be misaligned."""

from __future__ import annotations

__version__ = "0.1.0"
