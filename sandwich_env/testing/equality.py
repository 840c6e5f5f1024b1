"""Comparing what environments return, down to the last bit."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds


def assert_same(first: Any, second: Any, where: str) -> None:
    """Raise AssertionError at the first difference in type, shape, dtype or value; `where` names the place."""
    assert type(first) is type(second), f"{where}: {type(first).__name__} here, {type(second).__name__} there"
    if isinstance(first, dict):
        assert first.keys() == second.keys(), f"{where}: keys {sorted(first)} here, {sorted(second)} there"
        for key in first:
            assert_same(first[key], second[key], f"{where}[{key!r}]")
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), f"{where}: {len(first)} items here, {len(second)} there"
        for k, (a, b) in enumerate(zip(first, second, strict=True)):
            assert_same(a, b, f"{where}[{k}]")
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype, f"{where}: dtype {first.dtype} here, {second.dtype} there"
        assert first.shape == second.shape, f"{where}: shape {first.shape} here, {second.shape} there"
        if first.dtype == object:
            assert_same(first.ravel().tolist(), second.ravel().tolist(), where)
        else:
            same = first is second or first.tobytes() == second.tobytes()
            assert same, f"{where}: the arrays differ, {first} here, {second} there"
    else:
        assert first == second, f"{where}: {first!r} here, {second!r} there"


def is_same(first: Any, second: Any) -> bool:
    """Whether two structures are the same to the bit."""
    try:
        assert_same(first, second, "")
    except AssertionError:
        return False
    return True


def digest(data: Any) -> str:
    """A hash of nested dicts, lists, tuples, arrays and plain values, the same in every process."""
    hashed = hashlib.sha256()

    def feed(part: Any) -> None:
        hashed.update(type(part).__name__.encode())
        if isinstance(part, dict):
            for key in part:
                feed(key)
                feed(part[key])
        elif isinstance(part, (list, tuple)):
            for one in part:
                feed(one)
        elif isinstance(part, np.ndarray) and part.dtype == object:
            feed(part.tolist())
        elif isinstance(part, np.ndarray):
            hashed.update(f"{part.dtype}{part.shape}".encode() + part.tobytes())
        else:
            hashed.update(repr(part).encode())

    feed(data)
    return hashed.hexdigest()


def arrays_in(data: Any) -> list[np.ndarray[Any, Any]]:
    """Every array in nested dicts, lists, tuples and object arrays."""
    if isinstance(data, dict):
        return [array for value in data.values() for array in arrays_in(value)]
    if isinstance(data, (list, tuple)):
        return [array for value in data for array in arrays_in(value)]
    if isinstance(data, np.ndarray):
        inner = [array for value in data.ravel() for array in arrays_in(value)] if data.dtype == object else []
        return [data, *inner]
    return []


def assert_not_shared(first: Any, second: Any, where: str) -> None:
    """Raise AssertionError if an array in `first` shares memory with one in `second`."""
    for a in arrays_in(first):
        for b in arrays_in(second):
            assert not np.may_share_memory(a, b), f"{where}: arrays of two calls share memory"


def shared_memory(arrays: list[np.ndarray[Any, Any]]) -> bool:
    """Whether two of the arrays hold an element in common that one could change; read-only ones may."""
    spans = [(*_bounds(array), array) for array in arrays if array.size and array.flags.writeable]
    spans.sort(key=lambda span: span[:2])
    for k, (_, high, array) in enumerate(spans):
        for low, _, other in spans[k + 1 :]:
            if low >= high:
                break
            if array is other or np.shares_memory(array, other):
                return True
    return False


def _bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The first byte of an array and the one after its last."""
    if array.flags.c_contiguous:  # as good as all are, and NumPy's own function takes ten times as long
        low = array.__array_interface__["data"][0]
        return low, low + array.nbytes
    return byte_bounds(array)
