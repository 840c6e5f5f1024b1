"""Words that several threads read and write: sequentially consistent, as LLVM has it."""

from __future__ import annotations

import importlib
import platform
from typing import Any

from numba import types

from sandwich_env.compiling import intrinsic

_ir: Any = importlib.import_module("llvmlite.ir")  # it has no types
_PAUSES = platform.machine() in {"x86_64", "AMD64"}


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
    return builder.gep(data, [arguments[1]])


@intrinsic
def load(typing_context: Any, array: Any, k: Any) -> Any:
    """`array[k]`, uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, arguments), "seq_cst", 8)

    return types.uint64(array, types.uint64), generate


@intrinsic
def store(typing_context: Any, array: Any, k: Any, value: Any) -> Any:
    """`array[k] = value`, uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[2], _place(context, builder, signature, arguments), "seq_cst", 8)
        return context.get_dummy_value()

    return types.none(array, types.uint64, types.uint64), generate


@intrinsic
def add(typing_context: Any, array: Any, k: Any, value: Any) -> Any:
    """`array[k] += value`, uint64; returns what it was before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, signature, arguments), arguments[2], "seq_cst")

    return types.uint64(array, types.uint64, types.uint64), generate


@intrinsic
def pause(typing_context: Any) -> Any:
    """Tell the processor that this is a loop that waits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _PAUSES:
            nothing = _ir.FunctionType(_ir.VoidType(), [])
            builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", fnty=nothing), [])
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def lower(typing_context: Any, pointer: Any, k: Any, value: Any) -> Any:
    """`pointer[k] = min(pointer[k], value)`, uint64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.atomic_rmw("umin", builder.gep(arguments[0], [arguments[1]]), arguments[2], "seq_cst")
        return context.get_dummy_value()

    return types.none(pointer, types.uint64, types.uint64), generate
