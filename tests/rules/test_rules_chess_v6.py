"""Whole games beside PettingZoo's chess_v6: each observation and mask is its own, bit for bit, but for its defects.

Where the two differ the test says by how much and why: every bit of chess_v6's observation is predicted from ours and
one of the documented defects, and each defect must show.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import chess
import numpy as np
import pytest
from numpy.typing import NDArray
from rules_strategies import FUZZ_SEED, STYLES, choose
from rules_twin import Twin

from sandwich_env.rules import Games, Termination, move_to_action

chess_v6 = pytest.importorskip("pettingzoo.classic.chess_v6")
chess_utils = pytest.importorskip("pettingzoo.classic.chess.chess_utils")

VIEWS = ("white", "black")
CLOCK = 5


class Endless(chess_v6.raw_env):  # type: ignore[misc]
    """chess_v6, but a game goes on though a draw could be claimed; who may claim what is compared elsewhere."""

    def set_game_result(self, result_val: int) -> None:
        pass


def start_position(viewer: int) -> NDArray[np.bool_]:
    """chess_v6's own planes of the starting position, [8, 8, 13], which its environment never shows."""
    planes = chess_utils.get_observation(chess.Board(), 0)[..., 7:]
    return planes[::-1][..., [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12]] if viewer else planes


def compare(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], ply: int, viewer: int, defects: Counter[str]) -> None:
    """Predict every bit of chess_v6's observation from ours."""
    predicted = ours.copy()
    # Documented queen side first, written king side first.
    predicted[..., [0, 1, 2, 3]] = ours[..., [1, 0, 3, 2]]
    defects["castling planes"] += bool((predicted[..., :4] != ours[..., :4]).any())
    # Documented as the n-th element of the flattened plane; for White the rows come the other way.
    assert ours[..., CLOCK].sum() == 1
    if viewer == 0:
        predicted[..., CLOCK] = ours[::-1, :, CLOCK]
        defects["clock"] += 1
    # The position that the game began from is not in the history; later ones are.
    if ply < 8:
        start = slice(7 + 13 * ply, 20 + 13 * ply)
        np.testing.assert_array_equal(ours[..., start], start_position(viewer))
        predicted[..., start] = False
        defects["starting position" if ply else "no pieces at first"] += 1
    np.testing.assert_array_equal(theirs, predicted)


def play(style_of: Any, rng: random.Random, max_plies: int, counts: Counter[str], defects: Counter[str]) -> None:
    env: Any = Endless()
    env.reset()
    games = Games(1, max_plies=max_plies, claim_draws=False)
    twin = Twin([chess.STARTING_FEN], max_plies, claim_draws=False)
    for ply in range(max_plies + 1):
        seen = [env.observe(f"player_{viewer}") for viewer in range(2)]
        for viewer, view in enumerate(VIEWS):
            ours = games.observe(view=view)[0]
            compare(ours, seen[viewer]["observation"], ply, viewer, defects)
            counts["observations"] += 1
            if (viewer == 0) == games.turn[0]:
                np.testing.assert_array_equal(games.observe()[0], ours)
                if not games.finished[0]:
                    np.testing.assert_array_equal(games.legal_mask()[0], seen[viewer]["action_mask"])
            else:
                assert not seen[viewer]["action_mask"].any()
        counts["repeated"] += bool(games.repetitions[0])
        counts["history repeated"] += bool(games.observe()[0, 0, 0, 32::13].any())
        if games.finished[0]:
            break
        move = choose(rng, style_of(ply), twin.boards[0], twin.moves[0])
        counts[f"moved by {VIEWS[ply % 2]}"] += 1
        action = move_to_action(move, twin.boards[0])
        twin.push({0: move})
        env.step(action)
        games.step([action])
    counts[Termination(int(games.termination[0])).name] += 1
    counts.update({name: n for name, n in twin.seen.items() if name.startswith(("promotion", "castling", "en p"))})


def play_many(games: int) -> tuple[Counter[str], Counter[str]]:
    counts: Counter[str] = Counter()
    defects: Counter[str] = Counter()
    for i in range(games):
        rng = random.Random(f"{FUZZ_SEED} {i}")
        play(lambda ply, i=i: STYLES[(i + ply // 16) % len(STYLES)], rng, 250, counts, defects)
    assert not [d for d in ("castling planes", "clock", "starting position", "no pieces at first") if not defects[d]]
    return counts, defects


def test_a_few_games() -> None:
    counts, _ = play_many(4)
    assert counts["observations"] > 800


@pytest.mark.slow
def test_many_games_through_everything_rare() -> None:
    counts, defects = play_many(24)
    print(dict(counts), dict(defects))
    assert counts["observations"] > 10_000
    wanted = [
        *(f"promotion to {name}" for name in ("knight", "bishop", "rook", "queen")),
        *(f"castling to {square}" for square in ("c1", "g1", "c8", "g8")),
        *("en passant", "repeated", "history repeated", "CHECKMATE"),
    ]
    assert not [name for name in wanted if not counts[name]]


def test_castling_promotion_repetition_and_en_passant_in_one_line() -> None:
    line = "e2e4 a7a6 e4e5 d7d5 e5d6 g8f6 d6c7 f6g8 c7d8n e7e5 g1f3 a6a5 f1e2 a5a4 e1g1 g8f6 f3g5 f6g8 g5f3"
    env: Any = Endless()
    env.reset()
    games, board, defects = Games(1), chess.Board(), Counter[str]()
    for ply, uci in enumerate(line.split(), start=1):
        env.observe(env.agent_selection)  # chess_v6 knows no action that it has not listed
        move = board.parse_uci(uci)
        action = move_to_action(move, board)
        board.push(move)
        env.step(action)
        games.step([action])
        for viewer, view in enumerate(VIEWS):
            compare(games.observe(view=view)[0], env.observe(f"player_{viewer}")["observation"], ply, viewer, defects)
    assert games.observe()[0, ..., 19].all(), "the position repeats an earlier one"
