"""What the tests of the search share: an expert that counts material, and what must hold in every finished tree."""

from __future__ import annotations

import chess
import numpy as np

from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.search_tree import Trees
from sandwich_env.rules import Games

WORTH = {chess.PAWN: 1, chess.KNIGHT: 3, chess.BISHOP: 3, chess.ROOK: 5, chess.QUEEN: 9}


class Material(Expert):
    """Every move is as good as any other; the value is what the men are worth. Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = False

    def evaluate(self, games: Games) -> Evaluation:
        self.asked.append(len(games))
        over, value = result_for_mover(games)
        policy = np.where(games.legal_mask() == 1, np.float32(0), np.float32(-np.inf))
        return Evaluation(policy, np.where(over, value, self._material(games)).astype(np.float32))

    @staticmethod
    def _material(games: Games) -> np.ndarray:
        boards = [chess.Board(fen) for fen in games.fens()]
        own = [sum(WORTH[kind] * len(b.pieces(kind, b.turn)) for kind in WORTH) for b in boards]
        other = [sum(WORTH[kind] * len(b.pieces(kind, not b.turn)) for kind in WORTH) for b in boards]
        return np.tanh((np.array(own) - np.array(other)) / 10.0)

    def close(self) -> None:
        self.closed = True


def check_counts(trees: Trees, simulations: int) -> None:
    """Nothing waits, visits add up, and every sum is the sum of what lies below it."""
    nodes = trees.nodes[: trees.used]
    assert np.all(nodes["visits"][trees.roots] == simulations)
    reachable = np.zeros(len(nodes), dtype=bool)
    waiting = list(trees.roots)
    while waiting:
        at = int(waiting.pop())
        assert not reachable[at], "a node has one parent"
        reachable[at] = True
        node = nodes[at]
        assert node["in_flight"] == 0
        assert abs(node["value_sum"]) <= node["visits"]
        if node["first"] < 0:
            continue
        children = nodes[node["first"] : node["first"] + node["children"]]
        assert np.all(children["parent"] == at)
        assert len(set(children["action"].tolist())) == len(children)
        np.testing.assert_allclose(children["prior"].sum(), 1.0, rtol=1e-5)
        assert node["visits"] == 1 + children["visits"].sum(), "one visit was the node's own evaluation"
        own = -node["value_sum"] - children["value_sum"].sum()  # seen by the player to move
        assert -1.0 - 1e-6 <= own <= 1.0 + 1e-6
        waiting += range(int(node["first"]), int(node["first"]) + len(children))
