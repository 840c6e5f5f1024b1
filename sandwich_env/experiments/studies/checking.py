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
    """Make the contenders of every arm, each combination of E, H and A once, and close them again.

    Returns:
        The SHA-256 of every file of weights, and of the files of openings and puzzles, by the names they are given by.

    Raises:
        SandwichError: something cannot be made; the text says of which arm it is.
    """
    weights: dict[str, str] = {}
    files: dict[str, str] = {}
    seen: set[str] = set()
    for arm in arms:
        # The seed says nothing about who takes part, and methods and protocols are made with the grid.
        key = json.dumps([arm.plain[part] for part in ("expert", "novice", "advisor", "book", "evaluate")])
        if key in seen:
            continue
        seen.add(key)
        config = arm.config(Path("arm"))
        try:
            contenders = Contenders.of(config)
        except SandwichError as error:
            raise type(error)(f"the arm with the advisor {config.advisor!r} cannot be made: {error}") from error
        try:
            weights |= contenders.fingerprints()
        finally:
            contenders.close()
        for given in (config.book, config.evaluate.puzzles):
            if given is not None and str(given) != "default":
                files[str(given)] = hashlib.sha256(Path(given).read_bytes()).hexdigest()
    return weights, files
