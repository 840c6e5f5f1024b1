"""Random numbers that belong to a game: their distributions, and what they do not depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sandwich_env.randomness import Streams, mix

N = 20_000


def streams(n: int = N, seed: int = 0) -> Streams:
    return Streams(mix(seed, np.arange(n)))


def test_keys_are_the_same_in_every_version_and_on_every_machine() -> None:
    assert mix(0).tolist() == [10451216379200822465]
    assert mix(1, 2, "advisor").tolist() == [1296496667353221157]
    np.testing.assert_array_equal(mix(7, np.arange(3)), [mix(7, i)[0] for i in range(3)])


@pytest.mark.parametrize("few", [2, 3, 8, 9])
def test_keys_of_a_few_are_those_of_many(few: int) -> None:
    big, small = np.arange(40, dtype=np.uint64) + np.uint64(2**63), np.arange(-20, 20)
    parts: list[tuple[Any, ...]] = [(big, small), (3, small, "name", big), (big, 7, np.array([5])), (small > 0, "x")]
    for given in parts:
        cut = [part[:few] if isinstance(part, np.ndarray) and part.size == 40 else part for part in given]
        np.testing.assert_array_equal(mix(*cut), mix(*given)[:few])
    np.testing.assert_array_equal(mix(big[:few], small[:, None]), mix(big, small[:, None])[:, :few])
    with pytest.raises(TypeError, match="a key is mixed from"):
        mix(big[:few], 1.5)


def test_keys_differ_by_every_part_and_by_their_order() -> None:
    keys = [
        mix(1, 2),
        mix(2, 1),
        mix(1),
        mix(1, 2, 0),
        mix("a", "b"),
        mix("b", "a"),
        mix(1, "a"),
        mix(-1),
        mix(mix(1, 2)),
    ]
    assert len({int(key[0]) for key in keys}) == len(keys)
    assert len(np.unique(mix(np.arange(1000)[:, None], np.arange(1000)))) == 10**6


def test_keys_take_the_whole_range_of_64_bits() -> None:
    assert mix(2**64 - 1)[0] == mix(-1)[0]
    assert mix(2**63)[0] != mix(0)[0]


@pytest.mark.parametrize("part", [1.5, np.array([0.5]), None, 2**64])
def test_keys_are_made_of_whole_numbers(part: object) -> None:
    with pytest.raises(TypeError, match="a key is mixed from names and 64-bit integers, not from"):
        mix(1, part)  # type: ignore[arg-type]


def test_uniform_numbers() -> None:
    rng = streams()
    drawn = np.stack([rng.random() for _ in range(5)])
    assert 0 <= drawn.min() < drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=4 * (1 / 12 / drawn.size) ** 0.5)
    assert drawn.std() == pytest.approx(12**-0.5, rel=0.01)
    correlation = np.corrcoef(drawn)
    assert np.abs(correlation - np.eye(5)).max() < 4 / N**0.5
    neighbours = np.corrcoef(drawn[0, :-1], drawn[0, 1:])[0, 1]
    assert abs(neighbours) < 4 / N**0.5


def test_integers() -> None:
    drawn = streams().integers(7)
    times = np.bincount(drawn, minlength=7)
    assert len(times) == 7
    assert ((times - N / 7) ** 2 / (N / 7)).sum() < 22.5  # the 99.9 % point for 6 degrees of freedom
    high = np.arange(1, 11)
    assert (streams(10).integers(high) < high).all()
    assert streams(10).integers(1).tolist() == [0] * 10


def test_normal_numbers() -> None:
    drawn = streams(4000).normal(np.ones((4000, 5), dtype=bool))
    assert drawn.mean() == pytest.approx(0, abs=4 / drawn.size**0.5)
    assert drawn.std() == pytest.approx(1, rel=4 / (2 * drawn.size) ** 0.5)
    assert (np.abs(drawn) < 1).mean() == pytest.approx(0.6827, abs=0.015)
    assert (np.abs(drawn) > 3).mean() == pytest.approx(0.0027, abs=0.0015)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(5)).max() < 4 / 4000**0.5


def test_a_normal_number_does_not_depend_on_the_other_columns() -> None:
    mask = np.random.default_rng(0).random((30, 40)) < 0.3
    some, every = streams(30).normal(mask), streams(30).normal(np.ones_like(mask))
    np.testing.assert_array_equal(some, np.where(mask, every, 0.0))


def test_choice_is_uniform_over_the_true_columns() -> None:
    mask = np.zeros((N, 50), dtype=bool)
    columns = [3, 4, 17, 49]
    mask[:, columns] = True
    mask[0] = False
    drawn = streams().choice(mask)
    assert drawn[0] == -1
    times = np.array([(drawn == column).sum() for column in columns])
    assert times.sum() == N - 1
    assert ((times - N / 4) ** 2 / (N / 4)).sum() < 16.3  # the 99.9 % point for 3 degrees of freedom


def test_choice_of_nothing() -> None:
    assert streams(3).choice(np.zeros((3, 5), dtype=bool)).tolist() == [-1, -1, -1]
    assert streams(0).choice(np.zeros((0, 5), dtype=bool)).shape == (0,)


@pytest.mark.filterwarnings("error")
def test_sample_follows_the_softmax() -> None:
    logits = np.array([-np.inf, 0.0, 1.0, -1.0, -np.inf, 0.5])
    rows = np.broadcast_to(logits, (N, 6)).astype(np.float32)
    for temperature in (0.5, 1.0, 3.0):
        drawn = streams().sample(rows, temperature)
        weights = np.exp(logits / temperature)
        expected = N * weights / weights.sum()
        times = np.bincount(drawn, minlength=6)
        assert times[[0, 4]].tolist() == [0, 0]
        able = expected > 0
        assert ((times - expected)[able] ** 2 / expected[able]).sum() < 16.3


@pytest.mark.filterwarnings("error")
def test_sample_at_its_limits() -> None:
    rows = np.array([[-np.inf, -np.inf], [-np.inf, 0.0], [1e30, -1e30], [0.0, 1e-3]], dtype=np.float32)
    for seed in range(20):
        assert streams(4, seed).sample(rows, 1e-310).tolist() == [-1, 1, 0, 1]


DRAWS: dict[str, Callable[[Streams], NDArray[np.float64]]] = {
    "random": lambda rng: rng.random(),
    "integers": lambda rng: rng.integers(1000),
    "choice": lambda rng: rng.choice(np.ones((len(rng), 500), dtype=bool)),
    "normal": lambda rng: rng.normal(np.ones((len(rng), 3), dtype=bool)),
    "sample": lambda rng: rng.sample(np.zeros((len(rng), 500))),
    "child": lambda rng: rng.child("other", 3).random(),
    "generators": lambda rng: np.array([one.random() for one in rng.generators()]),
}


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_are_the_same_alone_in_a_batch_and_in_any_order(name: str) -> None:
    draw = DRAWS[name]
    rng = streams(16)
    rng.random()
    order = np.random.default_rng(0).permutation(16)
    mixed, alone = rng.select(order), [rng.select([row]) for row in range(16)]
    first, second = draw(rng), draw(rng)
    np.testing.assert_array_equal(draw(mixed), first[order])
    np.testing.assert_array_equal(draw(mixed), second[order])
    np.testing.assert_array_equal(np.concatenate([draw(one) for one in alone]), first)


def test_children_are_independent_of_each_other_and_of_their_parent() -> None:
    rng = streams()
    drawn = np.stack(
        [rng.random(), rng.child("a").random(), rng.child("b").random(), rng.child(1).random(), rng.random()]
    )
    assert np.abs(np.corrcoef(drawn) - np.eye(5)).max() < 4 / N**0.5
    np.testing.assert_array_equal(rng.child("a").random(), drawn[1])
    assert not np.isin(rng.child(1).keys, mix(rng.keys, 1)).any()


def test_a_boolean_mask_selects_too() -> None:
    rng = streams(4)
    np.testing.assert_array_equal(rng.select(np.array([True, False, True, False])).random(), rng.random()[[0, 2]])


def test_each_page_of_a_stream_is_a_stream_of_its_own() -> None:
    keys, pages = mix(0, np.arange(50)), np.arange(50) % 7
    together, apart = Streams(keys, pages), [Streams(keys, page) for page in range(7)]
    drawn = []
    for _ in range(2):
        numbers = np.array([stream.random() for stream in apart])
        assert len(np.unique(numbers)) == 350
        np.testing.assert_array_equal(together.random(), numbers[pages, np.arange(50)])
        np.testing.assert_array_equal(together.seeds(), apart[0].seeds())
        for stream in apart[1:]:
            stream.seeds()
        drawn.append(numbers)
    assert not np.array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(Streams(keys).random(), drawn[0][0])
    np.testing.assert_array_equal(Streams(keys, lambda: pages).random(), drawn[0][pages, np.arange(50)])
    some = np.array([3, 12, 40])
    np.testing.assert_array_equal(together.select(some).random(), together.random()[some])
    children = together.child("a").random()
    np.testing.assert_array_equal(children[pages == 2], apart[2].child("a").random()[pages == 2])


def test_seeds_are_new_at_each_call() -> None:
    rng = streams(100)
    assert len(np.unique([rng.seeds() for _ in range(20)])) == 2000


def test_normal_numbers_at_some_places_are_those_of_the_whole_table():
    keys = mix(7, np.arange(5))
    table = Streams(keys).normal(np.ones((5, 30), dtype=np.bool_))
    rows, columns = np.array([4, 0, 0, 2]), np.array([29, 0, 7, 7], dtype=np.uint16)
    assert np.array_equal(Streams(keys).normal_at(rows, columns), table[rows, columns])
    assert len(Streams(keys).normal_at([], [])) == 0
    with pytest.raises(IndexError, match="from 0 to 4"):
        Streams(keys).normal_at([5], [0])
    with pytest.raises(ValueError, match=r"\(2,\)"):
        Streams(keys).normal_at([1, 2], [0])


def test_children_and_selections_keep_the_keys_that_they_come_from() -> None:
    keys = mix(5, np.arange(4))
    streams = Streams(keys)
    np.testing.assert_array_equal(streams.origin, keys)
    rows = np.array([2, 0])
    later = streams.child("player", 1).select(rows).child(17)
    np.testing.assert_array_equal(later.origin, keys[rows])
    assert not np.isin(later.keys, keys).any()


def test_keys_mixed_anew_for_each_ply_may_say_which_game_they_are_of() -> None:
    keys = mix(5, np.arange(4))
    plies = [Streams(mix(keys, "player", ply), origin=keys) for ply in range(3)]
    for ply, streams in enumerate(plies):
        np.testing.assert_array_equal(streams.random(), Streams(mix(keys, "player", ply)).random())
        np.testing.assert_array_equal(streams.child("more").select([1, 3]).origin, keys[[1, 3]])
