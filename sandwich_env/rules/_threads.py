"""How threads share a job without Python: each takes chunks of games from a board until none are left.

The board is uint64 [BOARD_WORDS], in lines of eight words so that no two threads write to one line of a cache:

    0      whether the job is open
    1      how many jobs there have been
    2..5   the function, the job (addresses), how many threads may share it
    8      how many followers are at work
    16...  a line for each share of the games: its next game, and the game behind its last

Game i falls to the same thread every time, in whose processor's cache it then lies; but who is done with his own share
helps with the others'. So a follower who sleeps, or whom the machine does not let run, holds nobody up: the leader
waits only for chunks that have been begun.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandwich_env.compiling import inlined, kernel
from sandwich_env.rules._atomics import add, load, pause, store
from sandwich_env.rules._bits import ONE, ZERO, call_at
from sandwich_env.rules._layout import JOB_GAMES, JOB_TASKS

U64 = np.uint64
Words = NDArray[np.uint64]

_OPEN, _JOBS, _FUNCTION, _JOB, _SHARES = U64(0), U64(1), U64(2), U64(3), U64(4)
_AT_WORK, _FIRST_SHARE, _LINE = U64(8), U64(16), U64(8)
MAX_THREADS = 64
BOARD_WORDS = 16 + 8 * MAX_THREADS

CHUNK = 8
_CHUNK = U64(CHUNK)
_SPINS = 4_000
"""How often a follower looks for a job before it goes to sleep: some 0.2 ms."""
_PATIENCE = 20_000
"""How often a leader looks whether all are done before it lets Python give the processor away."""


@inlined
def take_chunks(board: Words, me: np.uint64) -> None:
    """Do chunks until none are left, of one's own share first."""
    shares, function, job = board[_SHARES], board[_FUNCTION], board[_JOB]
    for k in range(shares):
        share = _FIRST_SHARE + _LINE * ((me + U64(k)) % shares)
        last = board[share + ONE]
        while True:
            first = add(board, share, _CHUNK)
            if first >= last:
                break
            call_at(function, job, np.int64(first), np.int64(min(first + _CHUNK, last)))


@inlined
def all_done(board: Words) -> bool:
    """Wait for a while until no follower is at work; returns whether that is so."""
    for _ in range(_PATIENCE):
        if load(board, _AT_WORK) == ZERO:
            return True
        pause()
    return False


@kernel("boolean(uint64[::1], uint64, uint64[::1], uint64, int64)")
def lead(board: Words, function: int, job: Words, tasks: int, threads: int) -> bool:
    """Open a job to `threads` threads, do a share of it, and close it; returns whether all is done."""
    n = np.int64(job[JOB_GAMES])
    job[JOB_TASKS] = tasks
    board[_FUNCTION], board[_JOB], board[_SHARES] = function, job.ctypes.data, threads
    for k in range(threads):
        share = _FIRST_SHARE + _LINE * U64(k)
        board[share + ONE] = n * (k + 1) // threads
        store(board, share, U64(n * k // threads))
    add(board, _JOBS, ONE)
    store(board, _OPEN, ONE)
    take_chunks(board, ZERO)
    store(board, _OPEN, ZERO)
    return all_done(board)


@kernel("boolean(uint64[::1])")
def is_done(board: Words) -> bool:
    """Wait once more; returns whether no follower is at work."""
    return all_done(board)


@kernel("uint64(uint64[::1], uint64, uint64)")
def follow(board: Words, me: np.uint64, seen: np.uint64) -> np.uint64:
    """Help with job after job, until there has been none for a while.

    Args:
        board: As ever.
        me: Which share is one's own, from 1 on.
        seen: The number of the last job that was looked at.

    Returns:
        The same, now.
    """
    spins = 0
    while spins < _SPINS:
        if load(board, _JOBS) == seen or load(board, _OPEN) == ZERO:
            spins += 1
            pause()
            continue
        add(board, _AT_WORK, ONE)  # from here on the leader waits, so the board stands still if the job is open
        if load(board, _OPEN) == ONE:
            seen = load(board, _JOBS)
            if me < board[_SHARES]:
                take_chunks(board, me)
                spins = 0
        add(board, _AT_WORK, ZERO - ONE)
    return seen
