"""What a check found: for each of its rules how often it was looked at, and the first message where it was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.testing.equality import assert_same

Message = str | Callable[[], str]
_T = TypeVar("_T")


class Halt(Exception):  # noqa: N818 - not an error of its own: the rule that was broken is already noted
    """The environment raised, and the broken rule is noted: what was being played cannot go on."""


class Findings:
    """The rules of one check, held against an environment.

    A check that is called for its verdict raises at the first broken rule. One that is called for a list of all of them
    (`collect=True`) notes the first message of each and goes on.

    Args:
        rules: what each rule says, by its name.
        collect: whether to go on after a broken rule.
        waive: names of rules that the environment is known to break: they are not looked at.

    Attributes:
        held: how often each rule was looked at.
        broken: the first message of each rule that was broken.
        games: how many games were played.
        steps: how many steps were taken in them.

    Raises:
        SpecError: a waived rule that does not exist.
    """

    def __init__(self, rules: Mapping[str, str], *, collect: bool = False, waive: Collection[str] = ()) -> None:
        for name in waive:
            if name not in rules:
                raise SpecError(f"unknown rule {name!r} to waive: {did_you_mean(name, rules)}")
        self.rules = rules
        self.collect = collect
        self.waived = frozenset(waive)
        self.held: Counter[str] = Counter()
        self.broken: dict[str, str] = {}
        self.games = 0
        self.steps = 0

    def expect(self, rule: str, right: object, said: Message) -> bool:
        """Note that `rule` was looked at, and, unless it is `right`, what is `said` of it (called only then).

        Raises:
            AssertionError: it is not right, and the findings are not collected.
        """
        if rule not in self.rules:
            raise KeyError(f"unknown rule {rule!r}: {did_you_mean(rule, self.rules)}")
        if rule in self.waived:
            return True
        self.held[rule] += 1
        if right:
            return True
        if rule not in self.broken:
            self.broken[rule] = said() if callable(said) else said
        if not self.collect:
            raise AssertionError(f"{self.broken[rule]} [{rule}]")
        return False

    def same(self, rule: str, first: Any, second: Any, where: str) -> bool:
        """Expect two structures to be the same to the bit; see `assert_same`."""
        try:
            assert_same(first, second, where)
        except AssertionError as error:
            return self.expect(rule, False, str(error))
        return self.expect(rule, True, where)

    def attempt(self, rule: str, call: Callable[[], _T], where: Message) -> _T:
        """What `call` returns; that it raises breaks the rule, and ends what is being checked.

        Raises:
            AssertionError: it raised.
            Halt: it raised, and the findings are collected.
        """
        try:
            result = call()
        except Exception as error:
            said = where() if callable(where) else where
            self.expect(rule, False, f"{said} raised {type(error).__name__}: {error}")
            raise Halt(rule) from error
        self.expect(rule, True, where)
        return result

    def refused(self, rule: str, call: Callable[[], object], where: Message) -> bool:
        """Expect `call` to raise."""
        try:
            call()
        except Exception:
            return self.expect(rule, True, where)
        return self.expect(rule, False, lambda: f"{where() if callable(where) else where} was taken")

    def not_reached(self) -> list[str]:
        """The rules that were never looked at, because nothing came up that they speak of."""
        return [rule for rule in self.rules if rule not in self.held and rule not in self.waived]
