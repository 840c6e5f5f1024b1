"""Running a network on batches: convolutions fused with their norms, fixed chunks, the device's best precision."""

from __future__ import annotations

import copy
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sandwich_env.errors import SpecError
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.rules import NUM_ACTIONS

Precision = Literal["auto", "float32", "bfloat16"]


def pick_device(device: str) -> torch.device:
    """The device that a name stands for; "auto" is the GPU where there is one.

    Raises:
        SpecError: no such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        picked = torch.empty(0, device=device).device  # "cuda" is "cuda:0", or whichever is current
    except (RuntimeError, AssertionError) as error:
        raise SpecError(f"device {device!r} cannot be used here: give 'auto' or 'cpu' ({error})") from error
    return picked


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is quicker than float32 there: a GPU, or a CPU with instructions for it."""
    if device.type != "cpu":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def pick_dtype(device: torch.device, precision: Precision) -> torch.dtype:
    """What a network computes in there.

    Raises:
        SpecError: no such precision.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise SpecError(f"precision is {precision!r}: it must be 'auto', 'float32' or 'bfloat16'")
    fast = has_fast_bfloat16(device) if precision == "auto" else precision == "bfloat16"
    return torch.bfloat16 if fast else torch.float32


class NetworkRunner:
    """Evaluates planes with a network, in chunks of a few fixed sizes.

    A position's answer does not depend on how many others it came with, though the libraries beneath pick another
    order of summation for another size of batch: chunks are filled up with zeros to sizes for which the tower gives
    the same bits, and the value head, whose small layers have none, sums in float64.

    Args:
        network: is copied, so that it can be trained on while this one answers as it did.
        device: "auto", "cpu", "cuda" or any other that torch knows.
        precision: "auto" takes bfloat16 where it is quick, float32 elsewhere.
    """

    SIZES: ClassVar[dict[int, int]] = {128: 97, 32: 13, 4: 1}
    """Positions in a chunk, and how many must be left for it, since a chunk costs the same full or not. Fewer than four
    would not give the same bits on two threads."""

    def __init__(self, network: PolicyValueNetwork, device: str = "auto", precision: Precision = "auto") -> None:
        self.device = pick_device(device)
        self.dtype = pick_dtype(self.device, precision)
        self.network: PolicyValueNetwork = _fused(network).to(self.device, self.dtype)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for layer in (self.network.value_trunk, self.network.value_hidden, self.network.value_out):
            layer.to(torch.float64)

    @torch.inference_mode()
    def run(self, planes: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of all actions, legal or not, and values.

        Args:
            planes: bool [N, 8, 8, 20], from `Games.observe(history=1)`.

        Returns:
            float32 [N, 4672] and float32 [N].
        """
        logits, values = [], []
        for chunk in self._chunks(torch.from_numpy(planes)):
            some_logits, some_values = self.network(chunk.to(self.device, self.dtype).permute(0, 3, 1, 2))
            logits.append(some_logits.float().cpu())
            values.append(some_values.float().cpu())
        if not logits:
            return np.zeros((0, 4672), np.float32), np.zeros(0, np.float32)
        return torch.cat(logits)[: len(planes)].numpy(), torch.cat(values)[: len(planes)].numpy()

    @torch.inference_mode()
    def run_legal(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the legal actions alone, and values: the same bits as `run` gives.

        Args:
            planes: bool [N, 8, 8, 20], from `Games.observe(history=1)`.
            actions: integers [M], the legal actions of all games, one game after the other.
            counts: int64 [N], how many of them each game has.

        Returns:
            float32 [M] and float32 [N].
        """
        logits, values, row, first = [], [], 0, 0
        for chunk in self._chunks(torch.from_numpy(planes)):
            of_each = counts[row : row + len(chunk)]
            at = np.repeat(np.arange(len(of_each)) * NUM_ACTIONS, of_each)
            at += actions[first : first + len(at)]
            some_logits, some_values = self.network(chunk.to(self.device, self.dtype).permute(0, 3, 1, 2))
            logits.append(some_logits.flatten()[torch.from_numpy(at).to(self.device)].float())
            values.append(some_values[: len(of_each)].float())
            row, first = row + len(chunk), first + len(at)
        if not logits:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        return torch.cat(logits).cpu().numpy(), torch.cat(values).cpu().numpy()

    def _chunks(self, planes: torch.Tensor) -> list[torch.Tensor]:
        chunks, start = [], 0
        while start < len(planes):
            left = len(planes) - start
            size = next(size for size, least in self.SIZES.items() if left >= least)
            chunk = planes[start : start + size]
            if len(chunk) < size:
                chunk = torch.zeros((size, *planes.shape[1:]), dtype=planes.dtype)
                chunk[:left] = planes[start:]
            chunks.append(chunk)
            start += size
        return chunks


def _fused(network: PolicyValueNetwork) -> PolicyValueNetwork:
    fused = copy.deepcopy(network).eval()
    for module in list(fused.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            convolution = module[0]
            if isinstance(convolution, nn.Conv2d):
                module[0] = fuse_conv_bn_eval(convolution, module[1])
                module[1] = nn.Identity()
    return fused
