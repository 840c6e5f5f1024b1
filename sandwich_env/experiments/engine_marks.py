"""Which engines take part: what each calls itself, and the SHA-256 of its program. An engine is E as weights are."""

from __future__ import annotations

import functools
import hashlib
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import chess.engine

from sandwich_env.errors import EngineError, SpecError
from sandwich_env.experts.engine import START_S
from sandwich_env.experts.uci import DEFAULT_ENGINE, UciExpert, find_engine
from sandwich_env.specs import Specified, parts_of

Engines = Mapping[str, Mapping[str, Any]]
"""What UCI engines are, by the name that each is given by: the `name` that it calls itself, and the `sha256` of its
program and of the files among its arguments and options, by the files' names."""


def engines_among(things: Iterable[Specified]) -> Engines:
    """What the engines are that stand among things, or inside of them.

    Raises:
        EngineError: an engine does not start.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for part in (part for thing in things for part in parts_of(thing)):
        if isinstance(part, UciExpert):
            command = find_engine(part.path)
            options = [f"{name}={value}" for name, value in part.options.items() if _is_file(value)]
            beside = [text for text in command[1:] if _is_file(text)]
            beside += [str(value) for value in part.options.values() if _is_file(value)]
            found[shlex.join([*_given(part), *options])] = {
                "name": _name_of(command, tuple(map(_stamp, (command[0], *beside)))),
                "sha256": {Path(path).name: _hash_of(path, _stamp(path)) for path in (command[0], *beside)},
            }
    return found


def check_engines(mine: Engines, known: Engines, where: str) -> None:
    """See that engines are those that something began with.

    Raises:
        SpecError: one is another; the text names it, and what it was and is.
    """
    for name, mark in mine.items():
        before = known.get(name)
        if before != mark:
            was = "not there" if before is None else engine_text(before)
            raise SpecError(
                f"the engine {name!r} is not the one that {where} began with: it was {was} and is now "
                f"{engine_text(mark)}. Put the old one back, or give another folder"
            )


def engine_text(mark: Mapping[str, Any]) -> str:
    """An engine in words: what it calls itself, and the beginnings of its hashes."""
    return f"{mark['name']} ({', '.join(f'{file} {found[:12]}' for file, found in mark['sha256'].items())})"


def _given(expert: UciExpert) -> list[str]:
    """An engine's command as it was given: where its program was found may differ from computer to computer."""
    if expert.path is None:
        return [DEFAULT_ENGINE]
    return [str(expert.path)] if isinstance(expert.path, (str, Path)) else [str(part) for part in expert.path]


def _is_file(value: Any) -> bool:
    return isinstance(value, (str, Path)) and Path(value).is_file()


def _stamp(path: str) -> tuple[int, int]:
    """What changes when a file does."""
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns


@functools.cache
def _hash_of(path: str, stamp: tuple[int, int]) -> str:
    """Of a program, once for as long as it stays as it is: engines are large, and arms many."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@functools.cache
def _name_of(command: tuple[str, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    """What an engine calls itself, asked once."""
    try:
        engine = chess.engine.SimpleEngine.popen_uci(list(command), timeout=START_S)
    except (chess.engine.EngineError, TimeoutError, OSError) as error:
        why = str(error) or type(error).__name__
        raise EngineError(f"{command[0]!r} does not start as a UCI engine: {why}; give the path of one") from error
    try:
        return str(engine.id.get("name", command[0]))
    finally:
        engine.close()
