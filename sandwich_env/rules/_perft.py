"""The kernel of perft, compiled apart: it holds move generation a second time, and playing does not need it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import kernel
from sandwich_env.rules._bits import ONE, ZERO, halves_at, words_at
from sandwich_env.rules._layout import LEGAL_COUNT, MAX_LEGAL, STATE_WORDS
from sandwich_env.rules._movegen import generate
from sandwich_env.rules._play import make_move

U64 = np.uint64
_STATE_BYTES, _LEGAL_BYTES = U64(8 * STATE_WORDS), U64(2 * MAX_LEGAL)


@kernel("int64(uint64[:, ::1], uint16[:, ::1], uint64[::1], int64)")
def count_leaves(
    state: NDArray[np.uint64],
    legal: NDArray[np.uint16],
    next_move: NDArray[np.uint64],
    depth: int,
) -> int:
    """The legal move sequences of `depth` >= 1 plies from the position in row 0; all else is scratch, zeros at first.

    Args:
        state: uint64 [depth, STATE_WORDS].
        legal: uint16 [depth, MAX_LEGAL].
        next_move: uint64 [depth].
        depth: Plies.
    """
    nodes = ZERO
    generate(words_at(U64(state.ctypes.data)), halves_at(U64(legal.ctypes.data)))
    if depth == 1:
        return int(state[0, LEGAL_COUNT])
    unused = halves_at(ZERO)
    level = 0
    last = depth - 2
    while level >= 0:
        g = U64(level)
        if next_move[g] == state[g, LEGAL_COUNT]:
            next_move[g] = ZERO
            level -= 1
            continue
        action = U64(legal[g, next_move[g]])
        next_move[g] += ONE
        child = g + ONE
        for k in range(LEGAL_COUNT):
            state[child, k] = state[g, k]
        after = words_at(U64(state.ctypes.data) + child * _STATE_BYTES)
        make_move(after, unused, action, False)
        generate(after, halves_at(U64(legal.ctypes.data) + child * _LEGAL_BYTES))
        if level == last:
            nodes += state[child, LEGAL_COUNT]
        else:
            level += 1
    return int(nodes)
