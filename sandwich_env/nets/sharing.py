"""One evaluator for all who ask the same network, and what it remembers.

H plays a copy of itself, an advisor and a scorer hold the same expert, two specs name the same weights: all of them
share one evaluator in the process, so that a position is run through the network once, however many ask.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sandwich_env.nets.residual import PolicyValueNetwork
from sandwich_env.nets.running import NetworkRunner, Precision, pick_device, pick_dtype

REMEMBERED = 4096
"""Positions whose answers an evaluator keeps, the latest asked about: four batches of 1024, about 3 MB."""

Answer = tuple[float, bytes]
"""A value, and the logits of the legal actions: float32, as they lie in memory."""

Key = tuple[bytes, str, str]
"""What tells evaluators apart: a digest of the weights, the device, the precision."""


class SharedEvaluator:
    """A network that runs each position once, and remembers the latest answers.

    A position is known by exactly what the network is shown, bit by bit, and by the legal actions that it is asked
    about: no hash stands for them, so no answer can be another position's. Answers have the bits that the network
    would give again. Threads take turns.

    Args:
        runner: runs the network.
        key: under which it is shared; None for one that is not.
        remembered: how many positions are kept.

    Attributes:
        evaluations: positions that were run through the network.
    """

    def __init__(self, runner: NetworkRunner, key: Key | None = None, remembered: int = REMEMBERED) -> None:
        self.runner = runner
        self.key = key
        self.evaluations = 0
        self._remembered = remembered
        self.forget()

    def forget(self) -> None:
        """Begin anew, with nothing remembered and nobody's turn."""
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._threads = torch.get_num_threads()

    def __len__(self) -> int:
        """How many positions are remembered."""
        return len(self._answers)

    def evaluate(
        self, planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the legal actions, and values.

        Args:
            planes: bool [N, 8, 8, 20], from `Games.observe(history=1)`.
            actions: uint16 [M], the legal actions of all games, one game after the other.
            counts: int64 [N], how many of them each game has.

        Returns:
            float32 [M] and float32 [N].
        """
        keys = position_keys(planes, actions, counts)
        with self._lock:
            if self._threads != torch.get_num_threads():  # other sums, so other bits
                self._answers.clear()
                self._threads = torch.get_num_threads()
            answers = self._recall(keys)
            rows = _first_rows(keys, answers)
            if len(rows):
                fresh = self._run(rows, planes, actions, counts)
                self._keep(keys, rows, fresh)
                news = {keys[row]: answer for row, answer in zip(rows, fresh, strict=True)}
                answers = [news[key] if answer is None else answer for key, answer in zip(keys, answers, strict=True)]
        found = [answer for answer in answers if answer is not None]
        logits = np.frombuffer(b"".join([logits for _, logits in found]), dtype=np.float32)
        return logits, np.array([value for value, _ in found], dtype=np.float32)

    def _recall(self, keys: Sequence[bytes]) -> list[Answer | None]:
        known = self._answers
        answers = [known.get(key) for key in keys]
        for key, answer in zip(keys, answers, strict=True):
            if answer is not None:
                known.move_to_end(key)
        return answers

    def _run(
        self, rows: list[int], planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]
    ) -> list[Answer]:
        if len(rows) < len(counts):
            chosen = np.zeros(len(counts), dtype=np.bool_)
            chosen[rows] = True
            planes, actions, counts = planes[chosen], actions[np.repeat(chosen, counts)], counts[chosen]
        logits, values = self.runner.run_legal(planes, actions, counts)
        self.evaluations += len(rows)
        return list(zip(values.tolist(), _pieces(logits, counts), strict=True))

    def _keep(self, keys: Sequence[bytes], rows: list[int], answers: list[Answer]) -> None:
        known = self._answers
        for row, answer in zip(rows, answers, strict=True):
            known[keys[row]] = answer
        while len(known) > self._remembered:
            known.popitem(last=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles join the evaluator that is shared already, where there is one. No answers travel."""
        return _join, (self.key, self.runner)


def position_keys(planes: NDArray[np.bool_], actions: NDArray[np.uint16], counts: NDArray[np.int64]) -> list[bytes]:
    """All that is asked about each position: its planes, eight squares to a byte, and its legal actions. [N]"""
    shown = np.packbits(planes.reshape(len(planes), math.prod(planes.shape[1:])), axis=1)
    width, bits = shown.shape[1], shown.tobytes()
    asked = _pieces(actions, counts)
    return [bits[i * width : (i + 1) * width] + legal for i, legal in enumerate(asked)]


def _pieces(array: NDArray[Any], counts: NDArray[np.int64]) -> list[bytes]:
    """The bytes of an array [M], cut into N pieces of `counts` [N] elements each."""
    content, ends = array.tobytes(), (np.cumsum(counts) * array.itemsize).tolist()
    return [content[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def _first_rows(keys: Sequence[bytes], answers: Sequence[Answer | None]) -> list[int]:
    """The first row of each position that has no answer, ascending."""
    first: dict[bytes, int] = {}
    for row, (key, answer) in enumerate(zip(keys, answers, strict=True)):
        if answer is None:
            first.setdefault(key, row)
    return list(first.values())


class _Registry:
    """The evaluators of this process. They live while somebody holds them."""

    def __init__(self) -> None:
        self._shared: weakref.WeakValueDictionary[Key, SharedEvaluator] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def join(self, key: Key, make: Callable[[], NetworkRunner]) -> SharedEvaluator:
        """The evaluator of this key; a new one where there is none."""
        with self._lock:
            evaluator = self._shared.get(key)
            if evaluator is None:
                evaluator = self._shared[key] = SharedEvaluator(make(), key)
            return evaluator

    def after_fork(self) -> None:
        """In the child: locks that other threads held would never be released, what they guard may be half written."""
        self._lock = threading.Lock()
        for evaluator in list(self._shared.values()):
            evaluator.forget()


_registry = _Registry()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_registry.after_fork)


def share(network: PolicyValueNetwork, device: str = "auto", precision: Precision = "auto") -> SharedEvaluator:
    """The evaluator of all networks with these weights, on this device, in this precision. It lives while it is held.

    Args:
        network: as it is now; training it on changes nothing here.
        device: "auto", "cpu", "cuda" or any other that torch knows.
        precision: "auto" takes bfloat16 on a GPU that has it, float32 elsewhere.

    Raises:
        SpecError: no such device or precision.
    """
    where = pick_device(device)
    key = (digest(network), str(where), str(pick_dtype(where, precision)))
    return _registry.join(key, lambda: NetworkRunner(network, device, precision))


def digest(network: PolicyValueNetwork) -> bytes:
    """SHA-256 of a network's shape and of every number in it."""
    content = hashlib.sha256(json.dumps(network.shape.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(network.state_dict().items()):
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        content.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return content.digest()


def _join(key: Key | None, runner: NetworkRunner) -> SharedEvaluator:
    """What a copy or a pickle of an evaluator comes back as."""
    return SharedEvaluator(runner) if key is None else _registry.join(key, lambda: runner)
