"""Legal actions as lists: what the mask holds."""

from __future__ import annotations

import numpy as np

from sandwich_env.rules import Games, move_to_action


def test_the_lists_hold_what_the_mask_holds():
    games = Games(40, max_plies=30)
    seeds = np.arange(40, dtype=np.uint64)
    for _ in range(31):
        actions, counts = games.legal_actions()
        assert actions.dtype == np.uint16
        assert counts.tolist() == games.legal_counts.tolist()
        listed = np.zeros((40, 4672), dtype=np.int8)
        listed[np.repeat(np.arange(40), counts), actions] = 1
        assert np.array_equal(listed, games.legal_mask())
        games.step(games.sample(seeds))
    assert games.finished.all()
    assert len(games.legal_actions()[0]) == 0
    assert len(Games(0).legal_actions()[0]) == 0


def test_equal_positions_have_their_actions_in_one_order():
    there_by = [["g1f3", "g8f6", "b1c3"], ["b1c3", "g8f6", "g1f3"]]
    games = Games(2)
    for ply in range(3):
        moves = [line[ply] for line in there_by]
        boards = [games.board(i) for i in range(2)]
        games.step([move_to_action(b.parse_uci(m), b) for b, m in zip(boards, moves, strict=True)])
    actions, counts = games.legal_actions()
    assert np.array_equal(actions[: counts[0]], actions[counts[0] :])
