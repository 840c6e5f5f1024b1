"""`Trees`: the search trees of many games in one table of nodes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.experts.base import Evaluation
from sandwich_env.rules import NO_ACTION, NUM_ACTIONS

Integers = NDArray[np.int64]

_ROOM_AT_FIRST = 40
"""Rows for each root to begin with; the table doubles when it is full."""


@functools.cache
def _kernels() -> Any:
    """The compiled kernels; Numba is imported here, at the first search, and not before."""
    from sandwich_env.experts import _search_kernels as kernels

    return kernels


@dataclass(frozen=True)
class Rule:
    """How a tree is walked down; `search.py` has the formula.

    Attributes:
        c_puct: weight of the priors.
        c_base: visits after which that weight grows.
        fpu: how much less than its parent an unvisited move is worth, when all others were visited.
        virtual_loss: losses that a waiting visit counts as.
    """

    c_puct: float
    c_base: float
    fpu: float
    virtual_loss: float


@dataclass(frozen=True)
class Leaves:
    """Nodes that wait for an evaluation.

    Attributes:
        nodes: int64 [K], rows of the table.
        games: int64 [K], whose tree each is in.
        depths: int64 [K], plies from the root.
    """

    nodes: Integers
    games: Integers
    depths: Integers

    def __len__(self) -> int:
        return len(self.nodes)


class Trees:
    """The trees of N games.

    Args:
        count: N. Each tree is a root that is not evaluated yet.
    """

    def __init__(self, count: int) -> None:
        self.nodes = _kernels().empty_nodes(count * _ROOM_AT_FIRST)
        self.used = count
        self.roots: Integers = np.arange(count)
        _kernels().plant(self.nodes, count)

    def adopt(self, game: int, kept: NDArray[np.void], moves: NDArray[np.uint16]) -> bool:
        """Put the part of a kept tree that some moves lead to in the place of a game's tree, if it holds that part."""
        found = int(_kernels().descend(kept, 0, moves))
        if found >= 0:
            self.reserve(len(kept))
            self.roots[game] = self.used
            self.used = int(_kernels().copy_subtree(kept, found, self.nodes, self.used))
        return found >= 0

    def extract(self, game: int) -> NDArray[np.void]:
        """A game's tree alone, its root in row 0."""
        size = int(_kernels().count_subtree(self.nodes, self.roots[game]))
        tree: NDArray[np.void] = _kernels().empty_nodes(size)
        _kernels().copy_subtree(self.nodes, self.roots[game], tree, 0)
        return tree

    def moves_at_root(self, game: int) -> int:
        """How many moves a game's root has."""
        return int(self.nodes["children"][self.roots[game]])

    def mix_priors(self, game: int, share: float, drawn: NDArray[np.float64]) -> None:
        """Give `share` of the priors at a game's root to other probabilities, [moves at the root]."""
        _kernels().mix_priors(self.nodes, self.roots[game], share, drawn)

    def select(self, simulations: int, batch: int, rule: Rule) -> Leaves:
        """Up to `batch` leaves of each tree, until its root has `simulations` visits, those that wait included."""
        nodes, games, depths = (np.empty(len(self.roots) * batch, dtype=np.int64) for _ in range(3))
        found = _kernels().select_leaves(
            self.nodes,
            self.roots,
            simulations,
            batch,
            rule.c_puct,
            rule.c_base,
            rule.fpu,
            rule.virtual_loss,
            nodes,
            games,
            depths,
        )
        return Leaves(nodes[:found], games[:found], depths[:found])

    def paths(self, leaves: Leaves) -> Integers:
        """The moves from the roots to the leaves, `NO_ACTION` after the last one, [plies, K]."""
        paths = np.full((int(leaves.depths.max(initial=0)), len(leaves)), NO_ACTION, dtype=np.int64)
        _kernels().write_paths(self.nodes, leaves.nodes, leaves.depths, paths)
        return paths

    def end(self, nodes: Integers, values: NDArray[np.float32]) -> None:
        """Tell the trees of leaves [K] where the game is over, and its results for the players to move, [K]."""
        _kernels().end_leaves(self.nodes, nodes, values)

    def expand(self, nodes: Integers, found: Evaluation, actions: NDArray[np.uint16], counts: Integers) -> int:
        """Tell the trees what the expert thinks of leaves.

        Args:
            nodes: [K].
            found: its answers, [K].
            actions: the legal actions of all leaves, one leaf after the other.
            counts: how many of them each leaf has, [K].

        Returns:
            -1, or the first row whose answer lacks a logit or is off the scale of values; then nothing was done.
        """
        refused = int(_kernels().find_refused(found.policy, found.value, actions, counts))
        if refused < 0:
            self.reserve(len(actions))
            self.used = _kernels().expand_leaves(
                self.nodes, self.used, nodes, found.policy, found.value, actions, counts
            )
        return refused

    def read(self, temperature: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The policies, float32 [N, 4672], and the values, float32 [N], of the roots after the search."""
        policy = np.full((len(self.roots), NUM_ACTIONS), -np.inf, dtype=np.float32)
        values = np.empty(len(self.roots), dtype=np.float32)
        _kernels().read_roots(self.nodes, self.roots, temperature, policy, values)
        return policy, values

    def reserve(self, more: int) -> None:
        """Make room for so many more rows."""
        if self.used + more > len(self.nodes):
            longer = _kernels().empty_nodes(max(2 * len(self.nodes), self.used + more))
            longer[: self.used] = self.nodes[: self.used]
            self.nodes = longer
