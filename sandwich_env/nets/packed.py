"""Packed observations and masks made whole again, on the device where the network is: an eighth of the bytes travel."""

from __future__ import annotations

import torch
from torch import Tensor

from sandwich_env.rules import PACKED_MASK_BYTES


def _bits(packed: Tensor) -> Tensor:
    """Each byte's bits, the lowest first: uint8 [...] to uint8 [..., 8] of 0 and 1."""
    if packed.dtype != torch.uint8:
        raise TypeError(f"packed bits are uint8, not {packed.dtype}")
    shifts = torch.arange(8, dtype=torch.uint8, device=packed.device)
    return (packed.unsqueeze(-1) >> shifts) & 1


def unpack_planes(packed: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The planes of `Games.observe_packed`, channels first, as convolutions want them.

    Args:
        packed: uint8 [N, C, 8], on any device.
        dtype: Of the planes.

    Returns:
        `dtype` [N, C, 8, 8] of 0 and 1 on the same device: `planes[n, c, r, j]` is `observe()[n, r, j, c]`.

    Raises:
        TypeError: If `packed` is not uint8.
        ValueError: If it has another shape.
    """
    if packed.ndim != 3 or packed.shape[-1] != 8:
        raise ValueError(f"packed planes have the shape [N, C, 8], not {list(packed.shape)}")
    return _bits(packed).to(dtype)


def unpack_mask(packed: Tensor) -> Tensor:
    """The mask of `Games.legal_mask_packed`.

    Args:
        packed: uint8 [N, 584], on any device.

    Returns:
        bool [N, 4672] on the same device.

    Raises:
        TypeError: If `packed` is not uint8.
        ValueError: If it has another shape.
    """
    if packed.ndim != 2 or packed.shape[-1] != PACKED_MASK_BYTES:
        raise ValueError(f"packed masks have the shape [N, {PACKED_MASK_BYTES}], not {list(packed.shape)}")
    return _bits(packed).flatten(1).bool()
