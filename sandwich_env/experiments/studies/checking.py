"""Before a sweep begins: everybody who takes part is made once, and what they are made of is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from sandwich_env.errors import SandwichError
from sandwich_env.experiments.contenders import Contenders
from sandwich_env.experiments.studies.grid import Arm


def check_arms(arms: Iterable[Arm]) -> tuple[dict[str, str], dict[str, str]]:
    """Make the contenders of every arm, each combination of E, H and A at least once, and close them again.

    Returns:
        The SHA-256 of every file of weights, and of the files of openings and puzzles, by the names they are given by.

    Raises:
        SandwichError: something cannot be made; the text says of which arm it is.
    """
    weights: dict[str, str] = {}
    files: dict[str, str] = {}
    seen: set[str] = set()
    for arm in arms:
        plain = arm.plain
        keys = {
            json.dumps([plain[part] for part in ("expert", "novice", "advisor", "book", "evaluate")]),
            json.dumps([plain["method"], plain["advisor"] is None]),  # whether H is told what its method goes by
        }
        if keys <= seen:
            continue
        seen |= keys
        config = arm.config(Path("arm"))
        try:
            contenders = Contenders.of(config)
        except SandwichError as error:
            text = f"the arm of {config.advisor!r} and {config.method!r} cannot be made: {error}"
            raise SandwichError(text) from error
        try:
            weights |= contenders.fingerprints()
        finally:
            contenders.close()
        for given in (config.book, config.evaluate.puzzles):
            if given is not None and str(given) != "default":
                files[str(given)] = hashlib.sha256(Path(given).read_bytes()).hexdigest()
    return weights, files
