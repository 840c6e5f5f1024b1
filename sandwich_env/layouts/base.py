"""What a layout is: a pure rewriting of what is seen, and of the space that describes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sandwich_env.errors import SpecError
from sandwich_env.specs import Spec, Specified, from_spec

Arrays: TypeAlias = dict[str, NDArray[Any]]
"""What is seen in N games: an array with a first axis of N for each key."""

MASK = "action_mask"
BOARD = "observation"


class Layout(Specified, ABC):
    """Another form of the same observations. It keeps no state: what it gives depends on what it is given alone.

    Attributes:
        tells: whether it moves anything to the infos (`told`).
    """

    tells: bool = False

    @abstractmethod
    def space(self, space: spaces.Dict) -> spaces.Space[Any]:
        """The space of one game's observations in this layout, from that of the observations it is given.

        Raises:
            SpecError: the layout cannot be put over such observations; the text says what to do.
        """

    @abstractmethod
    def __call__(self, seen: Arrays) -> Any:
        """The observations of N games in this layout: an array, or a dict of them, with a first axis of N.

        Args:
            seen: arrays with a first axis of N for each key. They are not written to.
        """

    def settled(self, space: spaces.Dict) -> Layout:
        """The layout for observations of a space: itself, or one that has read off the space what was left open."""
        return self

    def told(self, seen: Arrays) -> Arrays:
        """What the layout moves from the observations of N games to their infos: an array [N, ...] for each key."""
        return {}


class Stack(Layout):
    """Several layouts, of which each is given what the one before it gives.

    Args:
        layouts: layouts or their specs, in the order in which they work.

    Raises:
        SpecError: none is given, or one is none.
    """

    def __init__(self, layouts: list[Layout | Spec]) -> None:
        if not layouts:
            raise SpecError("no layout is given: name at least one")
        self.layouts = [from_spec(layout, Layout) for layout in layouts]
        self.tells = any(layout.tells for layout in self.layouts)

    def space(self, space: spaces.Dict) -> spaces.Space[Any]:
        return self.over(space)[1]

    def settled(self, space: spaces.Dict) -> Stack:
        return self.over(space)[0]

    def over(self, space: spaces.Space[Any]) -> tuple[Stack, spaces.Space[Any]]:
        """The layouts for observations of a space, with what was left open read off it, and the space that they give.

        Raises:
            SpecError: a layout cannot be put over what the ones before it give.
        """
        shown, settled, before = space, [], "the environment"
        for layout in self.layouts:
            if not isinstance(shown, spaces.Dict):
                raise SpecError(
                    f"{type(layout).__name__} wants a Dict, and {before} gives {shown}: give all layouts to one "
                    "wrap(), those that leave a single array last"
                )
            settled.append(layout.settled(shown))
            shown, before = settled[-1].space(shown), type(layout).__name__
        return Stack([*settled]), shown

    def __call__(self, seen: Arrays) -> Any:
        for layout in self.layouts:
            seen = layout(seen)
        return seen

    def told(self, seen: Arrays) -> Arrays:
        return self.both(seen)[1]

    def both(self, seen: Arrays) -> tuple[Any, Arrays]:
        """The observations, and what moves to the infos, each layout being asked once."""
        told: Arrays = {}
        for layout in self.layouts:
            told |= layout.told(seen)
            seen = layout(seen)
        return seen, told


def without(space: spaces.Dict, *keys: str) -> dict[str, spaces.Space[Any]]:
    """The parts of a space but for some."""
    return {key: part for key, part in space.spaces.items() if key not in keys}


def need(layout: Layout, space: spaces.Dict, key: str, why: str) -> spaces.Space[Any]:
    """A part of a space that a layout cannot do without.

    Raises:
        SpecError: it is not there.
    """
    if key not in space.spaces:
        raise SpecError(f"{type(layout).__name__} wants {key!r} among {sorted(space.spaces)}: {why}")
    return space.spaces[key]


def board_axis(layout: Layout, space: spaces.Dict) -> int:
    """Where the channels of the board's planes are: 2 in [8, 8, C], 0 in [C, 8, 8].

    Raises:
        SpecError: the planes are packed, flat or not there.
    """
    board = box(layout, space)
    shape = board.shape
    if board.dtype == np.uint8 and len(shape) == 2:
        raise SpecError(
            f"{type(layout).__name__} wants the board's planes unpacked, not {board}: make the environment with "
            "observation_format='planes'"
        )
    if len(shape) != 3 or 8 not in (shape[0], shape[2]):
        raise SpecError(
            f"{type(layout).__name__} wants the board's planes as [8, 8, C] or [C, 8, 8], not {board}: put it first"
        )
    return 2 if shape[:2] == (8, 8) else 0


def box(layout: Layout, space: spaces.Dict) -> spaces.Box:
    """The space of the board's planes.

    Raises:
        SpecError: it is no Box.
    """
    board = need(layout, space, BOARD, "it goes over the board's planes")
    if not isinstance(board, spaces.Box):
        raise SpecError(f"{type(layout).__name__} wants a Box under {BOARD!r}, not {board}")
    return board


def tree_row(tree: Any, i: int) -> Any:
    """Row i of an array, or of each array in nested dicts: views."""
    if isinstance(tree, Mapping):
        return {key: tree_row(part, i) for key, part in tree.items()}
    return tree[i]


def alone(seen: Mapping[str, Any]) -> Arrays:
    """One game's observation as a batch of one: views where the parts are arrays."""
    return {key: np.asarray(part)[None] for key, part in seen.items()}
