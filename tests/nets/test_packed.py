"""Packed planes and masks are the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sandwich_env.nets.packed import unpack_mask, unpack_planes
from sandwich_env.rules import Games


def played(n: int, plies: int) -> Games:
    games, seeds = Games(n, max_plies=60), np.arange(n, dtype=np.uint64)
    for _ in range(plies):
        games.step(games.sample(seeds))
    return games


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8, torch.bool])
@pytest.mark.parametrize("history", [1, 3, 8])
def test_planes_come_out_as_they_were(history: int, dtype: torch.dtype) -> None:
    games = played(50, 37)
    plain = torch.from_numpy(games.observe(history=history)).permute(0, 3, 1, 2)
    unpacked = unpack_planes(torch.from_numpy(games.observe_packed(history=history)), dtype)
    assert unpacked.dtype == dtype
    assert unpacked.shape == (50, 7 + 13 * history, 8, 8)
    assert torch.equal(unpacked.bool(), plain)
    assert torch.equal(unpacked, plain.to(dtype))


@pytest.mark.parametrize("plies", [0, 25, 60])
def test_masks_come_out_as_they_were(plies: int) -> None:
    games = played(50, plies)
    mask = unpack_mask(torch.from_numpy(games.legal_mask_packed()))
    assert mask.dtype == torch.bool
    assert torch.equal(mask, torch.from_numpy(games.legal_mask()).bool())
    assert mask.any().item() == (plies < 60)


@pytest.mark.parametrize("unpack", [unpack_planes, unpack_mask])
def test_other_arrays_are_refused(unpack: object) -> None:
    with pytest.raises(ValueError, match="have the shape"):
        unpack(torch.zeros(3, 5, 7, dtype=torch.uint8))  # type: ignore[operator]
    with pytest.raises(TypeError, match="are uint8, not torch"):
        unpack(torch.zeros((2, 111, 8) if unpack is unpack_planes else (2, 584), dtype=torch.int8))  # type: ignore[operator]


def test_nothing_at_all_is_a_batch_too() -> None:
    games = Games(0)
    assert unpack_planes(torch.from_numpy(games.observe_packed())).shape == (0, 111, 8, 8)
    assert unpack_mask(torch.from_numpy(games.legal_mask_packed())).shape == (0, 4672)
