"""`LegalPolicy` against a softmax over all actions with the illegal ones masked out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch.distributions import Categorical

from sandwich_env.layouts import legal_lists
from sandwich_env.nets.legal_policy import LegalPolicy


def test_it_is_the_masked_softmax() -> None:
    torch.manual_seed(0)
    mask = np.zeros((3, 50), dtype=np.int8)
    mask[0, [1, 7, 49]], mask[1, [0]], mask[2, 10:30] = 1, 1, 1
    logits = torch.randn(3, 50)
    policy = LegalPolicy(logits, torch.from_numpy(legal_lists(mask)))
    plain = Categorical(logits=logits.masked_fill(torch.from_numpy(mask) == 0, -1e9))
    torch.testing.assert_close(policy.entropy(), plain.entropy())
    for _ in range(20):
        actions = policy.sample()
        assert mask[np.arange(3), actions.numpy()].all()
        torch.testing.assert_close(policy.log_prob(actions), plain.log_prob(actions))
    assert torch.equal(policy.best(), plain.probs.argmax(dim=1))
