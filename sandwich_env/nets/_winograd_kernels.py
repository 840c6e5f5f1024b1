"""The compiled parts of a network on the CPU: all between its matrix products. See `winograd.py` for the whole.

Every array is C-contiguous; float32 unless said otherwise. A board of C channels lies in the middle of `board`
[10 * 10 * C], with a rim of zeros. `spread` and `products` are [36, 4 B, C]: B boards of four tiles, 36 numbers a tile.
Kernels work on the rows `first` to `last` of a batch, so that several threads can share it. There is one kernel for all
that happens between two convolutions, and not one for each place, since compiling it takes seconds.
"""

# ruff: noqa: PLR0917 (kernels take their arrays by position)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel

F32 = np.float32
Floats = NDArray[np.float32]

_0, _1, _2, _4, _5, _8 = F32(0), F32(1), F32(2), F32(4), F32(5), F32(8)
_SQUARES = F32(64)

U64 = np.uint64  # unsigned indices need no code that counts from the end
U1, U2, U3, U4, U5, U6, U7, U8, U10 = U64(1), U64(2), U64(3), U64(4), U64(5), U64(6), U64(7), U64(8), U64(10)


@inlined
def _inner(cell: np.uint64) -> np.uint64:
    """Where one of the 64 squares lies in the 10x10 ones of `board`."""
    return (U1 + (cell >> U3)) * U10 + U1 + (cell & U7)


@kernel  # not inlined: LLVM takes thrice as long over one large function
def _spread(board: Floats, across: Floats, out: Floats, tiles: np.uint64, row: np.uint64, chs: np.uint64) -> None:
    """B^T d B for the four 6x6 tiles d of a board of `chs` channels; `across` is scratch [6 * 10 * C]."""
    line, deep, plane = U10 * chs, U10 * chs, tiles * chs
    for below in range(U2):
        for x in range(U10):
            at, to = (U4 * below * U10 + x) * chs, x * chs
            for c in range(chs):
                d = at + c
                d0, d1, d2 = board[d], board[d + line], board[d + U2 * line]
                d3, d4, d5 = board[d + U3 * line], board[d + U4 * line], board[d + U5 * line]
                even, odd = d4 - _4 * d2, d3 - _4 * d1
                far, near = d4 - d2, _2 * (d3 - d1)
                across[to + c] = _4 * d0 - _5 * d2 + d4
                across[to + c + deep] = even + odd
                across[to + c + U2 * deep] = even - odd
                across[to + c + U3 * deep] = far + near
                across[to + c + U4 * deep] = far - near
                across[to + c + U5 * deep] = _4 * d1 - _5 * d3 + d5
        for right in range(U2):
            tile = U4 * row + U2 * below + right
            for y in range(U6):
                at, to = (y * U10 + U4 * right) * chs, U6 * y * plane + tile * chs
                for c in range(chs):
                    d = at + c
                    d0, d1, d2 = across[d], across[d + chs], across[d + U2 * chs]
                    d3, d4, d5 = across[d + U3 * chs], across[d + U4 * chs], across[d + U5 * chs]
                    even, odd = d4 - _4 * d2, d3 - _4 * d1
                    far, near = d4 - d2, _2 * (d3 - d1)
                    out[to + c] = _4 * d0 - _5 * d2 + d4
                    out[to + c + plane] = even + odd
                    out[to + c + U2 * plane] = even - odd
                    out[to + c + U3 * plane] = far + near
                    out[to + c + U4 * plane] = far - near
                    out[to + c + U5 * plane] = _4 * d1 - _5 * d3 + d5


@kernel
def _collect(
    products: Floats, tiles: np.uint64, row: np.uint64, bias: Floats, least: np.float32, down: Floats, board: Floats
) -> None:
    """A^T m A plus the bias, and no less than `least`, to the middle of `board`; `down` is scratch [4 * 6 * C]."""
    chs = U64(len(bias))
    plane, deep = tiles * chs, U6 * chs
    for below in range(U2):
        for right in range(U2):
            tile = (U4 * row + U2 * below + right) * chs
            for x in range(U6):
                at, to = x * plane + tile, x * chs
                for c in range(chs):
                    m = at + c
                    m0, m1, m2 = products[m], products[m + U6 * plane], products[m + U6 * U2 * plane]
                    m3, m4 = products[m + U6 * U3 * plane], products[m + U6 * U4 * plane]
                    plus, minus = m1 + m2, m1 - m2
                    more, less = m3 + m4, m3 - m4
                    down[to + c] = m0 + plus + more
                    down[to + c + deep] = minus + _2 * less
                    down[to + c + U2 * deep] = plus + _4 * more
                    down[to + c + U3 * deep] = minus + _8 * less + products[m + U6 * U5 * plane]
            for y in range(U4):
                at, to = y * deep, ((U4 * below + U1 + y) * U10 + U4 * right + U1) * chs
                for c in range(chs):
                    m = at + c
                    m0, m1, m2 = down[m], down[m + chs], down[m + U2 * chs]
                    m3, m4, m5 = down[m + U3 * chs], down[m + U4 * chs], down[m + U5 * chs]
                    plus, minus = m1 + m2, m1 - m2
                    more, less = m3 + m4, m3 - m4
                    board[to + c] = max(m0 + plus + more + bias[c], least)
                    board[to + c + chs] = max(minus + _2 * less + bias[c], least)
                    board[to + c + U2 * chs] = max(plus + _4 * more + bias[c], least)
                    board[to + c + U3 * chs] = max(minus + _8 * less + m5 + bias[c], least)


@inlined
def _squeeze(
    board: Floats,
    mean: Floats,
    hidden: Floats,
    context: Floats,
    squeeze: Floats,
    squeeze_bias: Floats,
    excite: Floats,
    excite_bias: Floats,
) -> None:
    """Scales, then shifts, of each channel from the board's mean, to `context` [2 C]; `mean`, `hidden` are scratch."""
    chs, hiddens = U64(len(mean)), U64(len(hidden))
    mean[:] = _0
    for cell in range(U10 * U10):  # the rim is zero
        for c in range(chs):
            mean[c] += board[cell * chs + c]
    hidden[:] = squeeze_bias
    for c in range(chs):
        for h in range(hiddens):
            hidden[h] += mean[c] / _SQUARES * squeeze[c, h]
    context[:] = excite_bias
    for h in range(hiddens):
        for k in range(U2 * chs):
            context[k] += max(hidden[h], _0) * excite[h, k]
    for c in range(chs):
        context[c] = _1 / (_1 + np.exp(-context[c]))


@kernel
def between_convolutions(
    planes: NDArray[np.uint8],
    products: Floats,
    bias: Floats,
    least: np.float32,
    squeeze: Floats,
    squeeze_bias: Floats,
    excite: Floats,
    excite_bias: Floats,
    tower: Floats,
    spread: Floats,
    first: int,
    last: int,
) -> None:
    """End a convolution, do what comes before the next one, and make the boards ready for that.

    Args:
        planes: uint8 [B, 8, 8, C], to begin with; [0, 8, 8, C] later on.
        products: of the convolution that ends.
        bias: of it, [C].
        least: 0 where a rectifier follows, -inf where not.
        squeeze, squeeze_bias: [C, H], [H], where a block ends; [0, 0], [0] elsewhere.
        excite, excite_bias: [H, 2 C], [2 C]: the scales, then the shifts; [0, 0], [0] elsewhere.
        tower: [B, 64, C], what the block began with, replaced by what comes out. Where no block ends the boards are
            written there; [0, 64, C] inside of a block, where they are not kept.
        spread: for the next products.
        first, last: the rows.
    """
    chs, tiles, hiddens = U64(spread.shape[2]), U64(spread.shape[1]), U64(len(squeeze_bias))
    board, across, down = np.zeros(U10 * U10 * chs, F32), np.empty(U6 * U10 * chs, F32), np.empty(U4 * U6 * chs, F32)
    mean, hidden, context = np.empty(chs, F32), np.empty(hiddens, F32), np.empty(U2 * chs, F32)
    seen, ended, kept, ready = planes.reshape(-1), products.reshape(-1), tower.reshape(-1), spread.reshape(-1)
    for row in range(U64(first), U64(last)):
        if len(seen) > 0:
            for cell in range(U8 * U8):
                at, to = (row * U8 * U8 + cell) * chs, _inner(U64(cell)) * chs
                for c in range(chs):
                    board[to + c] = F32(seen[at + c])
        else:
            _collect(ended, tiles, U64(row), bias, least, down, board)
        if len(excite_bias) > 0:
            _squeeze(board, mean, hidden, context, squeeze, squeeze_bias, excite, excite_bias)
            for cell in range(U8 * U8):
                at, to = (row * U8 * U8 + cell) * chs, _inner(U64(cell)) * chs
                for c in range(chs):
                    board[to + c] = max(kept[at + c] + context[c] * board[to + c] + context[chs + c], _0)
        if len(kept) > 0:
            for cell in range(U8 * U8):
                at, to = (row * U8 * U8 + cell) * chs, _inner(U64(cell)) * chs
                for c in range(chs):
                    kept[at + c] = board[to + c]
        _spread(board, across, ready, tiles, U64(row), chs)


@kernel
def value_head(
    trunk: Floats,
    hidden: Floats,
    hidden_bias: Floats,
    out: Floats,
    out_bias: np.float32,
    values: Floats,
    first: int,
    last: int,
) -> None:
    """The expected results, to `values` [B].

    Args:
        trunk: [64 B, C + V], what the heads see of each square: the policy's part, then the value's.
        hidden, hidden_bias: [64, V, H], [H].
        out, out_bias: [H], and a number.
        values: [B].
        first, last: the rows.
    """
    wide, hiddens = U64(hidden.shape[1]), U64(len(hidden_bias))
    start = U64(trunk.shape[1]) - wide
    active = np.empty(hiddens, F32)
    for row in range(U64(first), U64(last)):
        active[:] = hidden_bias
        for square in range(U8 * U8):
            for v in range(wide):
                lit = trunk[row * U8 * U8 + square, start + v]
                if lit > _0:
                    for h in range(hiddens):
                        active[h] += lit * hidden[square, v, h]
        total = out_bias
        for h in range(hiddens):
            total += max(active[h], _0) * out[h]
        values[row] = np.tanh(total)


@inlined
def _dot(a: Floats, at: np.uint64, b: Floats, to: np.uint64, width: np.uint64) -> np.float32:
    """a[at : at + width] times b[to : to + width], in eight sums side by side."""
    s0, s1, s2, s3, s4, s5, s6, s7 = _0, _0, _0, _0, _0, _0, _0, _0
    whole = width & ~U7
    for n in range(U64(0), whole, U8):
        p, q = at + n, to + n
        s0 += a[p] * b[q]
        s1 += a[p + U1] * b[q + U1]
        s2 += a[p + U2] * b[q + U2]
        s3 += a[p + U3] * b[q + U3]
        s4 += a[p + U4] * b[q + U4]
        s5 += a[p + U5] * b[q + U5]
        s6 += a[p + U6] * b[q + U6]
        s7 += a[p + U7] * b[q + U7]
    for n in range(whole, width):
        s0 += a[at + n] * b[to + n]
    return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))


@kernel
def policy_head(
    trunk: Floats,
    squares: Floats,
    planes: Floats,
    planes_bias: Floats,
    pairs: NDArray[np.int64],
    actions: NDArray[np.uint16],
    ends: NDArray[np.int64],
    logits: Floats,
    first: int,
    last: int,
) -> None:
    """Logits of the asked actions alone.

    Args:
        trunk: [64 B, C + V], what the heads see of each square: the policy's part, then the value's.
        squares: [64 B, 2 W], each square as a source, then as a target of a move.
        planes, planes_bias: [73, C], [73]: a move's logit from the square that it leaves.
        pairs: [4672], `geometry.from_to_pairs()`.
        actions: [M], those of all boards, one after the other.
        ends: [B], where those of each board end.
        logits: [M].
        first, last: the rows.
    """
    chs, wide, width = U64(planes.shape[1]), U64(trunk.shape[1]), U64(squares.shape[1] // 2)
    seen, ends_and_starts, moves = trunk.reshape(-1), squares.reshape(-1), planes.reshape(-1)
    for row in range(first, last):
        board = U64(64 * row)
        for k in range(U64(ends[row - 1] if row > 0 else 0), U64(ends[row])):
            action = U64(actions[k])
            pair, plane = U64(pairs[action]), action % U64(73)
            source, target = board + (pair >> U6), board + (pair & U64(63))
            alone = _dot(seen, source * wide, moves, plane * chs, chs) + planes_bias[plane]
            together = _dot(ends_and_starts, source * U2 * width, ends_and_starts, (target * U2 + U1) * width, width)
            logits[k] = alone + together
