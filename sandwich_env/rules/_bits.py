"""Bit tricks on 64-bit boards as single machine instructions, and lines of attack."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numba import types

from sandwich_env.compiling import inlined, intrinsic
from sandwich_env.rules._tables import LOWER, UPPER

_ir: Any = importlib.import_module("llvmlite.ir")  # it has no types

# Every constant is an unsigned NumPy scalar: in Numba, uint64 with an int literal becomes float64.
ZERO = np.uint64(0)
ONE = np.uint64(1)
ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_63 = np.uint64(63)

FILE_LINES = np.uint64(0)
RANK_LINES = np.uint64(64)
DIAGONALS = np.uint64(128)
ANTIDIAGONALS = np.uint64(192)


def _unary(name: str, *flags: bool) -> Any:
    """An intrinsic for an LLVM instruction from uint64 to uint64."""

    def typed(typing_context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            extra = [_ir.Constant(_ir.IntType(1), int(flag)) for flag in flags]
            return getattr(builder, name)(arguments[0], *extra)

        return types.uint64(types.uint64), generate

    return intrinsic(typed)


popcount = _unary("ctpop")
flip_ranks = _unary("bswap")  # byte order reversed: the board seen from the other side
trailing_zeros = _unary("cttz", True)  # undefined for 0
leading_zeros = _unary("ctlz", True)  # undefined for 0


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where the byte at `offset` of an array lies: of the first two arguments of an intrinsic."""
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(builder.bitcast(data, _ir.IntType(8).as_pointer()), [arguments[1]])


@intrinsic
def store_word(typing_context: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write 8 bytes at any byte offset of a contiguous array; no bounds are checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        builder.store(arguments[2], builder.bitcast(address, _ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.none(array, types.uint64, types.uint64), generate


@intrinsic
def set_byte(typing_context: Any, array: Any, offset: Any) -> Any:
    """Write a 1 at a byte offset of a contiguous array; no bounds are checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(_ir.Constant(_ir.IntType(8), 1), _address(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.none(array, types.uint64), generate


@intrinsic
def clear_bytes(typing_context: Any, array: Any, offset: Any, count: Any) -> Any:
    """Write zeros from a byte offset of a contiguous array on; no bounds are checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments)
        memset = builder.module.declare_intrinsic("llvm.memset", [address.type, _ir.IntType(64)])
        zero, plain = _ir.Constant(_ir.IntType(8), 0), _ir.Constant(_ir.IntType(1), 0)
        builder.call(memset, [address, zero, arguments[2], plain])
        return context.get_dummy_value()

    return types.none(array, types.uint64, types.uint64), generate


@inlined
def line_attacks(line: np.uint64, square: np.uint64, occupied: np.uint64) -> np.uint64:
    """What a slider on `square` attacks along one line, up to and including the first man each way.

    Obstruction difference (https://www.chessprogramming.org/Obstruction_Difference): the bits from the nearest man
    below to the nearest man above are one subtraction apart.
    """
    lower = LOWER[line + square]
    upper = UPPER[line + square]
    below = ALL << (_63 - leading_zeros((lower & occupied) | ONE))
    above = upper & occupied
    nearest = above & (ZERO - above)
    attacks: np.uint64 = (lower | upper) & (nearest + nearest + below)
    return attacks


@inlined
def rook_attacks(square: np.uint64, occupied: np.uint64) -> np.uint64:
    return line_attacks(FILE_LINES, square, occupied) | line_attacks(RANK_LINES, square, occupied)


@inlined
def bishop_attacks(square: np.uint64, occupied: np.uint64) -> np.uint64:
    return line_attacks(DIAGONALS, square, occupied) | line_attacks(ANTIDIAGONALS, square, occupied)
