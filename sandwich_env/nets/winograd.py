"""A network on the CPU in float32, about twice as fast as torch runs it: no Python between the parts of a layer.

A 3x3 convolution of a board is cut into four tiles of 4x4 squares, each made of 36 products for each pair of channels
instead of 144 (Winograd's F(4x4, 3x3); Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks",
<https://arxiv.org/abs/1509.09308>). The products are 36 matrix products, which torch does; all between two of them is
one compiled kernel, board by board, in the processor's nearest cache. Of the policy, only the legal actions' logits
are made.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sandwich_env.nets.geometry import from_to_pairs
from sandwich_env.nets.residual import PolicyValueNetwork, ResidualBlock

Floats = NDArray[np.float32]

_TILES = 4  # of a board
_POINTS = 36  # of a tile
_ROWS_FOR_A_THREAD = 16  # fewer are not worth waking one up

_NO_SQUEEZE = tuple(np.empty(shape, np.float32) for shape in ((0, 0), (0,), (0, 0), (0,)))

# fmt: off
_FILTER = np.array([
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
])
"""G of Lavin and Gray: what filters are made ready with; the kernels hold B^T and A^T."""
# fmt: on


@functools.cache
def _kernels() -> Any:
    from sandwich_env.nets import _winograd_kernels as kernels

    return kernels


class _Convolution:
    """The filters of a 3x3 convolution, made ready for products: `filters` [36, inputs, outputs], `bias` [outputs]."""

    def __init__(self, layer: nn.Conv2d) -> None:
        weight = _array(layer.weight).astype(np.float64)
        ready = np.einsum("ya,ocab,xb->yxco", _FILTER, weight, _FILTER)
        self.filters = torch.from_numpy(np.ascontiguousarray(ready.reshape(_POINTS, *ready.shape[2:]), np.float32))
        self.bias = _array(layer.bias)


class _Block:
    def __init__(self, block: ResidualBlock) -> None:
        self.first, self.second = _Convolution(_of(block.first)), _Convolution(_of(block.second))
        self.squeeze = (
            _array(block.squeeze.weight.T),
            _array(block.squeeze.bias),
            _array(block.excite.weight.T),
            _array(block.excite.bias),
        )


@dataclass(frozen=True)
class _Room:
    """Where a chunk of B boards is worked on."""

    planes: Tensor  # [36, 4 B, 20]
    spread: Tensor  # [36, 4 B, C]
    products: Tensor  # [36, 4 B, C]
    tower: Floats  # [B, 64, C]


class WinogradNetwork:
    """A network as it is now, ready to run on the CPU in float32.

    Args:
        network: in evaluation mode, its convolutions fused with their norms.
    """

    SIZES: ClassVar[dict[int, int]] = {64: 57, 32: 29, 16: 13, 8: 5, 4: 1}
    """See `chunks_of`. More than 64 boards leave the processor's caches; for eight, a board costs a tenth more."""

    def __init__(self, network: PolicyValueNetwork) -> None:
        shape = network.shape
        self._channels = shape.channels
        self._stem = _Convolution(_of(network.stem))
        self._blocks = [_Block(block) for block in network.tower if isinstance(block, ResidualBlock)]
        trunks = _matrix(_of(network.policy_trunk)), _matrix(_of(network.value_trunk))
        self._trunk = tuple(torch.cat(parts, dim=-1) for parts in zip(*trunks, strict=True))
        squares, squares_bias = _matrix(network.policy_squares)
        scale = shape.policy_channels**-0.5  # of the product of two squares: given to one of them
        scales = torch.tensor([scale, 1.0]).repeat_interleave(shape.policy_channels)
        self._policy_squares = squares * scales, squares_bias * scales
        self._policy_planes = _array(network.policy_planes.weight.flatten(1)), _array(network.policy_planes.bias)
        self._pairs = from_to_pairs()
        hidden = network.value_hidden.weight.T.reshape(shape.value_channels, 64, -1).permute(1, 0, 2)
        self._value = (
            _array(hidden),
            _array(network.value_hidden.bias),
            _array(network.value_out.weight[0]),
            _array(network.value_out.bias)[0],
        )

    def run(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Logits of actions, and values.

        Args:
            planes: bool [N, 8, 8, 20].
            actions: uint16 [M], the actions asked about, one board after the other.
            counts: int64 [N], how many of them each board has.

        Returns:
            float32 [M] and float32 [N].
        """
        logits, values = np.empty(len(actions), np.float32), np.empty(len(planes), np.float32)
        ends = np.cumsum(counts)
        rooms: dict[int, _Room] = {}
        for start, stop, size in chunks_of(len(planes), self.SIZES):
            chunk, chunk_ends = planes[start:stop], ends[start:stop]
            first, last = int(chunk_ends[0] - counts[start]), int(chunk_ends[-1])
            if stop - start < size:
                chunk = np.zeros((size, *planes.shape[1:]), np.bool_)
                chunk[: stop - start] = planes[start:stop]
            room = rooms[size] = rooms.get(size) or self._room(size)
            answers = logits[first:last], values[start:stop]
            self._run(room, chunk, actions[first:last], chunk_ends - first, answers)
        return logits, values

    def _room(self, size: int) -> _Room:
        tiles = _TILES * size
        return _Room(
            planes=torch.empty(_POINTS, tiles, self._stem.filters.shape[1]),
            spread=torch.empty(_POINTS, tiles, self._channels),
            products=torch.empty(_POINTS, tiles, self._channels),
            tower=np.empty((size, 64, self._channels), np.float32),
        )

    def _run(
        self,
        room: _Room,
        planes: NDArray[np.bool_],
        actions: NDArray[np.uint16],
        ends: NDArray[np.int64],
        answers: tuple[Floats, Floats],
    ) -> None:
        """One chunk; there may be fewer `ends` [K] and values than boards, which are filled up with empty ones."""
        logits, values = answers
        kernels, size, channels = _kernels(), len(planes), self._channels
        spread, products, tower = room.spread.numpy(), room.products.numpy(), room.tower
        nothing, elsewhere = np.empty((0, 8, 8, 0), np.uint8), tower[:0]
        with _Workers(size) as each:

            def end(bias: Floats, least: float, squeeze: Sequence[Floats], kept: Floats) -> None:
                each(kernels.between_convolutions, nothing, products, bias, np.float32(least), *squeeze, kept, spread)

            seen = planes.view(np.uint8), products, self._stem.bias, np.float32(0), *_NO_SQUEEZE, elsewhere
            each(kernels.between_convolutions, *seen, room.planes.numpy())
            torch.bmm(room.planes, self._stem.filters, out=room.products)
            end(self._stem.bias, 0, _NO_SQUEEZE, tower)
            for block in self._blocks:
                torch.bmm(room.spread, block.first.filters, out=room.products)
                end(block.first.bias, 0, _NO_SQUEEZE, elsewhere)
                torch.bmm(room.spread, block.second.filters, out=room.products)
                end(block.second.bias, -np.inf, block.squeeze, tower)
            weight, bias = self._trunk
            trunk = torch.addmm(bias, torch.from_numpy(tower).view(64 * size, channels), weight).relu_()
            each(kernels.value_head, trunk.numpy(), *self._value, values, rows=len(ends))
            weight, bias = self._policy_squares
            squares = torch.addmm(bias, trunk[:, :channels], weight)
            asked = self._pairs, actions, ends, logits
            each(kernels.policy_head, trunk.numpy(), squares.numpy(), *self._policy_planes, *asked, rows=len(ends))


def chunks_of(count: int, sizes: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """Cut `count` positions into chunks of a few sizes, the last of which may not be full.

    Args:
        count: how many positions.
        sizes: positions in a chunk, descending, and how many must be left for it, since a chunk costs the same full or
            not; the last size must take a single one.

    Yields:
        The first position, the one after the last, and the size of the chunk.
    """
    start = 0
    while start < count:
        size = next(size for size, least in sizes.items() if count - start >= least)
        yield start, min(start + size, count), size
        start += size


class _Workers:
    """Runs a kernel on the rows of a chunk, shared out among as many threads as torch has."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads = max(1, min(torch.get_num_threads(), size // _ROWS_FOR_A_THREAD))
        self._pool = ThreadPoolExecutor(self._threads - 1) if self._threads > 1 else None

    def __call__(self, kernel: Callable[..., None], *arguments: Any, rows: int | None = None) -> None:
        rows = self._size if rows is None else rows
        cuts = [rows * k // self._threads for k in range(self._threads + 1)]
        (first, *others) = itertools.pairwise(cuts)
        waiting = [self._pool.submit(kernel, *arguments, *part) for part in others] if self._pool else []
        kernel(*arguments, *first)
        for done in waiting:
            done.result()

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()


def _matrix(layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """A 1x1 convolution as the matrix [inputs, outputs] and the bias [outputs] that do the same to each square."""
    bias = torch.zeros(layer.out_channels) if layer.bias is None else layer.bias
    return layer.weight.detach().float().flatten(1).T.contiguous(), bias.detach().float().clone()


def _of(fused: nn.Sequential) -> nn.Conv2d:
    """The convolution that was fused with its norm."""
    layer = fused[0]
    if not isinstance(layer, nn.Conv2d) or layer.bias is None:
        raise AssertionError(f"{fused!r} was not fused")
    return layer


def _array(tensor: Tensor | None) -> Floats:
    if tensor is None:
        raise AssertionError("a layer lacks what it is made with")
    return np.ascontiguousarray(tensor.detach().float().numpy())
