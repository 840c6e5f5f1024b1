"""Chess with an advisor channel for PettingZoo: `env()`, `raw_env()` and `parallel_env()`, as PettingZoo's own have."""

from __future__ import annotations

from typing import Unpack, cast

from sandwich_env.envs.advisor_seat import RefereedSeatedChessAEC, SeatedChessAEC, SeatOptions
from sandwich_env.envs.aec import SandwichChessAEC
from sandwich_env.envs.config import ChessOptions, takes_agent
from sandwich_env.envs.parallel import SandwichChessParallel
from sandwich_env.envs.referee import RefereedChessAEC
from sandwich_env.errors import SpecError

__all__ = ["env", "parallel_env", "raw_env"]


def raw_env(*, render_mode: str | None = None, **options: Unpack[SeatOptions]) -> SandwichChessAEC:
    """The agent-environment-cycle environment without wrappers: an illegal action raises `IllegalActionError`.

    Args:
        render_mode: "ansi", "rgb_array" or "human".
        **options: see `ChessOptions`. With `advisor="agent"` the advisor is an agent, `advisor_0`, and is paid by
            `advisor_reward`: see `SeatOptions`.
    """
    if takes_agent(options.get("advisor")):
        return SeatedChessAEC(render_mode=render_mode, **options)
    return SandwichChessAEC(render_mode=render_mode, **_without_agent(options))


def env(*, render_mode: str | None = None, **options: Unpack[SeatOptions]) -> RefereedChessAEC:
    """The agent-environment-cycle environment with the checks of chess_v6's wrappers: an illegal action ends the game,
    with -1 for who sent it and 0 for the other. See `raw_env`."""
    if takes_agent(options.get("advisor")):
        return RefereedSeatedChessAEC(render_mode=render_mode, **options)
    return RefereedChessAEC(render_mode=render_mode, **_without_agent(options))


def parallel_env(*, render_mode: str | None = None, **options: Unpack[SeatOptions]) -> SandwichChessParallel:
    """The same for PettingZoo's parallel API: only the action of the agent whose turn it is counts. See `env`."""
    return SandwichChessParallel(env(render_mode=render_mode, **options))


def _without_agent(options: SeatOptions) -> ChessOptions:
    if "advisor_reward" in options:
        raise SpecError(
            f"advisor_reward is {options['advisor_reward']!r}, but the advisor is no agent that could be paid: "
            "give advisor='agent' as well, or leave it out"
        )
    return cast("ChessOptions", options)
