"""An expert that searches: PUCT over another expert, which evaluates the leaves of all games in one batch.

Each simulation walks down a game's tree to a position that was not evaluated yet. At a node visited N times, the
player to move takes the move with the greatest

    Q + c P sqrt(N) / (1 + n),        c = c_puct + log((1 + N + c_base) / c_base)

where P is the expert's probability of the move, n its visits and Q the mean of their values (Silver et al. 2018, "A
general reinforcement learning algorithm that masters chess, shogi, and Go through self-play"). N counts the node's own
evaluation. An unvisited move's Q is the node's mean value less `fpu` times the square root of the visited moves'
share of P (as in Leela Chess Zero). Visits that wait for their evaluation count as `virtual_loss` lost ones each, so
that several leaves of a tree can be evaluated together (Chaslot et al. 2008, "Parallel Monte-Carlo Tree Search"; Segal
2010, "On the Scalability of Parallel UCT").
"""

from __future__ import annotations

import numpy as np

from sandwich_env.errors import AdviceError, SpecError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.search_memory import Line, TreeMemory, lines_of
from sandwich_env.experts.search_tree import Leaves, Rule, Trees
from sandwich_env.randomness import Streams, mix
from sandwich_env.rules import NUM_ACTIONS, Games
from sandwich_env.specs import check_count, check_scale, check_share, from_spec


class SearchExpert(Expert):
    """Another expert, searched with: its policy guides PUCT, its value judges the leaves.

    The policy is log(visits + prior) / temperature: a softmax of it is the share of the root's visits that each move
    got, where the first visit, the root's own evaluation, is split among the moves as the expert's policy has it. So
    one simulation gives the expert's own answer. The value is the mean of all visits. Games that end in the tree count
    with their results; repetitions and the fifty moves are judged with the game's own history.

    **Reuse makes answers depend on what was asked before.** With `reuse` a search begins with what is left of an
    earlier one in the same game, up to 16 plies ago, and only adds the simulations that are missing. Without it, as by
    default, a position gets the same answer whatever was asked before.

    Args:
        expert: what is searched with, a network as a rule.
        simulations: visits of the root, its own evaluation included.
        batch: the most leaves of one game that are evaluated together. With more than one the search is less exact, and
            faster where there are few games.
        c_puct: weight of the expert's policy. The default suits the shipped E, with which AlphaZero's 1.25 is weaker.
        c_base: visits after which that weight grows.
        fpu: how much less than its node an unvisited move is worth, when all others were visited.
        virtual_loss: losses that a visit counts as while it waits.
        temperature: of the policy.
        noise: share of the root's priors that Dirichlet noise takes, for games that shall differ (0.25 in AlphaZero).
            It is drawn for the game's moves so far, so that the same position gets the same noise.
        noise_alpha: of that noise; less makes it favour fewer moves.
        seed: of that noise.
        reuse: how many trees are kept for later searches, about 1 kB for each visit of a tree; 0 keeps none.

    Raises:
        SpecError: an argument is out of range.
    """

    def __init__(
        self,
        expert: Expert,
        simulations: int = 100,
        batch: int = 4,
        *,
        c_puct: float = 0.6,
        c_base: float = 19652.0,
        fpu: float = 0.3,
        virtual_loss: float = 1.0,
        temperature: float = 1.0,
        noise: float = 0.0,
        noise_alpha: float = 0.3,
        seed: int = 0,
        reuse: int = 0,
    ) -> None:
        self.expert = from_spec(expert, Expert, f"expert of {self.kind!r}")
        self.simulations = check_count(f"simulations of {self.kind!r}", simulations)
        self.batch = check_count(f"batch of {self.kind!r}", batch)
        self.c_puct = check_scale(f"c_puct of {self.kind!r}", c_puct)
        self.c_base = _check_positive(f"c_base of {self.kind!r}", c_base)
        self.fpu = check_scale(f"fpu of {self.kind!r}", fpu)
        self.virtual_loss = check_scale(f"virtual_loss of {self.kind!r}", virtual_loss)
        self.temperature = _check_positive(f"temperature of {self.kind!r}", temperature)
        self.noise = check_share(f"noise of {self.kind!r}", noise)
        self.noise_alpha = _check_positive(f"noise_alpha of {self.kind!r}", noise_alpha)
        self.seed = check_count(f"seed of {self.kind!r}", seed, least=0)
        self.reuse = check_count(f"reuse of {self.kind!r}", reuse, least=0)
        self._memory = TreeMemory(self.reuse)
        self._rule = Rule(float(c_puct), float(c_base), float(fpu), float(virtual_loss))

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        policy = np.full((len(games), NUM_ACTIONS), -np.inf, dtype=np.float32)
        playing = np.flatnonzero(~over)
        if len(playing):
            trees = self._search(games.select(playing))
            policy[playing], value[playing] = trees.read(self.temperature)
        return Evaluation(policy=policy, value=value)

    def _search(self, roots: Games) -> Trees:
        """Simulate until every root has its visits."""
        trees = Trees(len(roots))
        lines = lines_of(roots) if self.reuse or self.noise else []
        again = self._recall(trees, lines) if self.reuse else set()
        self._evaluate(trees, trees.select(1, 1, self._rule), roots)  # the roots themselves
        if self.noise:
            self._add_noise(trees, lines, again)
        while len(leaves := trees.select(self.simulations, self.batch, self._rule)):
            self._evaluate(trees, leaves, roots)
        if self.reuse:
            for game, line in enumerate(lines):
                self._memory.keep(line, trees.extract(game))
        return trees

    def _recall(self, trees: Trees, lines: list[Line]) -> set[int]:
        """Begin with what is left of earlier searches; the games whose very position was searched before."""
        again, outgrown = set(), []
        for game, line in enumerate(lines):
            found = self._memory.find(line)
            if found is not None:
                earlier, tree, plies = found
                adopted = trees.adopt(game, tree, line.last(plies))
                outgrown.append(earlier)
                if adopted and plies == 0:
                    again.add(game)
        self._memory.forget(outgrown)
        return again

    def _add_noise(self, trees: Trees, lines: list[Line], again: set[int]) -> None:
        """Noise at every root that has none yet: an adopted root of the same position has had the same noise."""
        digests = np.array([line.digest() for line in lines], dtype=np.uint64)
        for game, rng in enumerate(Streams(mix(self.seed, "search", digests)).generators()):
            if game not in again:
                drawn = rng.dirichlet(np.full(trees.moves_at_root(game), self.noise_alpha))
                trees.mix_priors(game, self.noise, drawn)

    def _evaluate(self, trees: Trees, leaves: Leaves, roots: Games) -> None:
        """Play to the leaves, evaluate them all together, and tell the trees."""
        if not len(leaves):
            return
        positions = roots.select(leaves.games)
        for actions in trees.paths(leaves):
            positions.step(actions)
        nodes = leaves.nodes
        over, result = result_for_mover(positions)
        if over.any():
            trees.end(nodes[over], result[over])
            positions, nodes = positions.select(~over), nodes[~over]
        if not len(nodes):
            return
        found = self.expert.evaluate(positions)
        actions, counts = positions.legal_actions()
        refused = trees.expand(nodes, found, actions, counts)
        if refused >= 0:
            finite = int(np.isfinite(found.policy[refused]).sum())
            raise AdviceError(
                f"{self.expert!r} gave {finite} finite logits and the value {float(found.value[refused])!r} in "
                f"{positions.fens()[refused]!r}: there must be a logit for each of the {counts[refused]} legal moves, "
                f"and a value from -1 to 1"
            )

    def close(self) -> None:
        self._memory.clear()
        self.expert.close()


def _check_positive(name: str, value: float) -> float:
    if check_scale(name, value) == 0.0:
        raise SpecError(f"{name} is {value!r}: it must be more than 0")
    return value
