"""What Python calls. One function, `do`, does everything to a range of the games of a job (see `_layout`); it is
compiled once, called through its address, by this thread or by others (`_threads`), and takes addresses itself, so
that a call costs the same whatever buffers there are. Arguments are checked before they come here.

`state` is uint64 [N, STATE_WORDS], `legal` uint16 [N, MAX_LEGAL], `history` uint16 [N, HISTORY_WORDS], `moves` uint16
[N, max_plies], `actions` int64 [N], all C-contiguous and writable.
"""

# ruff: noqa: PLR0912, PLR0917 (each task has its branch; kernels take their arrays by position)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import function_pointer, inlined, kernel
from sandwich_env.rules._atomics import lower
from sandwich_env.rules._bits import (
    ONE,
    ZERO,
    call_at,
    finish_streams,
    halves_at,
    prefetch,
    scratch,
    stream_pair,
    words_at,
)
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
    CHANNELS,
    HISTORY_WORDS,
    JOB_ACTIONS,
    JOB_BAD,
    JOB_BOARDS,
    JOB_CLAIM_DRAWS,
    JOB_GAMES,
    JOB_HISTORY,
    JOB_LEGAL,
    JOB_MASK,
    JOB_MAX_PLIES,
    JOB_MOVES,
    JOB_PLANES,
    JOB_SEEDS,
    JOB_STATE,
    JOB_TASKS,
    JOB_VIEW,
    KEYS,
    LEGAL_COUNT,
    MASK,
    MAX_LEGAL,
    PACKED_MASK,
    PACKED_PLANES,
    PLANES,
    PLAY,
    PLY,
    RESTART,
    SAMPLE,
    STATE_WORDS,
    VERIFY,
)
from sandwich_env.rules._planes import write_mask, write_planes
from sandwich_env.rules._play import arrive, make_move, set_up
from sandwich_env.rules.actions import NO_ACTION, NUM_ACTIONS

U64 = np.uint64
Words = NDArray[np.uint64]
Actions = NDArray[np.uint16]
Integers = NDArray[np.int64]

_MIX_STEP, _MIX_1, _MIX_2 = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9), U64(0x94D049BB133111EB)
_27, _30, _31, _32 = U64(27), U64(30), U64(31), U64(32)
_NOTHING = U64(2**64 + NO_ACTION)
_VERIFY, _RESTART, _PLAY, _SAMPLE = U64(VERIFY), U64(RESTART), U64(PLAY), U64(SAMPLE)
_PLANES, _PACKED_PLANES, _MASK, _PACKED_MASK = U64(PLANES), U64(PACKED_PLANES), U64(MASK), U64(PACKED_MASK)
_TAKES_ACTIONS = U64(VERIFY | RESTART | PLAY)
_BAD = U64(JOB_BAD)
_BLOCK = 32
"""Games that are played before they are shown."""
_4, _15 = U64(4), U64(15)
_KEY_BYTES = U64(8 * KEYS)
_NEAR_GAMES = U64(1024)
"""So many games lie near enough to the processor without being fetched ahead."""
_CACHE = U64(24 << 20)
"""Bytes that are taken to fit into the last cache."""
ROOM = 64 * CHANNELS
_STATE_BYTES, _LEGAL_BYTES, _HISTORY_BYTES = U64(8 * STATE_WORDS), U64(2 * MAX_LEGAL), U64(2 * HISTORY_WORDS)
_CHANNELS, _BOARD, _8, _64 = U64(AUXILIARY_CHANNELS), U64(BOARD_CHANNELS), U64(8), U64(64)
_ACTIONS, _PACKED_ACTIONS = U64(NUM_ACTIONS), U64(NUM_ACTIONS // 8)


@inlined
def is_legal(state: Words, legal: Actions, action: np.uint64) -> bool:
    """Whether an action is legal; NO_ACTION is not."""
    wanted = np.uint16(action)  # compared in 16 bits, many at a time
    found = False
    for k in range(state[LEGAL_COUNT]):
        found |= legal[U64(k)] == wanted
    return bool(found and action == wanted)


@inlined
def draw(state: Words, legal: Actions, seed: np.uint64) -> np.uint64:
    """Draw a legal action, uniformly, from a hash of a seed and the ply; NO_ACTION where the game is over.

    The hash is SplitMix64's finalizer; the high half of a product maps it to a range without a division.
    """
    count = state[LEGAL_COUNT]
    if count == ZERO:
        return _NOTHING
    z = seed + _MIX_STEP * (state[PLY] + ONE)
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    z ^= z >> _31
    return U64(legal[((z >> _32) * count) >> _32])


@inlined
def fetch_game(job: Any, g: np.uint64, tasks: np.uint64) -> None:
    """Have the lines of a game brought into the caches that will be looked at soon."""
    state, legal = job[JOB_STATE] + g * _STATE_BYTES, job[JOB_LEGAL] + g * _LEGAL_BYTES
    for k in range(3):  # the words before the starting position
        prefetch(state + _64 * U64(k))
    for k in range(2):  # room for 64 actions
        prefetch(legal + _64 * U64(k))
    if not tasks & _VERIFY:
        for k in range(3):  # the first keys
            prefetch(state + _KEY_BYTES + _64 * U64(k))
        for k in range(HISTORY_WORDS // 32 + 1):
            prefetch(job[JOB_HISTORY] + g * _HISTORY_BYTES + _64 * U64(k))


@inlined
def stream(target: np.uint64, source: np.uint64, size: np.uint64) -> None:
    """Copy bytes past the caches; all are multiples of 16."""
    for k in range(size >> _4):
        stream_pair(target + (U64(k) << _4), source + (U64(k) << _4))


@function_pointer("void(CPointer(uint64), int64, int64)")
def do(job: Any, first: int, last: int) -> None:
    """Do a job's tasks to the games [first, last), one game after the other."""
    tasks, max_plies, claim_draws = job[JOB_TASKS], job[JOB_MAX_PLIES], job[JOB_CLAIM_DRAWS] != ZERO
    actions, seeds = words_at(job[JOB_ACTIONS]), words_at(job[JOB_SEEDS])
    planes, mask, boards, view = job[JOB_PLANES], job[JOB_MASK], job[JOB_BOARDS], job[JOB_VIEW]
    channels = _CHANNELS + _BOARD * boards
    # What no cache can hold is written row by row in a small room, and streamed from there past the caches: written in
    # place, each line of it would first be read.
    room = scratch(ROOM)
    written = (channels * _64 if tasks & _PLANES else ZERO) + (_ACTIONS if tasks & _MASK else ZERO)
    streamed = job[JOB_GAMES] * written > _CACHE and (planes | mask) & _15 == ZERO
    far = job[JOB_GAMES] > _NEAR_GAMES
    # In blocks: planes and masks written between two games would push out of the first cache what playing needs.
    for begin in range(first, last, _BLOCK):
        end = min(begin + _BLOCK, last)
        for i in range(begin, end):
            g = U64(i)
            state = words_at(job[JOB_STATE] + g * _STATE_BYTES)
            legal = halves_at(job[JOB_LEGAL] + g * _LEGAL_BYTES)
            history = halves_at(job[JOB_HISTORY] + g * _HISTORY_BYTES)
            if far:
                fetch_game(job, g + ONE, tasks)
            if tasks & _SAMPLE:
                actions[g] = draw(state, legal, seeds[g])
            elif tasks & _TAKES_ACTIONS and actions[g] != _NOTHING:
                if tasks & _VERIFY:
                    if not is_legal(state, legal, actions[g]):
                        lower(job, _BAD, g)
                    continue
                if tasks & _RESTART:
                    set_up(state, history)
                else:
                    halves_at(job[JOB_MOVES])[g * max_plies + state[PLY]] = actions[g]
                    make_move(state, history, actions[g], True)
                arrive(state, legal, history, max_plies, claim_draws)
        if not written:
            continue
        for i in range(begin, end):
            g = U64(i)
            state = words_at(job[JOB_STATE] + g * _STATE_BYTES)
            legal = halves_at(job[JOB_LEGAL] + g * _LEGAL_BYTES)
            history = halves_at(job[JOB_HISTORY] + g * _HISTORY_BYTES)
            if tasks & _PLANES:
                out, size = planes + g * channels * _64, channels * _64
                write_planes(state, history, room if streamed else out, boards, view)
                if streamed:
                    stream(out, room, size)
            if tasks & _MASK:
                out = mask + g * _ACTIONS
                write_mask(state, legal, room if streamed else out)
                if streamed:
                    stream(out, room, _ACTIONS)
    if streamed:
        finish_streams()


@kernel
def address_of(buffer: Any) -> int:
    """Where a buffer lies in memory; a tenth of the time of `buffer.ctypes.data`."""
    return buffer.ctypes.data  # type: ignore[no-any-return]


SHARED_BUFFERS = -2
SHARED_ACTIONS = -3


@inlined
def overlap(one: np.uint64, size: np.uint64, other: np.uint64, other_size: np.uint64) -> bool:
    """Whether two stretches of memory, neither of them empty, have bytes in common."""
    return bool(size and other_size and one < other + other_size and other < one + size)


@inlined
def run(function: int, job: Words, tasks: int) -> int:
    """Do a job on this thread, actions checked first."""
    n = np.int64(job[JOB_GAMES])
    if tasks & _PLAY:
        job[JOB_TASKS] = _VERIFY
        call_at(function, job.ctypes.data, 0, n)
        if job[JOB_BAD] != _NOTHING:
            return int(job[JOB_BAD])
    job[JOB_TASKS] = tasks
    call_at(function, job.ctypes.data, 0, n)
    return -1


@kernel("int64(uint64, uint64[::1], int64[::1], uint64[::1], uint64, uint64, uint64, uint64, uint64, boolean)")
def order(
    function: int,
    job: Words,
    actions: Integers,
    seeds: Words,
    tasks: int,
    planes: np.uint64,
    mask: np.uint64,
    boards: int,
    view: int,
    alone: bool,
) -> int:
    """Fill in a job; if `alone`, do it on this thread, actions checked first.

    Returns:
        -1, or the first game whose action is not legal; then no game has changed. SHARED_BUFFERS or SHARED_ACTIONS if
        what would be written shares memory, or would be written over actions that are still to be read.
    """
    n, squares, cells = job[JOB_GAMES], _8 if tasks & _PACKED_PLANES else _64, _ACTIONS
    if tasks & _PACKED_MASK:
        cells = _PACKED_ACTIONS
    planes_size = n * squares * (_CHANNELS + _BOARD * boards) if planes else ZERO
    mask_size = n * cells if mask else ZERO
    if overlap(planes, planes_size, mask, mask_size):
        return SHARED_BUFFERS
    read, read_size = U64(actions.ctypes.data), _8 * U64(actions.shape[0])
    if overlap(planes, planes_size, read, read_size) or overlap(mask, mask_size, read, read_size):
        return SHARED_ACTIONS
    job[JOB_ACTIONS], job[JOB_SEEDS] = actions.ctypes.data, seeds.ctypes.data
    job[JOB_PLANES], job[JOB_MASK], job[JOB_BOARDS], job[JOB_VIEW] = (planes, mask, boards, view)
    job[JOB_BAD] = _NOTHING
    return run(function, job, tasks) if alone else -1


@kernel
def do_alone(function: int, job: Words, tasks: int) -> int:
    """Do a job that is filled in on this thread; returns what `order` does."""
    return run(function, job, tasks)


@kernel
def find_legal(state: Words, legal: Actions, actions: Integers, found: NDArray[np.bool_]) -> None:
    """Write bool [N]: whether each game's action is legal. The arrays are those of all games."""
    for i in range(state.shape[0]):
        wanted, here = np.uint16(actions[i]), False
        for k in range(state[i, LEGAL_COUNT]):
            here |= legal[i, U64(k)] == wanted
        found[i] = here and actions[i] == wanted
