"""The names under which Gymnasium and PettingZoo know the environments."""

from __future__ import annotations

from typing import Any

import gymnasium
import pettingzoo

CHESS = "sandwich/Chess-v0"
ENDGAME = "sandwich/Endgame-v0"
PUZZLE = "sandwich/Puzzle-v0"
AEC = "sandwich/chess_v0"


_DEFAULTS: dict[str, dict[str, Any]] = {
    CHESS: {},
    ENDGAME: {
        "starts": {"kind": "endgame", "material": ["KQvK", "KRvK"]},
        "opponent": "random",
        "learner_color": "mover",
        "max_plies": 100,
    },
    PUZZLE: {"starts": "puzzles", "opponent": "puzzle", "learner_color": "mover"},
}
"""The arguments of each name's environment that differ from `ChessEnv`'s own; all can be given as for any other."""


def register_environments() -> None:
    """Register everything that is not registered yet; nothing heavy is imported before an environment is made."""
    for name, defaults in _DEFAULTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="sandwich_env.envs.single:ChessEnv",
                vector_entry_point="sandwich_env.envs.vector:ChessVectorEnv",
                kwargs=defaults,
            )
    if hasattr(pettingzoo, "register") and "sandwich/chess-v0" not in pettingzoo.aec_registry:  # PettingZoo 1.27 on
        pettingzoo.register("aec", AEC, entry_point="sandwich_env.sandwich_chess_v0:env")
        pettingzoo.register("parallel", AEC, entry_point="sandwich_env.sandwich_chess_v0:parallel_env")
