"""A distribution over the legal actions alone."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical


class LegalPolicy:
    """A categorical distribution over the actions of a list, in each of B games.

    Args:
        logits: float [B, A], of all actions.
        legal: int64 [B, K], the legal ones, -1 behind the last (`layouts.legal_lists`); at least one in each game.
    """

    def __init__(self, logits: Tensor, legal: Tensor) -> None:
        self.legal = legal
        self.listed = Categorical(logits=logits.gather(1, legal.clamp(min=0)).masked_fill(legal < 0, -1e9))

    def sample(self) -> Tensor:
        """Actions drawn from it, int64 [B]."""
        return self._actions(self.listed.sample())  # type: ignore[no-untyped-call]

    def best(self) -> Tensor:
        """The likeliest actions, int64 [B]."""
        return self._actions(self.listed.probs.argmax(dim=1))

    def log_prob(self, actions: Tensor) -> Tensor:
        """Of legal actions [B], float [B]."""
        place = (self.legal == actions[:, None]).to(torch.uint8).argmax(dim=1)
        log_prob: Tensor = self.listed.log_prob(place)  # type: ignore[no-untyped-call]
        return log_prob

    def entropy(self) -> Tensor:
        """In nats, float [B]."""
        entropy: Tensor = self.listed.entropy()  # type: ignore[no-untyped-call]
        return entropy

    def _actions(self, place: Tensor) -> Tensor:
        return self.legal.gather(1, place[:, None])[:, 0]
