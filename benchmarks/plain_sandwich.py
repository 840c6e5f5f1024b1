"""A sandwich as one would write it first: PettingZoo's chess_v6, one game, one position and one question at a time.

E and H are the same networks, run by torch. A is E and is asked in every turn; H follows it, and is itself asked only
where it explores, as `imitate` does. The fit is a plain torch loop over the same examples.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import chess
import numpy as np
import torch
from harness import Played
from numpy.typing import NDArray
from pettingzoo.classic import chess_v6
from pettingzoo.classic.chess import chess_utils
from torch.nn import functional

from sandwich_env.experiments.config import PlaySettings
from sandwich_env.learning.examples import Examples, unpack_legal, unpack_planes
from sandwich_env.learning.methods.imitate import Imitate
from sandwich_env.learning.supervised import FitConfig
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.weights import load_network
from sandwich_env.reading.puzzles import Puzzle

PLANES = 20
"""The planes of the present position, which the networks look at."""

PLIES, ACTIONS = PlaySettings.max_plies, 4672


class PlainSandwich:
    """Plays, plays matches, answers and learns, each for some seconds at a time.

    Args:
        seconds: each time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expert, self.novice = (load_network(name).eval() for name in ("expert", "novice"))
        self._method, self._rng = Imitate(), random.Random(0)
        self._self_play, self._matches = self._played(self._advised), self._played(self._opponents)
        for plies in (self._self_play, self._matches):
            next(plies)  # warms up

    def sample(self, puzzles: Sequence[Puzzle], examples: Examples, config: FitConfig) -> dict[str, Played]:
        """What it did of each, and how long that took.

        Args:
            puzzles: whose positions are answered.
            examples: that are fitted.
            config: how.
        """
        positions = itertools.cycle([puzzle.fen for puzzle in puzzles])
        fit = self._fit(examples, config)
        next(fit)
        return {
            "self-play": self._timed(lambda: next(self._self_play)),
            "matches": self._timed(lambda: next(self._matches)),
            "answers": self._timed(lambda: self._answer(next(positions))),
            "fit": self._timed(lambda: next(fit)),
        }

    def _timed(self, one: Callable[[], object]) -> Played:
        units, began = 0, time.perf_counter()
        while (took := time.perf_counter() - began) < self.seconds or units == 0:
            one()
            units += 1
        return Played(units, max(took, time.perf_counter() - began))

    def _played(self, choose: Callable[[NDArray[Any], NDArray[Any], int], int]) -> Iterator[None]:
        """Games without end, a ply at a time; what was seen and done is kept, as for a fit."""
        env = chess_v6.env()
        while True:
            env.reset()
            recorded = []
            for ply in range(PLIES):
                seen, _, terminated, truncated, _ = env.last()
                if terminated or truncated:
                    break
                planes, mask = seen["observation"][:, :, :PLANES], seen["action_mask"]
                action = choose(planes, mask, ply)
                recorded.append((np.packbits(planes), np.packbits(mask), action))
                env.step(action)
                yield

    def _advised(self, planes: NDArray[Any], mask: NDArray[Any], ply: int) -> int:
        """H's move: A's, which is asked in every turn, or one of its own where it explores."""
        advice = int(self._logits(self.expert, planes, mask).argmax())
        if ply >= self._method.explore_plies or self._rng.random() >= self._method.explore_share:
            return advice
        policy = (self._logits(self.novice, planes, mask) / self._method.temperature).softmax(dim=0)
        return self._rng.choices(range(ACTIONS), policy.tolist())[0]

    def _opponents(self, planes: NDArray[Any], mask: NDArray[Any], ply: int) -> int:
        """H's best move, and its opponent's in the next ply."""
        return int(self._logits(self.novice if ply % 2 else self.expert, planes, mask).argmax())

    def _answer(self, fen: str) -> int:
        """H's best move in a position."""
        board = chess.Board(fen)
        mask = np.zeros(ACTIONS, dtype=np.int8)
        mask[chess_utils.legal_moves(board)] = 1
        return int(self._logits(self.novice, chess_utils.get_observation(board, int(not board.turn)), mask).argmax())

    @staticmethod
    @torch.inference_mode()
    def _logits(network: PolicyValueNetwork, planes: NDArray[Any], mask: NDArray[Any]) -> torch.Tensor:
        batch = torch.from_numpy(np.ascontiguousarray(planes)).float().permute(2, 0, 1)[None]
        logits, _ = network(batch)
        return logits[0].masked_fill(torch.from_numpy(mask) == 0, -1e9)

    @staticmethod
    def _fit(examples: Examples, config: FitConfig) -> Iterator[None]:
        """Steps without end, of a new H."""
        network = load_network("novice").train()
        optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        planes = torch.from_numpy(unpack_planes(examples.planes)).float().permute(0, 3, 1, 2).contiguous()
        legal = torch.from_numpy(unpack_legal(examples.legal))
        columns = examples.action, examples.policy_weight, examples.value, examples.value_weight
        action, policy_weight, result, value_weight = map(torch.from_numpy, columns)
        while True:
            for rows in torch.randperm(len(examples)).split(config.batch_size):
                logits, value = network(planes[rows])
                losses = functional.cross_entropy(
                    logits.masked_fill(~legal[rows], -1e9), action[rows], reduction="none"
                )
                errors = (value - result[rows]).square() * value_weight[rows]
                optimizer.zero_grad()
                ((losses * policy_weight[rows]).mean() + config.value_weight * errors.mean()).backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                yield
