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


def _function_type() -> Any:
    return _ir.FunctionType(_ir.VoidType(), [_ir.IntType(64).as_pointer(), _ir.IntType(64), _ir.IntType(64)])


def _pointer(element: Any) -> Any:
    """An intrinsic that makes a pointer of an address."""
    pointer_type: Any = types.CPointer(element)  # type: ignore[no-untyped-call]

    def typed(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(pointer_type))

        return pointer_type(types.uint64), generate

    return intrinsic(typed)


words_at = _pointer(types.uint64)
halves_at = _pointer(types.uint16)


@intrinsic
def call_at(typing_context: Any, function: Any, job: Any, first: Any, last: Any) -> Any:
    """Call the compiled function at an address with a job (its address) and a range of games."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _function_type().as_pointer())
        builder.call(pointer, [builder.inttoptr(arguments[1], _ir.IntType(64).as_pointer()), *arguments[2:]])
        return context.get_dummy_value()

    return types.none(types.uint64, types.uint64, types.int64, types.int64), generate


@intrinsic
def store_word(typing_context: Any, address: Any, value: Any) -> Any:
    """Write 8 bytes at any address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _ir.IntType(64).as_pointer())
        builder.store(arguments[1], pointer, align=1)
        return context.get_dummy_value()

    return types.none(types.uint64, types.uint64), generate


@intrinsic
def set_byte(typing_context: Any, address: Any) -> Any:
    """Write a 1 at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(_ir.Constant(_ir.IntType(8), 1), builder.inttoptr(arguments[0], _ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.none(types.uint64), generate


@intrinsic
def set_bit(typing_context: Any, address: Any, bit: Any) -> Any:
    """Set a bit, 0 to 7, of the byte at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _ir.IntType(8).as_pointer())
        bit = builder.shl(_ir.Constant(_ir.IntType(8), 1), builder.trunc(arguments[1], _ir.IntType(8)))
        builder.store(builder.or_(builder.load(pointer), bit), pointer)
        return context.get_dummy_value()

    return types.none(types.uint64, types.uint64), generate


@intrinsic
def copy_halves(typing_context: Any, pointer: Any, target: Any, source: Any, count: Any) -> Any:
    """Copy `count`, a constant, items to another place behind a pointer that does not overlap the first."""
    if not isinstance(count, types.IntegerLiteral):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = [builder.bitcast(builder.gep(arguments[0], [k]), _ir.IntType(8).as_pointer()) for k in arguments[1:3]]
        memcpy = builder.module.declare_intrinsic("llvm.memcpy", [places[0].type, places[1].type, _ir.IntType(64)])
        size = _ir.Constant(_ir.IntType(64), 2 * count.literal_value)
        builder.call(memcpy, [*places, size, _ir.Constant(_ir.IntType(1), 0)])
        return context.get_dummy_value()

    return types.none(pointer, types.uint64, types.uint64, count), generate


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Have a line of memory, which need not exist, brought into the caches."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _ir.IntType(8).as_pointer())
        whole = _ir.IntType(32)
        kind = _ir.FunctionType(_ir.VoidType(), [pointer.type, whole, whole, whole])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], fnty=kind)
        builder.call(fetch, [pointer, *(_ir.Constant(whole, k) for k in (1, 3, 1))])  # to write, keep, data
        return context.get_dummy_value()

    return types.none(types.uint64), generate


@intrinsic
def scratch(typing_context: Any, size: Any) -> Any:
    """The address of `size`, a constant, bytes on the stack, the same at each call in a function."""
    if not isinstance(size, types.IntegerLiteral):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            room = builder.alloca(_ir.ArrayType(_ir.IntType(8), size.literal_value))
            room.align = 64
        return builder.ptrtoint(room, _ir.IntType(64))

    return types.uint64(size), generate


@intrinsic
def stream_pair(typing_context: Any, target: Any, source: Any) -> Any:
    """Copy 16 bytes past the caches, from an address to one that is a multiple of 16."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pair = _ir.VectorType(_ir.IntType(64), 2).as_pointer()
        value = builder.load(builder.inttoptr(arguments[1], pair), align=16)
        stored = builder.store(value, builder.inttoptr(arguments[0], pair), align=16)
        stored.set_metadata("nontemporal", builder.module.add_metadata([_ir.Constant(_ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.none(types.uint64, types.uint64), generate


@intrinsic
def finish_streams(typing_context: Any) -> Any:
    """Let every thread see what has been streamed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def clear_bytes(typing_context: Any, address: Any, count: Any) -> Any:
    """Write zeros from an address on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _ir.IntType(8).as_pointer())
        memset = builder.module.declare_intrinsic("llvm.memset", [pointer.type, _ir.IntType(64)])
        zero, plain = _ir.Constant(_ir.IntType(8), 0), _ir.Constant(_ir.IntType(1), 0)
        builder.call(memset, [pointer, zero, arguments[1], plain])
        return context.get_dummy_value()

    return types.none(types.uint64, types.uint64), generate


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
