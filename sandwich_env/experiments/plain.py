"""Configs as plain data: dataclasses from YAML or JSON and back, every key checked."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from sandwich_env.errors import DataError, MissingExtraError, SpecError, did_you_mean
from sandwich_env.specs import Specified

T = TypeVar("T")


def from_plain(cls: type[T], data: Mapping[str, Any], where: str = "the config") -> T:
    """A config dataclass from plain data.

    Args:
        cls: the dataclass; its fields may be dataclasses in their turn.
        data: a value for each field that is not to have its default.
        where: what the data are, for error texts.

    Raises:
        SpecError: an unknown key (with the nearest right one), a key missing, or a value of another type.
    """
    if not isinstance(data, Mapping):
        raise SpecError(f"{where} is {data!r}: it must be a mapping of keys to values")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise SpecError(f"unknown key {key!r} in {where}: {did_you_mean(str(key), fields)}")
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in data:
            raise SpecError(f"{where} lacks the key {name!r}")
    return cls(**{key: _typed(hints[key], value, f"{key!r} in {where}") for key, value in data.items()})


def _typed(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return from_plain(hint, value, where)  # type: ignore[arg-type]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _of_union(arguments, value, where)
    if origin is typing.Literal:
        if value not in arguments:
            raise SpecError(f"{where} is {value!r}: {did_you_mean(str(value), map(str, arguments))}")
        return value
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise SpecError(f"{where} is {value!r}: it must be a list")
        return tuple(_typed(arguments[0], item, where) for item in value)
    return _simple(origin or hint, value, where)


def _of_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    errors = []
    for argument in arguments:
        if argument is type(None):
            continue
        try:
            return _typed(argument, value, where)
        except SpecError as error:
            errors.append(error)
    raise errors[0]


def _simple(kind: Any, value: Any, where: str) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SpecError(f"{where} is {value!r}: it must be {_WORDS.get(kind, kind.__name__)}")
    return value


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}


def to_plain(value: Any) -> Any:
    """A config, or anything in one, as JSON can hold it."""
    if isinstance(value, Specified):
        return value.to_spec()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def read_plain(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file (by its name).

    Raises:
        DataError: the file is not there, or holds something else.
        MissingExtraError: a YAML file, and no pyyaml to read it with.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError) as error:
        raise DataError(f"{str(path)!r} is no config that can be read: {error}") from error
    try:
        data = _from_json(text, path) if path.suffix == ".json" else _from_yaml(text, path)
    except _TwiceError as error:
        raise DataError(f"{str(path)!r} has the key {error.key!r} twice in one mapping: name each once") from error
    if not isinstance(data, dict):
        raise DataError(f"{str(path)!r} holds {type(data).__name__}: a config is a mapping of keys to values")
    return data


def _from_json(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_mapping_once)
    except json.JSONDecodeError as error:
        raise DataError(f"{str(path)!r} is not JSON: {error}") from error


def _from_yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyyaml", "train") from error

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # as safe as its base: plain data and no objects
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            written = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            _refuse_twice([((key.tag, key.value), key.value) for key in written])  # 1 and "1" are two keys
            return super().construct_mapping(node, deep)

    # YAML 1.2 and JSON read 1e-3 as a number; pyyaml, which is of YAML 1.1, wants a point in it.
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise DataError(f"{str(path)!r} is not YAML: {error}") from error


_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$")


class _TwiceError(Exception):
    def __init__(self, key: Any) -> None:
        self.key = key


def _mapping_once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    _refuse_twice([(key, key) for key, _ in pairs])
    return dict(pairs)


def _refuse_twice(keys: list[tuple[Any, Any]]) -> None:
    """Of a key that stands in a mapping twice, a reader would take the last without a word.

    Args:
        keys: what tells each from the others, and how it is written.
    """
    seen = set()
    for key, written in keys:
        if key in seen:
            raise _TwiceError(written)
        seen.add(key)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """The keys in which two plain configs differ, dotted, with both values."""
    found: list[tuple[str, Any, Any]] = []
    for key in dict.fromkeys([*one, *other]):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            found += differences(mine, theirs, f"{prefix}{key}.")
        elif mine != theirs:
            found.append((f"{prefix}{key}", mine, theirs))
    return found
