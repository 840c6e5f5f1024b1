"""The advisor channel as planes behind the board's, for libraries and networks that look at nothing else."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from sandwich_env.advisors.base import NO_MOVE
from sandwich_env.errors import SpecError
from sandwich_env.layouts.base import BOARD, MASK, Arrays, Layout, board_axis, box, need, without
from sandwich_env.nets.geometry import PLANES, from_to_pairs
from sandwich_env.rules import NUM_ACTIONS
from sandwich_env.specs import check_count, check_flag

Floats = NDArray[np.float32]

# What is in the planes, all seen from the mover's side, as the board's planes are:
#
#   FROM         1 on the square that the advised move leaves
#   TO           1 on the square that it goes to
#   PROMOTION    3 planes: 1 on that square where the move makes a knight, a bishop or a rook of a pawn
#                (a queen is what a pawn becomes otherwise)
#   MOVE_GIVEN   1 everywhere where a move is given
#   VALUE_GIVEN  1 everywhere where a value is given
#   VALUE        the value everywhere, from -1 to 1; 0 where none is given
#   QUERIES      the share of the budget of queries that is left, everywhere; 0 where there is none to spend
#   MAY_ASK      1 everywhere where a query is among the actions that are legal now
FROM, TO, PROMOTION, MOVE_GIVEN, VALUE_GIVEN, VALUE, QUERIES, MAY_ASK = 0, 1, 2, 5, 6, 7, 8, 9
ADVICE_PLANES = 10

_ADVICE = ("advice_move", "advice_value", "advice_available")
_LEFT = "queries_left"
_UNDERPROMOTION = 64  # the first of the nine planes of actions that are underpromotions
_PIECES = 3


@functools.cache
def _squares() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each action: the squares that it leaves and goes to, 0 to 63 on the planes' image, and what is promoted to.

    The last is 0, 1 or 2 for knight, bishop or rook, and -1 for no underpromotion. [4672] each.
    """
    pairs = from_to_pairs()
    plane = np.arange(NUM_ACTIONS) % PLANES
    piece = np.where(plane >= _UNDERPROMOTION, (plane - _UNDERPROMOTION) % _PIECES, -1)
    return pairs // 64, pairs % 64, piece


def move_planes(move: ArrayLike) -> Floats:
    """The planes of advised moves: where from, where to, and what a pawn becomes.

    Args:
        move: int [N], actions; 4672 where there is none.

    Returns:
        float32 [N, 5, 8, 8]; all 0 where there is no move. `moves_of` turns it back.
    """
    moves = np.asarray(move, dtype=np.int64)
    planes = np.zeros((len(moves), 5, 64), dtype=np.float32)
    rows = np.flatnonzero(moves != NO_MOVE)
    source, target, piece = (table[moves[rows]] for table in _squares())
    planes[rows, FROM, source] = 1
    planes[rows, TO, target] = 1
    promoting = piece >= 0
    planes[rows[promoting], PROMOTION + piece[promoting], target[promoting]] = 1
    return planes.reshape(-1, 5, 8, 8)


def moves_of(planes: NDArray[Any]) -> NDArray[np.int64]:
    """The advised moves in planes that `move_planes` or `AdvicePlanes` made; 4672 where there is none.

    Args:
        planes: [N, C, 8, 8], of which the first five are looked at.
    """
    flat = planes.reshape(len(planes), planes.shape[1], 64)
    given = (flat[:, FROM] != 0).any(axis=1)
    pair = flat[:, FROM].argmax(axis=1) * 64 + flat[:, TO].argmax(axis=1)
    pieces = (flat[:, PROMOTION : PROMOTION + _PIECES] != 0).any(axis=2)
    piece = np.where(pieces.any(axis=1), pieces.argmax(axis=1), -1)
    return np.where(given, _actions()[pair, piece + 1], NO_MOVE)


@functools.cache
def _actions() -> NDArray[np.int64]:
    """The action for each pair of squares, and no underpromotion, knight, bishop or rook, [4096, 4]; else `NO_MOVE`."""
    source, target, piece = _squares()
    on_board = source != target  # an action that leaves the board is given no target
    actions = np.full((64 * 64, _PIECES + 1), NO_MOVE, dtype=np.int64)
    actions[(source * 64 + target)[on_board], piece[on_board] + 1] = np.flatnonzero(on_board)
    return actions


def advice_planes(seen: Arrays, budget: int | None = None) -> Floats:
    """The ten planes of `AdvicePlanes` alone, float32 [N, 10, 8, 8].

    Args:
        seen: the advisor channel of N games, and their masks where there is a budget.
        budget: how many queries a player begins with; None where there is no limit or no asking.

    Raises:
        SpecError: queries are counted, and `budget` does not say what the count begins with.
    """
    count = len(seen["advice_move"])
    planes = np.zeros((count, ADVICE_PLANES, 8, 8), dtype=np.float32)
    given = seen["advice_available"].astype(np.bool_)
    planes[:, : PROMOTION + _PIECES] = move_planes(np.where(given[:, 0], seen["advice_move"], NO_MOVE))
    value = np.where(given[:, 1], seen["advice_value"].reshape(count), 0)
    whole: list[tuple[int, NDArray[Any]]] = [(MOVE_GIVEN, given[:, 0]), (VALUE_GIVEN, given[:, 1]), (VALUE, value)]
    if _LEFT in seen:
        whole.append((QUERIES, _share(seen[_LEFT].reshape(count), budget)))
        whole.append((MAY_ASK, np.any(seen[MASK][:, NUM_ACTIONS:], axis=1)))
    for plane, numbers in whole:
        planes[:, plane] = numbers[:, None, None]
    return planes


def _share(left: NDArray[Any], budget: int | None) -> NDArray[Any]:
    """What is left of the budget, from 0 to 1; a count below 0 says that there is no limit."""
    if budget is None:
        if left.max(initial=-1) > 0:
            raise SpecError(
                f"{left.max():g} queries are left, of how many is not said: give AdvicePlanes(budget=...) the budget "
                "of the protocol"
            )
        budget = 1
    return np.where(left < 0, 1.0, np.clip(left / max(budget, 1), 0, 1))


class AdvicePlanes(Layout):
    """The advisor channel as ten planes stacked behind those of the board, float32, from the mover's side.

    They are, in this order: the square that the advised move leaves; the one it goes to; three for what a pawn is
    promoted to (knight, bishop, rook); whether a move is given; whether a value is given; the value; the share of the
    budget of queries that is left; whether the player may ask now. The last five are the same on every square. A move
    can be read back exactly (`moves_of`).

    `advice_*` and `queries_left` leave the Dict, `action_mask` and whatever else there is stays. It goes over planes
    with the channels last (8, 8, C) and, after `ChannelsFirst`, first (C, 8, 8), which is cheaper.

    Args:
        budget: how many queries a player begins with, under the protocol "on_demand"; None (default) reads it off the
            space of the environment that is wrapped, where there is a limit.
        keep: whether `advice_*` and `queries_left` stay in the Dict as well.
    """

    def __init__(self, budget: int | None = None, keep: bool = False) -> None:
        self.budget = None if budget is None else check_count("budget", budget, least=0)
        self.keep = check_flag("keep", keep)

    def settled(self, space: spaces.Dict) -> AdvicePlanes:
        left = space.spaces.get(_LEFT)
        if self.budget is None and isinstance(left, spaces.Box) and np.isfinite(left.high).all():
            return AdvicePlanes(int(left.high.max()), self.keep)
        return self

    def space(self, space: spaces.Dict) -> spaces.Dict:
        axis = board_axis(self, space)
        for key in _ADVICE:
            need(self, space, key, "it is the advisor channel, which only players see")
        if _LEFT in space.spaces:
            need(self, space, MASK, "put it before the layout that takes the mask away")
        low, high = np.zeros((ADVICE_PLANES, 8, 8), np.float32), np.ones((ADVICE_PLANES, 8, 8), np.float32)
        low[VALUE] = -1
        if axis == 2:
            low, high = np.moveaxis(low, 0, 2), np.moveaxis(high, 0, 2)
        board = box(self, space)
        low = np.concatenate([board.low, low], axis=axis, dtype=np.float32)
        high = np.concatenate([board.high, high], axis=axis, dtype=np.float32)
        kept = space.spaces if self.keep else without(space, *_ADVICE, _LEFT)
        return spaces.Dict(dict(kept) | {BOARD: spaces.Box(low, high, dtype=np.float32)})

    def __call__(self, seen: Arrays) -> Arrays:
        board, planes = seen[BOARD], advice_planes(seen, self.budget)
        last = board.shape[1:3] == (8, 8)
        if last:
            planes = np.moveaxis(planes, 1, 3)
        stacked = np.concatenate([board, planes], axis=3 if last else 1, dtype=np.float32)
        kept = seen if self.keep else {key: part for key, part in seen.items() if key not in (*_ADVICE, _LEFT)}
        return kept | {BOARD: stacked}
