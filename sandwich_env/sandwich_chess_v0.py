"""Chess with an advisor channel for PettingZoo: `env()`, `raw_env()` and `parallel_env()`, as PettingZoo's own have."""

from __future__ import annotations

from typing import Unpack

from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.config import ChessOptions
from sandwich_env.envs.parallel import SandwichChessParallel
from sandwich_env.envs.referee import RefereedChessAEC

__all__ = ["env", "parallel_env", "raw_env"]


def raw_env(*, render_mode: str | None = None, **options: Unpack[ChessOptions]) -> SandwichChessAEC:
    """The agent-environment-cycle environment without wrappers: an illegal action raises `IllegalActionError`.

    Args:
        render_mode: "ansi", "rgb_array" or "human".
        **options: see `ChessOptions`.
    """
    return SandwichChessAEC(render_mode=render_mode, **options)


def env(*, render_mode: str | None = None, **options: Unpack[ChessOptions]) -> RefereedChessAEC:
    """The agent-environment-cycle environment with the checks of chess_v6's wrappers: an illegal action ends the game,
    with -1 for who sent it and 0 for the other. See `raw_env`."""
    return RefereedChessAEC(render_mode=render_mode, **options)


def parallel_env(*, render_mode: str | None = None, **options: Unpack[ChessOptions]) -> SandwichChessParallel:
    """The same for PettingZoo's parallel API: only the action of the agent to move counts. See `env`."""
    return SandwichChessParallel(env(render_mode=render_mode, **options))
