"""PUCT, first play urgency and virtual loss on trees small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sandwich_env.experts.base import Evaluation
from sandwich_env.experts.search_tree import Rule, Trees
from sandwich_env.rules import NUM_ACTIONS

A, B, C = 10, 20, 30
PRIORS = {A: 0.5, B: 0.3, C: 0.2}


def rule(*, fpu: float = 0.0, virtual_loss: float = 1.0) -> Rule:
    return Rule(c_puct=1.25, c_base=1e12, fpu=fpu, virtual_loss=virtual_loss)


def tree(value: float = 0.2) -> Trees:
    """A root with three moves, evaluated."""
    trees = Trees(1)
    leaves = trees.select(1, 1, rule())
    assert (leaves.nodes.tolist(), leaves.games.tolist(), leaves.depths.tolist()) == ([0], [0], [0])
    answer(trees, leaves.nodes, value)
    return trees


def answer(trees: Trees, nodes: np.ndarray, value: float) -> None:
    """The same answer for each node: three moves, and `value` for the player to move."""
    policy = np.full((len(nodes), NUM_ACTIONS), -np.inf, dtype=np.float32)
    policy[:, list(PRIORS)] = 3.0 + np.log(list(PRIORS.values()))
    values = np.full(len(nodes), value, dtype=np.float32)
    legal = np.tile(np.array(list(PRIORS), dtype=np.uint16), len(nodes))
    assert trees.expand(nodes, Evaluation(policy, values), legal, np.full(len(nodes), len(PRIORS))) == -1


def walk(
    trees: Trees, batch: int = 1, *, simulations: int = 100, **settings: float
) -> tuple[np.ndarray, list[list[int]]]:
    """The leaves that come next and the moves to them."""
    leaves = trees.select(simulations, batch, rule(**settings))
    return leaves.nodes, [[int(a) for a in path if a >= 0] for path in trees.paths(leaves).T]


def test_puct_by_hand() -> None:
    trees = tree(value=0.2)
    # N = 1. Nothing was visited, so Q is the root's mean, 0.2, for all; the greatest prior wins.
    nodes, paths = walk(trees)
    assert paths == [[A]]
    answer(trees, nodes, 0.4)  # 0.4 for the opponent: Q(A) = -0.4, and the root's mean is (0.2 - 0.4) / 2 = -0.1
    # N = 2, sqrt 1.4142. A: -0.4 + 1.25 * 0.5 * 1.4142 / 2 = 0.042. B: -0.1 + 1.25 * 0.3 * 1.4142 = 0.430. C: 0.254.
    nodes, paths = walk(trees)
    assert paths == [[B]]
    answer(trees, nodes, -0.6)  # Q(B) = 0.6, the root's mean is 0.4 / 3
    # N = 3, sqrt 1.7321. A: 0.141. B: 0.6 + 0.375 * 1.7321 / 2 = 0.925. C: 0.133 + 0.25 * 1.7321 = 0.566. Below B: A.
    nodes, paths = walk(trees)
    assert paths == [[B, A]]
    answer(trees, nodes, -1.0)  # Q(B) = (0.6 - 1.0) / 2 = -0.2, the root's mean is (0.4 - 1.0) / 4 = -0.15
    # N = 4, sqrt 2. A: -0.4 + 0.625 = 0.225. B: -0.2 + 0.375 * 2 / 3 = 0.05. C: -0.15 + 0.25 * 2 = 0.35.
    nodes, paths = walk(trees)
    assert paths == [[C]]
    answer(trees, nodes, 0.0)
    policy, values = trees.read(1.0)
    np.testing.assert_allclose(values, [(0.2 - 0.4 + 0.6 - 1.0 - 0.0) / 5], rtol=1e-6)
    np.testing.assert_allclose(policy[0, [A, B, C]], np.log([1.5, 2.3, 1.2]), rtol=1e-6)
    assert np.isfinite(policy).sum() == 3
    np.testing.assert_allclose(trees.read(0.5)[0][0, [A, B, C]], 2 * np.log([1.5, 2.3, 1.2]), rtol=1e-6)


def test_the_weight_of_the_priors_grows_with_the_visits() -> None:
    trees = tree(value=0.0)
    nodes, _ = walk(trees)
    answer(trees, nodes, -0.9)  # Q(A) = 0.9, the root's mean 0.45
    # N = 2: A: 0.9 + 0.442 = 1.342, B: 0.45 + 0.530 = 0.980. With c_base = 1, c = 1.25 + log(4) = 2.636 and
    # A: 0.9 + 2.636 * 0.5 * 1.4142 / 2 = 1.832, B: 0.45 + 2.636 * 0.3 * 1.4142 = 1.568, C: 1.196.
    assert trees.select(100, 1, rule()).depths.tolist() == [2]
    # With c_base = 0.01, c = 1.25 + log(301) = 6.957 and A: 3.360, B: 3.402.
    again = tree(value=0.0)
    nodes, _ = walk(again)
    answer(again, nodes, -0.9)
    leaves = again.select(100, 1, Rule(c_puct=1.25, c_base=0.01, fpu=0.0, virtual_loss=1.0))
    assert again.paths(leaves).T.tolist() == [[B]]


@pytest.mark.parametrize(("fpu", "chosen"), [(0.0, [B]), (0.3, [B]), (0.7, [A, A])])
def test_an_unvisited_move_is_worth_less_than_its_parent(fpu: float, chosen: list[int]) -> None:
    trees = tree(value=0.2)
    nodes, _ = walk(trees)
    answer(trees, nodes, 0.4)
    # As above, A: 0.042 and B: 0.430 - fpu * sqrt(0.5), which is 0.218 or -0.065.
    assert walk(trees, fpu=fpu)[1] == [chosen]


def test_virtual_losses_spread_the_leaves_and_are_undone() -> None:
    trees = tree(value=0.2)
    # A waits: Q(A) = -1 and N = 2: A: -0.558, B: 0.2 + 0.530. B waits too, N = 3: C: 0.2 + 0.25 * 1.7321 = 0.633.
    nodes, paths = walk(trees, batch=3)
    assert paths == [[A], [B], [C]]
    assert trees.nodes["in_flight"][: trees.used].tolist() == [3, 1, 1, 1]
    answer(trees, nodes, 0.5)
    assert not trees.nodes["in_flight"][: trees.used].any()
    assert trees.nodes["visits"][:4].tolist() == [4, 1, 1, 1]
    np.testing.assert_allclose(trees.nodes["value_sum"][:4], [-(0.2 - 1.5), -0.5, -0.5, -0.5], rtol=1e-6)


def test_without_virtual_loss_a_leaf_that_waits_ends_the_round() -> None:
    assert walk(tree(), batch=3, virtual_loss=0.0)[1] == [[A]]


def test_no_more_leaves_than_visits_are_missing() -> None:
    assert len(walk(tree(), batch=8, simulations=3)[0]) == 2
    assert len(walk(tree(), batch=8, simulations=1)[0]) == 0


def test_a_finished_game_counts_again_without_being_asked_about() -> None:
    trees = tree(value=0.0)
    nodes, paths = walk(trees)
    assert paths == [[A]]
    trees.end(nodes, np.array([-1.0], dtype=np.float32))  # the opponent is mated
    # N = 2, the mean 0.5: A: 1 + 0.442, B: 0.5 - sqrt(0.5) + 0.530 = 0.323. N = 3: A: 1.361, B: 0.609. N = 4: 1.313
    # and 0.793.
    assert len(walk(trees, simulations=5, fpu=1.0)[0]) == 0
    assert trees.nodes["visits"][:4].tolist() == [5, 4, 0, 0]
    assert trees.read(1.0)[1].tolist() == [pytest.approx(0.8)]


def test_finished_games_do_not_take_the_simulations_of_leaves_that_wait() -> None:
    trees = tree(value=0.0)
    nodes, _ = walk(trees, batch=2, virtual_loss=100.0)
    trees.end(nodes, np.zeros(2, dtype=np.float32))  # A and B are drawn
    # N = 3. A: 0.541, B: 0.325, C: 0.433. N = 4. A: 0.417, B: 0.375, C: 0.5, which waits. Its virtual losses make the
    # draws look better, but only three more of them fit in the round.
    nodes, paths = walk(trees, batch=4, virtual_loss=100.0)
    assert paths == [[C]]
    visits, waits = (trees.nodes[name][:4].tolist() for name in ("visits", "in_flight"))
    assert visits[1] + visits[2] == 2 + 1 + 3
    assert visits[3] == 0
    assert waits == [1, 0, 0, 1]
    answer(trees, nodes, -0.9)
    assert trees.nodes["visits"][:4].tolist() == [8, visits[1], visits[2], 1]


@pytest.mark.parametrize(
    ("policy", "value"), [(np.nan, 0.0), (np.inf, 0.0), (-np.inf, 0.0), (0.0, np.nan), (0.0, 1.01)]
)
def test_answers_that_are_none_are_refused(policy: float, value: float) -> None:
    trees = Trees(1)
    leaves = trees.select(1, 1, rule())
    logits = np.full((1, NUM_ACTIONS), -np.inf, dtype=np.float32)
    logits[0, [A, B]] = [0.0, policy]
    found = Evaluation(logits, np.array([value], dtype=np.float32))
    assert trees.expand(leaves.nodes, found, np.array([A, B], dtype=np.uint16), np.array([2])) == 0
    assert trees.used == 1


def test_the_least_likely_move_has_a_finite_logit() -> None:
    trees = Trees(1)
    leaves = trees.select(1, 1, rule())
    logits = np.full((1, NUM_ACTIONS), -np.inf, dtype=np.float32)
    logits[0, [A, B]] = [300.0, -300.0]
    found = Evaluation(logits, np.zeros(1, dtype=np.float32))
    trees.expand(leaves.nodes, found, np.array([A, B], dtype=np.uint16), np.array([2]))
    assert trees.read(1.0)[0][0, [A, B]].tolist() == pytest.approx([0.0, np.log(1e-9)])


def test_a_part_of_a_tree_is_taken_over_as_it_is() -> None:
    trees = tree(value=0.2)
    for value in (0.4, -0.6, -1.0, 0.0):  # A, B, B A, C, as worked out above
        nodes, _ = walk(trees)
        answer(trees, nodes, value)
    kept = trees.extract(0)
    assert len(kept) == trees.used == 1 + 5 * 3
    other = Trees(2)
    assert other.adopt(1, kept, np.array([B], dtype=np.uint16))
    root = other.nodes[other.roots[1]]
    assert (root["parent"], root["visits"], root["children"]) == (-1, 2, 3)
    below = other.nodes[root["first"] : root["first"] + 3]
    assert below["action"].tolist() == [A, B, C]
    assert below["visits"].tolist() == [1, 0, 0]
    assert below["value_sum"].tolist() == [1.0, 0.0, 0.0]
    assert other.used == 2 + 1 + 3 + 3
    assert not other.adopt(0, kept, np.array([C, A], dtype=np.uint16)), "that move was never tried"
    assert not other.adopt(0, kept, np.array([99], dtype=np.uint16)), "no such move"
