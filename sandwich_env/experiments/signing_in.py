"""Before a run begins or goes on: what it is made of is written down, or seen to be what it began with."""

from __future__ import annotations

from sandwich_env.errors import SpecError
from sandwich_env.experiments.about import about
from sandwich_env.experiments.config import RunConfig, config_to_plain
from sandwich_env.experiments.contenders import Contenders
from sandwich_env.experiments.engine_marks import Engines, check_engines
from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.reading_back import reading

SWEEP = "study.json"
"""What the folder of a sweep holds and that of a run does not."""


def check_made_of(contenders: Contenders, engines: Engines | None) -> None:
    """See that engines are those of the sweep that a run belongs to, if they were looked at there.

    Raises:
        SpecError: one is another.
    """
    if engines is not None:
        check_engines(contenders.engines(), engines, "the sweep")


def sign_in(config: RunConfig, folder: RunFolder, contenders: Contenders, engines: Engines | None = None) -> None:
    """Write down what runs here, or see that it ran here before. The config comes last: with it, it is a run.

    Args:
        config: of the run.
        folder: where it runs.
        contenders: who takes part.
        engines: what the engines are to be; None where nobody has looked.

    Raises:
        SpecError: other weights or engines, or the folder is a sweep's; the text says which.
        DataError: what was written down is damaged or gone.
        EngineError: an engine does not start.
        OSError: a file cannot be written.
    """
    check_made_of(contenders, engines)
    weights, mine = contenders.fingerprints(), contenders.engines()
    where = f"the run in {str(folder.root)!r}"
    if not folder.config.is_file():
        if (folder.root / SWEEP).is_file():  # whose about.json would be overwritten
            raise SpecError(f"{str(folder.root)!r} holds a sweep: give another folder")
        write_json(folder.about, about(weights) | {"engines": mine})
        write_json(folder.config, config_to_plain(config))
        return
    with reading(folder.about, folder.root):
        began = read_json(folder.about)
        known = dict(began["weights"])
    for name, mark in weights.items():
        if known.get(name) != mark:
            raise SpecError(f"the weights {name!r} are not those that {where} began with")
    if "engines" in began:  # earlier versions did not write them down
        check_engines(mine, began["engines"], where)
