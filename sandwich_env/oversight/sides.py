"""What may differ from one side of a game to the other: one thing for both, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from sandwich_env.errors import SpecError, did_you_mean

T = TypeVar("T")

_NAMES = ("white", "black")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """What White has of something, and what Black has; None where that side has none.

    Attributes:
        closing: what is closed with it.
    """

    white: T | None = None
    black: T | None = None
    closing: tuple[Callable[[], None], ...] = ()

    @property
    def both(self) -> tuple[T | None, T | None]:
        """In the order of the seats."""
        return self.white, self.black

    def map(self, make: Callable[[T], Any]) -> Sides[Any]:
        """The same of each side after `make`; what that made anew is closed with it."""
        white, black = (None if one is None else make(one) for one in self.both)
        new = [made.close for made, given in zip((white, black), self.both, strict=True) if made and made is not given]
        return Sides(white, black, closing=tuple(new))

    def close(self) -> None:
        """Close what was made for it."""
        for close in self.closing:
            close()


ForSides: TypeAlias = T | Sides[T] | Mapping[str, T | None] | tuple[T | None, T | None] | None
"""One thing for both sides; or `Sides`, {"white": ..., "black": ...} (a side left out has none), or a pair."""


def is_for_each(given: object) -> bool:
    """Whether something is given for each side, and not one for both. A spec, which has a kind, is one."""
    if isinstance(given, Mapping):
        return "kind" not in given
    return isinstance(given, (Sides, tuple, list))


def sides_of(name: str, given: Any) -> Sides[Any]:
    """What each side has.

    Args:
        name: of the argument, for the error text.
        given: see `ForSides`.

    Raises:
        SpecError: another side than White and Black, or no pair.
    """
    if not is_for_each(given):
        return Sides(given, given)
    if isinstance(given, Sides):
        return given
    if isinstance(given, Mapping):
        for side in given:
            if side not in _NAMES:
                raise SpecError(f"{name} is {given!r}: unknown side {side!r}: {did_you_mean(str(side), _NAMES)}")
        return Sides(given.get("white"), given.get("black"))
    if len(given) != len(_NAMES):
        raise SpecError(f"{name} is {given!r}: give one for both sides, or a pair, White's and Black's")
    return Sides(*given)
