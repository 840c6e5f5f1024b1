"""Channels first, flat, and the mask elsewhere: their spaces and what is in them."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from sandwich_env import layouts
from sandwich_env.envs.advisor_seat_spaces import advisor_observation_space
from sandwich_env.envs.observing import observation_space
from sandwich_env.errors import SpecError
from sandwich_env.layouts import AdvicePlanes, ChannelsFirst, Flat, Layout, MaskInInfo, NestedMask, Stack
from sandwich_env.rules import Games
from sandwich_env.specs import from_spec

COUNT = 5
PLAIN = observation_space()
ALL = {
    "advice planes": [AdvicePlanes()],
    "kept": [AdvicePlanes(keep=True)],
    "channels first": [ChannelsFirst()],
    "history 3": [ChannelsFirst(3)],
    "flat": [Flat()],
    "mask in info": [MaskInInfo()],
    "nested": [NestedMask()],
    "planes, first": [AdvicePlanes(), ChannelsFirst(1)],
    "first, planes": [ChannelsFirst(1), AdvicePlanes()],
    "a box": [AdvicePlanes(), ChannelsFirst(), MaskInInfo()],
    "a vector": [ChannelsFirst(1), AdvicePlanes(), Flat(), MaskInInfo()],
    "rllib": [ChannelsFirst(1), AdvicePlanes(), Flat(), NestedMask("observations")],
}


def samples(space=PLAIN, count=COUNT):
    space.seed(1)
    drawn = [space.sample() for _ in range(count)]
    return {key: np.stack([np.asarray(one[key]) for one in drawn]) for key in drawn[0]}


@pytest.mark.parametrize("name", ALL)
def test_what_comes_out_is_in_the_space_and_a_batch_is_its_rows(name):
    stack = Stack(ALL[name])
    space, seen = stack.space(PLAIN), samples()
    for part in seen.values():
        part.flags.writeable = False
    shown, told = stack.both(seen)
    for i in range(COUNT):
        one = layouts.base.tree_row(shown, i)
        assert space.contains(one), (space, one)
        again, told_again = stack.both({key: part[i : i + 1] for key, part in seen.items()})
        np.testing.assert_equal(layouts.base.tree_row(again, 0), one)
        np.testing.assert_equal(layouts.base.tree_row(told_again, 0), layouts.base.tree_row(told, i))
    assert set(told) == ({"action_mask"} if stack.tells else set())
    np.testing.assert_equal(stack(seen), shown)
    np.testing.assert_equal(stack.told(seen), told)


@pytest.mark.parametrize("name", ALL)
def test_specs_round_trip(name):
    spec = Stack(ALL[name]).to_spec()
    assert from_spec(spec, Layout).to_spec() == spec
    np.testing.assert_equal(from_spec(spec, Layout)(samples()), Stack(ALL[name])(samples()))


def test_history_one_is_what_the_shipped_networks_see():
    games = Games(3)
    for _ in range(4):
        games.step(games.sample(np.arange(3)))
    seen = samples(count=3) | {"observation": games.observe()}
    wanted = np.moveaxis(games.observe(history=1), 3, 1).astype(np.float32)
    np.testing.assert_array_equal(ChannelsFirst(history=1)(seen)["observation"], wanted)
    stacked = Stack([AdvicePlanes(), ChannelsFirst(history=1)])(seen)["observation"]
    np.testing.assert_array_equal(stacked[:, :20], wanted)
    np.testing.assert_array_equal(stacked[:, 20:], layouts.advice_planes(seen))
    assert stacked.dtype == np.float32
    assert stacked.flags.c_contiguous


def test_both_orders_of_planes_are_one():
    seen = samples()
    ways = [Stack(way)(seen)["observation"] for way in (ALL["planes, first"], ALL["first, planes"])]
    np.testing.assert_array_equal(*ways)


def test_flat_by_hand():
    seen = samples()
    flat = Flat()(seen)
    vector = flat["observation"]
    assert vector.shape == (COUNT, 8 * 8 * 111 + 2 + 4673 + 1)
    assert set(flat) == {"observation", "action_mask"}
    np.testing.assert_array_equal(vector[:, :7104], seen["observation"].reshape(COUNT, -1))
    np.testing.assert_array_equal(vector[:, 7104:7106], seen["advice_available"])
    np.testing.assert_array_equal(vector[:, 7106:-1].argmax(axis=1), seen["advice_move"])
    assert (vector[:, 7106:-1].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(vector[:, -1:], seen["advice_value"])
    assert Stack(ALL["a vector"]).space(PLAIN).shape == (1920,)


def test_flat_serves_the_advisors_seat():
    space = advisor_observation_space("planes")
    seen = samples(space)
    vector = Flat()(seen)["observation"]
    assert Flat().space(space)["observation"].shape == vector.shape[1:]


def test_flat_with_a_panel():
    panel = {"panel_move": spaces.MultiDiscrete([4673] * 2), "panel_available": spaces.MultiBinary((2, 2))}
    space = spaces.Dict(dict(PLAIN.spaces) | panel)
    seen = samples(space)
    stack = Stack([AdvicePlanes(), Flat()])
    shape = stack.space(space)["observation"].shape
    assert shape == (121 * 64 + 2 * 4673 + 4,) == stack(seen)["observation"].shape[1:]


def test_where_one_array_is_left_it_is_the_observation():
    left = Stack([AdvicePlanes(), MaskInInfo()])
    assert isinstance(left.space(PLAIN), spaces.Box)
    assert left(samples()).shape == (COUNT, 8, 8, 121)
    assert isinstance(MaskInInfo().space(PLAIN), spaces.Dict)
    nested = NestedMask("observations").space(PLAIN)
    assert set(nested) == {"observations", "action_mask"}
    assert isinstance(nested["observations"], spaces.Dict)
    flat = Stack(ALL["rllib"]).space(PLAIN)
    assert set(flat) == {"observations", "action_mask"}
    assert flat["observations"].shape == (1920,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Stack([]), "name at least one"),
        (lambda: Stack(["flatt"]), "did you mean 'flat'"),
        (lambda: Stack(["uniform"]), "which is no Layout"),
        (lambda: ChannelsFirst(0), "history is 0"),
        (lambda: ChannelsFirst(9), "history is 9: an observation holds 8"),
        (lambda: NestedMask("action_mask"), "key is 'action_mask'"),
        (lambda: NestedMask(""), "key is ''"),
        (lambda: Stack([MaskInInfo(), NestedMask()]).space(PLAIN), "NestedMask wants 'action_mask'"),
        (lambda: Stack([Flat(), MaskInInfo(), Flat()]).space(PLAIN), "Flat wants a Dict, and MaskInInfo gives Box"),
        (lambda: Stack([ChannelsFirst(), ChannelsFirst()]).space(PLAIN), "channels first already"),
        (lambda: Stack([NestedMask(), Flat()]).space(PLAIN), "Flat cannot make a part of a vector of 'observation'"),
        (lambda: ChannelsFirst().space(observation_space("packed")), "observation_format='planes'"),
        (
            lambda: ChannelsFirst().space(spaces.Dict({"observation": spaces.Box(0, 1, (8, 8, 20))})),
            "the 111 planes of a board",
        ),
        (lambda: Flat().space(spaces.Dict({"observation": spaces.Discrete(7)})), "'observation', which is Discrete"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(SpecError, match=words):
        make()
