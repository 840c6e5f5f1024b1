"""Running a network on batches: convolutions fused with their norms, fixed chunks, the device's best precision."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sandwich_env.errors import SpecError
from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.shape import INPUT_PLANES
from sandwich_env.nets.winograd import WinogradNetwork, chunks_of
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


def prefers_bfloat16(device: torch.device) -> bool:
    """Whether networks run in bfloat16 there if nothing else is said: on a GPU that has it.

    Not on a CPU, whatever it has: the Winograd kernels in float32 are as quick, and another processor would otherwise
    give other games for the same seed.
    """
    return device.type != "cpu" and bool(torch.cuda.is_bf16_supported())


def pick_dtype(device: torch.device, precision: Precision) -> torch.dtype:
    """What a network computes in there.

    Raises:
        SpecError: no such precision.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise SpecError(f"precision is {precision!r}: it must be 'auto', 'float32' or 'bfloat16'")
    fast = prefers_bfloat16(device) if precision == "auto" else precision == "bfloat16"
    return torch.bfloat16 if fast else torch.float32


class NetworkRunner:
    """Evaluates planes with a network, in chunks of a few fixed sizes.

    A position's answer does not depend on how many others it came with, though the libraries beneath pick another
    order of summation for another size of batch: chunks are filled up with zeros to sizes for which the products of
    matrices give the same bits, and all else is summed position by position, or in float64.

    On the CPU in float32 the network runs as `WinogradNetwork` does, elsewhere as torch does.

    Args:
        network: is copied, so that it can be trained on while this one answers as it did.
        device: "auto", "cpu", "cuda" or any other that torch knows.
        precision: "auto" takes bfloat16 on a GPU that has it, float32 elsewhere.
    """

    def __init__(self, network: PolicyValueNetwork, device: str = "auto", precision: Precision = "auto") -> None:
        self.device = pick_device(device)
        self.dtype = pick_dtype(self.device, precision)
        self._network: _Runs
        if self.device.type == "cpu" and self.dtype == torch.float32:
            self._network = WinogradNetwork(_fused(network))
        else:
            self._network = _TorchNetwork(_fused(network), self.device, self.dtype)

    def run(self, planes: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of all actions, legal or not, and values. Slower than `run_legal`, with the same bits.

        Args:
            planes: bool [N, 8, 8, 20], from `Games.observe(history=1)`.

        Returns:
            float32 [N, 4672] and float32 [N].
        """
        actions = np.tile(np.arange(NUM_ACTIONS, dtype=np.uint16), len(planes))
        logits, values = self.run_legal(planes, actions, np.full(len(planes), NUM_ACTIONS))
        return logits.reshape(-1, NUM_ACTIONS), values

    @torch.inference_mode()
    def run_legal(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the legal actions alone, and values.

        Args:
            planes: bool [N, 8, 8, 20], from `Games.observe(history=1)`.
            actions: uint16 [M], the legal actions of all games, one game after the other.
            counts: int64 [N], how many of them each game has.

        Returns:
            float32 [M] and float32 [N].

        Raises:
            ValueError: arrays of other shapes or types, or actions that are none.
        """
        _check(planes, actions, counts)
        if len(planes) == 0:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        return self._network.run(planes, actions, counts)


def _check(planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
    """Refuse what a kernel could not bear."""
    count, shape = len(planes), (8, 8, INPUT_PLANES)
    if planes.dtype != np.bool_ or planes.shape[1:] != shape or not planes.flags.c_contiguous:
        raise ValueError(f"planes are bool [N, 8, 8, {INPUT_PLANES}], C-contiguous, not {planes.dtype} {planes.shape}")
    if actions.dtype != np.uint16 or actions.ndim != 1 or actions.max(initial=0) >= NUM_ACTIONS:
        raise ValueError(
            f"actions are uint16 [M] below {NUM_ACTIONS}, not {actions.dtype} {actions.shape}: {actions!r}"
        )
    if (
        counts.dtype != np.int64
        or counts.shape != (count,)
        or counts.min(initial=0) < 0
        or counts.sum() != len(actions)
    ):
        raise ValueError(f"counts are int64 [{count}] and sum up to the {len(actions)} actions, not {counts!r}")


class _Runs(Protocol):
    def run(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


class _TorchNetwork:
    """A network as torch runs it, on any device."""

    SIZES: ClassVar[dict[int, int]] = {128: 97, 32: 13, 4: 1}
    """See `chunks_of`. Fewer than four would not give the same bits on two threads."""

    def __init__(self, network: PolicyValueNetwork, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._network: PolicyValueNetwork = network.to(device, dtype)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for layer in (self._network.value_trunk, self._network.value_hidden, self._network.value_out):
            layer.to(torch.float64)

    def run(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As `NetworkRunner.run_legal`. The device gets everything at once, and is waited for at the end alone."""
        at = np.repeat(np.arange(len(planes)) * NUM_ACTIONS, counts) + actions
        ends = np.concatenate([[0], np.cumsum(counts)])
        seen, asked = self._send(planes), self._send(at)
        logits, values = [], []
        for start, stop, size in chunks_of(len(planes), self.SIZES):
            chunk = seen[start:stop].to(self._dtype)
            if stop - start < size:
                chunk = torch.cat([chunk, chunk.new_zeros((size - len(chunk), *chunk.shape[1:]))])
            some_logits, some_values = self._network(chunk.permute(0, 3, 1, 2))
            logits.append(some_logits.flatten()[asked[ends[start] : ends[stop]] - start * NUM_ACTIONS].float())
            values.append(some_values[: stop - start].float())
        return torch.cat(logits).cpu().numpy(), torch.cat(values).cpu().numpy()

    def _send(self, array: NDArray[Any]) -> torch.Tensor:
        tensor = torch.from_numpy(array)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)


def _fused(network: PolicyValueNetwork) -> PolicyValueNetwork:
    fused = copy.deepcopy(network).eval()
    for module in list(fused.modules()):
        if isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.BatchNorm2d):
            convolution = module[0]
            if isinstance(convolution, nn.Conv2d):
                module[0] = fuse_conv_bn_eval(convolution, module[1])
                module[1] = nn.Identity()
    return fused
