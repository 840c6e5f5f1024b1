"""The compiled part of the search: one table of nodes for the trees of all games.

A node is a position reached in a tree, and the move that led there; the children of a node lie side by side. Sums are
seen by the player who moved *into* a node, so that the player to move takes the greatest of its children's.
"""

# ruff: noqa: PLR0917 (kernels take their arguments by position)

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel

NODE = np.dtype([
    ("value_sum", np.float64),  # of all visits, for the player who moved into the node
    ("parent", np.int32),  # -1 for a root
    ("first", np.int32),  # the first child; UNKNOWN before the node is evaluated, TERMINAL where the game is over
    ("visits", np.int32),  # simulations that passed here, the node's own evaluation included
    ("in_flight", np.int32),  # simulations that passed here and wait for their evaluation
    ("prior", np.float32),  # the expert's probability of the move
    ("action", np.uint16),  # the move
    ("children", np.uint16),  # how many there are
])  # fmt: skip
"""A row of the table, 32 bytes."""

UNKNOWN = -1
TERMINAL = -2

LEAST_PRIOR = 1e-9
"""No legal move has a smaller prior, so that its logarithm is finite."""

Nodes = NDArray[np.void]
Integers = NDArray[np.int64]


@inlined
def best_child(nodes: Nodes, at: int, c_puct: float, c_base: float, fpu: float, virtual_loss: float) -> int:
    """The child that PUCT takes next, the first among equals; see `search.py` for the formula."""
    node = nodes[at]
    first, last = node["first"], node["first"] + node["children"]
    seen = 0.0
    for k in range(first, last):
        if nodes[k]["visits"] > 0:
            seen += nodes[k]["prior"]
    unvisited = max(-1.0, -node["value_sum"] / node["visits"] - fpu * math.sqrt(seen))
    parent_visits = node["visits"] + virtual_loss * node["in_flight"]
    scale = (c_puct + math.log((1.0 + parent_visits + c_base) / c_base)) * math.sqrt(parent_visits)
    best: int = first
    best_score = -math.inf
    for k in range(first, last):
        child = nodes[k]
        lost = virtual_loss * child["in_flight"]
        count = child["visits"] + lost
        value = (child["value_sum"] - lost) / count if count > 0.0 else unvisited
        score = value + scale * child["prior"] / (1.0 + count)
        if score > best_score:
            best, best_score = k, score
    return best


@inlined
def back_up(nodes: Nodes, at: int, value: float, waited: int) -> None:
    """Add a visit of `value`, for the player to move at `at`, to the node and to all above it."""
    while at >= 0:
        value = -value
        node = nodes[at]
        node["value_sum"] += value
        node["visits"] += 1
        node["in_flight"] -= waited
        at = node["parent"]


@kernel
def select_leaves(
    nodes: Nodes,
    roots: Integers,
    simulations: int,
    batch: int,
    c_puct: float,
    c_base: float,
    fpu: float,
    virtual_loss: float,
    leaves: Integers,
    games: Integers,
    depths: Integers,
) -> int:
    """Walk down each tree until `batch` leaves wait for an evaluation, or the next one waits already.

    Finished games that are met again are backed up at once. While a leaf waits they count among the `batch`, or else
    they would take all simulations that its virtual losses keep from it.

    Args:
        nodes: The table.
        roots: int64 [N].
        simulations: How many visits each root shall have in the end.
        batch: The most leaves of one tree.
        c_puct: See `search.py`, as for the next three.
        c_base: Likewise.
        fpu: Likewise.
        virtual_loss: Likewise.
        leaves: int64 [N * batch], filled with nodes.
        games: int64 [N * batch], filled with indices of `roots`.
        depths: int64 [N * batch], filled with plies from the root.

    Returns:
        How many leaves there are.
    """
    found = 0
    for game in range(roots.shape[0]):
        root = roots[game]
        taken = 0  # simulations since the first leaf that waits
        while taken < batch and nodes[root]["visits"] + nodes[root]["in_flight"] < simulations:
            at = root
            depth = 0
            while nodes[at]["first"] >= 0:
                at = best_child(nodes, at, c_puct, c_base, fpu, virtual_loss)
                depth += 1
            if nodes[at]["first"] == TERMINAL:
                back_up(nodes, at, -nodes[at]["value_sum"] / nodes[at]["visits"], 0)
                taken += taken > 0
                continue
            if nodes[at]["in_flight"] > 0:
                break
            leaves[found] = at
            games[found] = game
            depths[found] = depth
            found += 1
            taken += 1
            while at >= 0:
                nodes[at]["in_flight"] += 1
                at = nodes[at]["parent"]
    return found


@kernel
def write_paths(nodes: Nodes, leaves: Integers, depths: Integers, paths: Integers) -> None:
    """Write the moves from the root to each leaf into `paths`, int64 [longest, K], whose rest is left as it is."""
    for k in range(leaves.shape[0]):
        at = leaves[k]
        for ply in range(depths[k] - 1, -1, -1):
            paths[ply, k] = nodes[at]["action"]
            at = nodes[at]["parent"]


@kernel
def end_leaves(nodes: Nodes, leaves: Integers, values: NDArray[np.float32]) -> None:
    """Back up leaves where the game is over, with its result for the player to move."""
    for k in range(leaves.shape[0]):
        nodes[leaves[k]]["first"] = TERMINAL
        back_up(nodes, leaves[k], values[k], 1)


@kernel
def find_refused(
    policy: NDArray[np.float32], values: NDArray[np.float32], actions: NDArray[np.uint16], counts: Integers
) -> int:
    """The first row without a finite logit for each legal action, or without a value from -1 to 1; -1 if none is."""
    at = 0
    for k in range(values.shape[0]):
        fine = -1.0 <= values[k] <= 1.0
        for action in actions[at : at + counts[k]]:
            fine &= math.isfinite(policy[k, action])
        if not fine:
            return k
        at += counts[k]
    return -1


@kernel
def expand_leaves(
    nodes: Nodes,
    used: int,
    leaves: Integers,
    policy: NDArray[np.float32],
    values: NDArray[np.float32],
    actions: NDArray[np.uint16],
    counts: Integers,
) -> int:
    """Give each leaf its children with their priors, softmax(policy), and back its value up.

    Args:
        nodes: The table, with rows left for all children.
        used: How many rows are in use.
        leaves: int64 [K].
        policy: float32 [K, 4672], finite where an action is legal.
        values: float32 [K], for the player to move.
        actions: uint16 [M], the legal actions of all leaves, one leaf after the other.
        counts: int64 [K], how many of them each has.

    Returns:
        How many rows are in use now.
    """
    listed = 0
    for k in range(leaves.shape[0]):
        legal = actions[listed : listed + counts[k]]
        listed += counts[k]
        top = -math.inf
        for action in legal:
            top = max(top, policy[k, action])
        total = 0.0
        for action in legal:
            total += math.exp(policy[k, action] - top)
        nodes[leaves[k]]["first"] = used
        nodes[leaves[k]]["children"] = counts[k]
        for action in legal:
            share = math.exp(policy[k, action] - top) / total
            node = nodes[used]
            node["value_sum"] = 0.0
            node["parent"] = leaves[k]
            node["first"] = UNKNOWN
            node["visits"] = 0
            node["in_flight"] = 0
            node["prior"] = max(share, LEAST_PRIOR)
            node["action"] = action
            node["children"] = 0
            used += 1
        back_up(nodes, leaves[k], values[k], 1)
    return used


@kernel
def read_roots(
    nodes: Nodes, roots: Integers, temperature: float, policy: NDArray[np.float32], values: NDArray[np.float32]
) -> None:
    """Write log(visits + prior) / temperature of each root's moves, float32 [N, 4672], and its mean value, [N]."""
    for game in range(roots.shape[0]):
        root = nodes[roots[game]]
        values[game] = min(1.0, max(-1.0, 0.0 - root["value_sum"] / root["visits"]))
        for k in range(root["first"], root["first"] + root["children"]):
            child = nodes[k]
            policy[game, child["action"]] = math.log(child["visits"] + child["prior"]) / temperature


@kernel
def mix_priors(nodes: Nodes, root: int, share: float, drawn: NDArray[np.float64]) -> None:
    """Give `share` of the priors of a root's moves to the probabilities `drawn`, float64 [children]."""
    first = nodes[root]["first"]
    for k in range(drawn.shape[0]):
        mixed = (1.0 - share) * nodes[first + k]["prior"] + share * drawn[k]
        nodes[first + k]["prior"] = max(mixed, LEAST_PRIOR)


@kernel
def descend(nodes: Nodes, root: int, actions: NDArray[np.uint16]) -> int:
    """The node that some moves lead to from a root; -1 where the tree does not hold it, evaluated."""
    at = root
    for action in actions:
        first, last = nodes[at]["first"], nodes[at]["first"] + nodes[at]["children"]
        at = -1
        for k in range(first, last):
            if nodes[k]["action"] == action:
                at = k
        if at < 0:
            return -1
    return at if nodes[at]["first"] >= 0 else -1


@kernel
def count_subtree(nodes: Nodes, root: int) -> int:
    """How many nodes a tree has."""
    count = 1
    at = root
    while True:  # depth first; after a node its next sibling, or that of the nearest ancestor that has one
        if nodes[at]["first"] >= 0:
            count += nodes[at]["children"]
            at = nodes[at]["first"]
            continue
        while at != root:
            parent = nodes[at]["parent"]
            if at + 1 < nodes[parent]["first"] + nodes[parent]["children"]:
                at += 1
                break
            at = parent
        if at == root:
            return count


@kernel
def copy_subtree(source: Nodes, root: int, nodes: Nodes, used: int) -> int:
    """Copy a node of `source` and all below it to rows `used`... of another table, as a root.

    Returns:
        How many rows of that table are in use now.
    """
    at, free = used, used + 1
    nodes[used] = source[root]
    nodes[used]["parent"] = -1
    while at < free:  # rows from `at` on still name their children in `source`
        if nodes[at]["first"] >= 0:
            first = nodes[at]["first"]
            nodes[at]["first"] = free
            for k in range(first, first + nodes[at]["children"]):
                nodes[free] = source[k]
                nodes[free]["parent"] = at
                free += 1
        at += 1
    return free


def empty_nodes(count: int) -> Any:
    """A table of so many rows, not filled in."""
    return np.empty(count, dtype=NODE)


def plant(nodes: Nodes, count: int) -> None:
    """Make the first rows roots that are not evaluated yet."""
    nodes[:count] = (0.0, -1, UNKNOWN, 0, 0, 1.0, 0, 0)
