"""Artificial sandwiching on a chessboard: a weak player learns through an assistant that may be misaligned."""

from __future__ import annotations

import importlib
from typing import Any

from sandwich_env.envs.registration import register_environments

__version__ = "0.1.0"

_EXPORTS = {
    "Advice": "sandwich_env.advisors.base",
    "Advisor": "sandwich_env.advisors.base",
    "AdvisorChannel": "sandwich_env.oversight.channel",
    "Audit": "sandwich_env.oversight.channel",
    "EveryN": "sandwich_env.advisors.every_n",
    "Expert": "sandwich_env.experts.base",
    "Games": "sandwich_env.rules",
    "Honest": "sandwich_env.advisors.base",
    "NetworkExpert": "sandwich_env.experts.network",
    "Player": "sandwich_env.players.base",
    "PolicyNoise": "sandwich_env.advisors.policy_noise",
    "RandomMove": "sandwich_env.advisors.random_move",
    "Starts": "sandwich_env.starts.base",
    "UciExpert": "sandwich_env.experts.uci",
    "ValueNoise": "sandwich_env.advisors.value_noise",
    "Wrapper": "sandwich_env.advisors.base",
    "from_spec": "sandwich_env.specs",
    "register": "sandwich_env.specs",
}
"""What `sandwich_env` offers by name, and the module it comes from, which is imported when the name is first used."""

_MODULES = ("sandwich_chess_v0", "rules", "testing")

register_environments()


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS, *_MODULES])
