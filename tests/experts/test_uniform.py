"""The expert that knows only the rules."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from sandwich_env.experts.base import Expert
from sandwich_env.experts.uniform import UniformExpert
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

WHITE_IS_MATED = "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3"
BLACK_IS_MATED = "R5k1/5ppp/8/8/8/8/8/K7 b - - 0 1"
STALEMATE = "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"


def test_equal_logits_over_the_legal_moves() -> None:
    games = Games(3)
    evaluation = UniformExpert().evaluate(games)
    assert evaluation.policy.dtype == evaluation.value.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(evaluation.policy), games.legal_mask().astype(bool))
    assert set(evaluation.policy[np.isfinite(evaluation.policy)]) == {0.0}
    assert evaluation.value.tolist() == [0.0] * 3


def test_finished_games_have_their_result_for_the_player_to_move() -> None:
    evaluation = UniformExpert().evaluate(Games.from_fens([WHITE_IS_MATED, BLACK_IS_MATED, STALEMATE]))
    assert evaluation.value.tolist() == [-1.0, -1.0, 0.0]
    assert evaluation.best().tolist() == [-1, -1, -1]


def test_a_truncated_game_is_finished_and_drawn() -> None:
    games = Games(1, max_plies=2)
    for ply in range(2):
        games.step(games.sample([ply]))
    assert games.truncated[0]
    evaluation = UniformExpert().evaluate(games)
    assert evaluation.value.tolist() == [0.0]
    assert evaluation.best().tolist() == [-1]


def test_is_found_by_its_name_and_needs_no_torch() -> None:
    assert isinstance(from_spec("uniform", Expert), UniformExpert)
    program = (
        "import sys; from sandwich_env.specs import from_spec; from sandwich_env.experts.base import Expert;"
        "from_spec('uniform', Expert); from_spec({'kind': 'uci', 'path': sys.executable}, Expert);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
