"""Specs of advisors with their dials turned, and what can be told of them: whether they are honest, what they touch."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandwich_env.advisors.base import Advisor, Honest, Wrapper
from sandwich_env.advisors.gate import Gate
from sandwich_env.advisors.panel import Panel
from sandwich_env.errors import SpecError, did_you_mean
from sandwich_env.experiments.naming import parse_spec
from sandwich_env.experts.base import Expert
from sandwich_env.learning.methods.base import Method
from sandwich_env.specs import Spec, class_of, parts_of

HONEST = "honest"
"""The advisor of every arm whose misalignment does nothing."""


def whole_spec(spec: Spec) -> dict[str, Any]:
    """The same spec as a mapping, whichever way it was written; so is what it holds of its own sort.

    Raises:
        SpecError: an unknown kind, or no spec at all.
    """
    parsed = parse_spec(spec) if isinstance(spec, str) else spec
    whole: dict[str, Any] = {"kind": parsed} if isinstance(parsed, str) else dict(parsed)
    cls = class_of(whole)
    for name in _inside(cls):
        held = whole.get(name)
        if isinstance(held, (str, Mapping)):
            whole[name] = whole_spec(held)
        elif isinstance(held, (list, tuple)):
            whole[name] = [whole_spec(one) if isinstance(one, (str, Mapping)) else one for one in held]
    return whole


def _inside(cls: type) -> tuple[str, ...]:
    """The parameters of an advisor that are advisors, of a method that are methods."""
    if issubclass(cls, Method):
        return ("methods", "play")
    if issubclass(cls, Gate):
        return ("wrapper",)
    if issubclass(cls, Wrapper):
        return ("inner",)
    return ("members",) if issubclass(cls, Panel) else ()


def spec_text(spec: Spec) -> str:
    """A spec in few words: a name, `name:key=value`, or JSON where it is nested."""
    if isinstance(spec, str):
        return spec
    arguments = {key: value for key, value in spec.items() if key != "kind"}
    if any(isinstance(value, (Mapping, list, tuple)) for value in arguments.values()):
        return json.dumps(dict(spec))
    words = ",".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in arguments.items()
    )
    return f"{spec.get('kind')}:{words}" if words else str(spec.get("kind"))


def turned(spec: Mapping[str, Any], dial: str, value: float) -> dict[str, Any]:
    """An advisor's whole spec with a dial at a value.

    Raises:
        SpecError: there is no such dial, or the value lies outside of its ends.
    """
    path = [int(part) if part.isdigit() else part for part in dial.split(".")]
    holder = _at(spec, path[:-1], dial)
    cls = class_of(holder)
    dials: Mapping[str, tuple[float, float]] = getattr(cls, "dials", {})
    name = str(path[-1])
    if name not in dials:
        raise SpecError(f"{holder['kind']!r} has no dial {name!r}: {did_you_mean(name, dials)}")
    least, most = sorted(dials[name])
    if not least <= value <= most:
        raise SpecError(
            f"the dial {dial!r} of {spec['kind']!r} is set to {value!r}: it goes from {dials[name][0]:g}, where advice "
            f"is honest, to {dials[name][1]:g}"
        )
    changed: dict[str, Any] = _with(spec, path, int(value) if float(value).is_integer() else float(value))
    return changed


def _at(spec: Any, path: Sequence[str | int], dial: str) -> Any:
    for part in path:
        try:
            spec = spec[part]
        except (KeyError, IndexError, TypeError) as error:
            raise SpecError(f"the dial {dial!r} names {part!r}, which is not in {spec!r}") from error
    if not isinstance(spec, Mapping):
        raise SpecError(f"the dial {dial!r} names {spec!r}, which is no advisor")
    return spec


def _with(spec: Any, path: Sequence[str | int], value: float) -> Any:
    if not path:
        return value
    if isinstance(spec, Mapping):
        return {**spec, str(path[0]): _with(spec.get(str(path[0])), path[1:], value)}
    return [_with(one, path[1:], value) if i == path[0] else one for i, one in enumerate(spec)]


def is_honest(spec: Mapping[str, Any]) -> bool:
    """Whether an advisor (a whole spec) says what E knows: each of its wrappers has a dial at its honest end."""
    cls = class_of(spec)
    if issubclass(cls, Honest):
        return "expert" not in spec
    if issubclass(cls, Gate):
        held = spec.get("wrapper")
        if not isinstance(held, Mapping):
            return False
        return is_honest(held) or (_at_an_end(cls, spec) and _holds_honest(held))
    if issubclass(cls, Wrapper):
        return _at_an_end(cls, spec) and _holds_honest(spec)
    if issubclass(cls, Panel):
        members = spec.get("members")
        return isinstance(members, list) and all(isinstance(one, Mapping) and is_honest(one) for one in members)
    return False


def _holds_honest(spec: Mapping[str, Any]) -> bool:
    inner = spec.get("inner", {"kind": HONEST})
    return isinstance(inner, Mapping) and is_honest(inner)


def _at_an_end(cls: type[Wrapper], spec: Mapping[str, Any]) -> bool:
    parameters = inspect.signature(cls).parameters
    settings = {name: p.default for name, p in parameters.items()} | dict(spec)
    return any(settings.get(name) == honest for name, (honest, _) in cls.dials.items())


def changes_of(advisor: Advisor, expert: Expert) -> set[str]:
    """Which parts of an answer, "move" and "value", may differ from what `expert` would say."""
    changed: set[str] = set()
    for part in parts_of(advisor):
        if isinstance(part, Wrapper):
            changed.update(part.changes)
        elif isinstance(part, Advisor) and not (isinstance(part, Panel) or _repeats(part, expert)):
            changed.update(("move", "value"))  # a user's own advisor says what it likes
    return changed


def _repeats(advisor: Advisor, expert: Expert) -> bool:
    return isinstance(advisor, Honest) and advisor.expert is expert
