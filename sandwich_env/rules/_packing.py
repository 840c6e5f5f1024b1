"""What Python calls for packed observations and masks, compiled when they are first asked for; see `_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sandwich_env.compiling import function_pointer
from sandwich_env.rules._bits import halves_at, words_at
from sandwich_env.rules._layout import (
    AUXILIARY_CHANNELS,
    BOARD_CHANNELS,
    JOB_BOARDS,
    JOB_LEGAL,
    JOB_MASK,
    JOB_PLANES,
    JOB_STATE,
    JOB_TASKS,
    JOB_VIEW,
    MAX_LEGAL,
    PACKED_MASK,
    PACKED_PLANES,
    STATE_WORDS,
)
from sandwich_env.rules._planes import write_packed_mask, write_packed_planes
from sandwich_env.rules.actions import NUM_ACTIONS

U64 = np.uint64

_PACKED_PLANES, _PACKED_MASK = U64(PACKED_PLANES), U64(PACKED_MASK)
_STATE_BYTES, _LEGAL_BYTES, _MASK_BYTES = U64(8 * STATE_WORDS), U64(2 * MAX_LEGAL), U64(NUM_ACTIONS // 8)
_CHANNELS, _BOARD, _8 = U64(AUXILIARY_CHANNELS), U64(BOARD_CHANNELS), U64(8)


@function_pointer("void(CPointer(uint64), int64, int64)")
def pack(job: Any, first: int, last: int) -> None:
    """Do the tasks PACKED_PLANES and PACKED_MASK of a job to the games [first, last)."""
    tasks, planes, mask = job[JOB_TASKS], job[JOB_PLANES], job[JOB_MASK]
    boards, view = job[JOB_BOARDS], job[JOB_VIEW]
    for i in range(first, last):
        g = U64(i)
        state = words_at(job[JOB_STATE] + g * _STATE_BYTES)
        if tasks & _PACKED_PLANES:
            write_packed_planes(state, planes + g * _8 * (_CHANNELS + _BOARD * boards), boards, view)
        if tasks & _PACKED_MASK:
            write_packed_mask(state, halves_at(job[JOB_LEGAL] + g * _LEGAL_BYTES), mask + g * _MASK_BYTES)
