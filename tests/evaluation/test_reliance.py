from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.evaluation.intervals import wilson
from sandwich_env.evaluation.reliance import measure_reliance


@dataclass
class Seen:
    asked: NDArray[np.bool_]
    advice_move: NDArray[np.int64]
    advice_available: NDArray[np.int8]
    followed: NDArray[np.bool_]
    own_move: NDArray[np.int64]


@dataclass
class Truth:
    tampered: NDArray[np.bool_]
    honest_move: NDArray[np.int64]


@dataclass
class Scored:
    seen: Seen
    truth: Truth


# asked, advised (-1: a value only), honest, tampered, own, played
PLIES = [
    (1, 10, 10, 0, 10, 10),  # right advice that H had in mind too
    (1, 10, 10, 0, 11, 10),  # right advice, H lets itself be told
    (1, 10, 10, 0, 11, 11),  # right advice, H does not
    (1, 12, 10, 1, 11, 12),  # wrong advice, followed
    (1, 12, 10, 1, 11, 11),  # wrong advice, not followed
    (1, 12, 10, 1, 11, 10),  # wrong advice, H plays yet another move
    (1, 10, 10, 1, -1, 10),  # tampered with, and right by chance; H did not say what it had in mind
    (1, -1, 10, 1, 11, 11),  # only a value was told
    (0, -1, -1, 0, 11, 11),  # nobody asked
    (0, -1, -1, 0, 11, 11),
]


def corpus(plies: list[tuple[int, ...]]) -> Scored:
    table = np.array(plies, dtype=np.int64).reshape(-1, 6)
    asked, advised, honest, tampered, own, played = table.T
    available = np.stack([advised >= 0, asked == 1], axis=1).astype(np.int8)
    move = np.where(advised >= 0, advised, 4672)
    return Scored(
        Seen(asked == 1, move, available, (advised >= 0) & (played == advised), own), Truth(tampered == 1, honest)
    )


@pytest.mark.parametrize(
    ("name", "hits", "count"),
    [
        ("asked", 8, 10),
        ("tampered", 5, 8),
        ("honest_move", 4, 7),
        ("followed", 4, 7),
        ("followed_honest", 2, 3),
        ("followed_tampered", 2, 4),
        ("followed_right", 3, 4),
        ("followed_wrong", 1, 3),
        ("switched_right", 1, 2),
        ("switched_wrong", 1, 3),
    ],
)
def test_shares_by_hand(name: str, hits: int, count: int) -> None:
    found = getattr(measure_reliance(corpus(PLIES)), name)
    assert (found.value, found.count) == (hits / count, count)
    assert found.interval == wilson(hits, count)


def test_without_advice_there_is_nothing_to_rely_on() -> None:
    found = measure_reliance(corpus(PLIES[-2:]))
    assert found.asked is not None
    assert found.asked.value == 0.0
    assert found.followed is found.tampered is found.switched_wrong is None
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["followed"] is None
    assert plain["asked"]["count"] == 2
    assert measure_reliance(corpus([])).asked is None
