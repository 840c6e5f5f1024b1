"""The contracts of this package as checks: of a user's own environment, wrapper or advisor, in three lines."""

from __future__ import annotations

from sandwich_env.testing.advisor import check_advisor
from sandwich_env.testing.aec import check_aec
from sandwich_env.testing.chess_games import check_chess_games
from sandwich_env.testing.chess_planes import check_chess_observation
from sandwich_env.testing.findings import Findings
from sandwich_env.testing.leak import check_no_leak
from sandwich_env.testing.replay import check_replay
from sandwich_env.testing.seeds import check_seeds
from sandwich_env.testing.vector import check_vector_env

__all__ = [
    "Findings",
    "check_advisor",
    "check_aec",
    "check_chess_games",
    "check_chess_observation",
    "check_no_leak",
    "check_replay",
    "check_seeds",
    "check_vector_env",
]
