"""Where the mask is: each library looks for it in another place."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces

from sandwich_env.errors import SpecError
from sandwich_env.layouts.base import BOARD, MASK, Arrays, Layout, need, without

_WHY = "it is what the layout puts elsewhere"


class MaskInInfo(Layout):
    """`action_mask` moves from the observation to the info, where AgileRL looks for it.

    It is also the layout for whoever asks the environment itself (`action_masks()`), as sb3-contrib does: a mask
    that stays in the observation is 4,672 inputs more. Where `observation` alone is left, the observation is that
    array, and no Dict. A vector environment's infos tell of the games that a call was about: after a reset of some,
    the mask there is that of these alone.
    """

    tells = True

    def space(self, space: spaces.Dict) -> spaces.Space[Any]:
        need(self, space, MASK, _WHY)
        rest = without(space, MASK)
        return rest[BOARD] if list(rest) == [BOARD] else spaces.Dict(rest)

    def __call__(self, seen: Arrays) -> Any:
        return _rest(seen)

    def told(self, seen: Arrays) -> Arrays:
        return {MASK: seen[MASK]}


class NestedMask(Layout):
    """A Dict of two keys, `action_mask` and `key`, with all else in the second.

    Where only `observation` is left for it, that array alone is under `key`, else a Dict.

    Args:
        key: "observation" (default), as PettingZoo's tutorials and Tianshou have it; RLlib's action masking wants
            "observations".

    Raises:
        SpecError: `key` is no name, or "action_mask".
    """

    def __init__(self, key: str = BOARD) -> None:
        if not isinstance(key, str) or not key or key == MASK:
            raise SpecError(f"key is {key!r}: it must be a name other than {MASK!r}, such as 'observations'")
        self.key = key

    def space(self, space: spaces.Dict) -> spaces.Dict:
        mask = need(self, space, MASK, _WHY)
        rest = without(space, MASK)
        inner = rest[BOARD] if list(rest) == [BOARD] else spaces.Dict(rest)
        return spaces.Dict({self.key: inner, MASK: mask})

    def __call__(self, seen: Arrays) -> Arrays:
        return {self.key: _rest(seen), MASK: seen[MASK]}


def _rest(seen: Arrays) -> Any:
    rest = {key: part for key, part in seen.items() if key != MASK}
    return rest[BOARD] if list(rest) == [BOARD] else rest
