"""The names under which Gymnasium and PettingZoo know the environments."""

from __future__ import annotations

import gymnasium
import pettingzoo

CHESS = "sandwich/Chess-v0"
AEC = "sandwich/chess_v0"


def register_environments() -> None:
    """Register everything that is not registered yet; nothing heavy is imported before an environment is made."""
    if CHESS not in gymnasium.registry:
        gymnasium.register(
            CHESS,
            entry_point="sandwich_env.envs.single:ChessEnv",
            vector_entry_point="sandwich_env.envs.vector:ChessVectorEnv",
        )
    if hasattr(pettingzoo, "register") and "sandwich/chess-v0" not in pettingzoo.aec_registry:  # PettingZoo 1.27 on
        pettingzoo.register("aec", AEC, entry_point="sandwich_env.sandwich_chess_v0:env")
        pettingzoo.register("parallel", AEC, entry_point="sandwich_env.sandwich_chess_v0:parallel_env")
