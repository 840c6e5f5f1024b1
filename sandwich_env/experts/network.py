"""An expert that is a policy-value network, asked without search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sandwich_env.errors import MissingExtraError
from sandwich_env.experts.base import Evaluation, Expert, result_for_mover
from sandwich_env.experts.legal import LegalLogits, as_policy
from sandwich_env.rules import Games

if TYPE_CHECKING:
    from sandwich_env.nets.residual import PolicyValueNetwork
    from sandwich_env.nets.running import Precision


class NetworkExpert(Expert):
    """A network's policy and value for every position of a batch.

    Experts of equal weights on one device share one evaluator, which runs a position once and remembers the latest.

    Args:
        weights: "expert", "novice" or "adversary" (the shipped E, H and B), or the path of a safetensors file.
        device: "auto" (a GPU where there is one), "cpu", "cuda".
        precision: "auto" (bfloat16 on a GPU that has it, float32 elsewhere), "float32" or "bfloat16".

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: no weights there, a pickle, truncated, or of another architecture.
    """

    def __init__(self, weights: str | Path, device: str = "auto", precision: Precision = "auto") -> None:
        try:
            from sandwich_env.nets.weights import load_network
        except ModuleNotFoundError as error:
            raise MissingExtraError(str(error.name), "train") from error
        self._set(load_network(weights), weights, device, precision)

    @classmethod
    def load(cls, weights: str | Path, device: str = "auto") -> NetworkExpert:
        """The shipped E ("expert"), H ("novice") or B ("adversary"), or the network at a path."""
        return cls(weights, device)

    @classmethod
    def of(cls, network: PolicyValueNetwork, weights: str | Path, device: str = "auto") -> NetworkExpert:
        """An expert of a network in memory, as it is now; `weights` is where it is, or will be, kept."""
        made = cls.__new__(cls)
        made._set(network, weights, device, "auto")
        return made

    def _set(self, network: PolicyValueNetwork, weights: str | Path, device: str, precision: Precision) -> None:
        from sandwich_env.nets.sharing import share

        self.weights = weights
        self.device = device
        self.precision: Precision = precision
        self._evaluator = share(network, device, precision)

    @property
    def evaluations(self) -> int:
        """How many positions were run through the network, by all experts of these weights in this process."""
        return self._evaluator.evaluations

    def evaluate(self, games: Games) -> Evaluation:
        over, value = result_for_mover(games)
        planes = games.observe(history=1)
        actions, counts = games.legal_actions()  # none in a game that is over
        playing = np.flatnonzero(~over)
        logits, value[playing] = self._evaluator.evaluate(
            planes if len(playing) == len(games) else planes[playing], actions, counts[playing]
        )
        return Evaluation(policy=as_policy(LegalLogits(actions, counts, logits)), value=value)
