"""Before a sweep begins or goes on: its study is written down, or seen to go on from what is in the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandwich_env.errors import DataError, SpecError
from sandwich_env.experiments.about import about
from sandwich_env.experiments.engine_marks import Engines, check_engines
from sandwich_env.experiments.folder import RunFolder, read_json, write_json
from sandwich_env.experiments.plain import differences
from sandwich_env.experiments.studies.checking import Marks
from sandwich_env.experiments.studies.folder import SweepFolder
from sandwich_env.experiments.studies.grid import Grid
from sandwich_env.experiments.studies.study import Study, study_from, study_to_plain

UNCOMPARED = ("attempts",)
"""Keys of a study that no result depends on."""

KEPT = "keep"
"""The key of a study that says what of finished arms is removed, which may not differ: what is gone is gone."""


def sign_in(folder: SweepFolder, study: Study, grid: Grid, marks: Marks, engines: Engines | None = None) -> list[str]:
    """Write down which study runs in a folder and with what, or see that it goes on from what is there.

    A study may have changed as long as every arm that has begun is one of its arms still: so a study can grow by
    seeds, dials, kinds, protocols, methods, controls and novices.

    Args:
        folder: the sweep's.
        study: what is to run there.
        grid: its cells and arms.
        marks: what the weights, openings and puzzles of all arms are.
        engines: what the engines are.

    Returns:
        Lines for the reader: that the study has changed, that another version of the package has worked here.

    Raises:
        SpecError: a study that lacks arms which have begun, or other weights, openings, puzzles or engines (the text
            names what differs), or the folder is a run's.
        DataError: what the sweep began with is damaged or gone.
    """
    parts: dict[str, dict[str, Any]] = {"files": dict(marks.files), "engines": dict(engines or {})}
    mine = about(dict(marks.weights)) | parts | {"arms": len(grid.arms)}
    if not folder.study.is_file():
        if RunFolder(folder.root).config.is_file():  # whose about.json would be overwritten
            raise SpecError(f"{str(folder.root)!r} holds a run: give another folder")
        write_json(folder.about, mine)
        write_json(folder.study, study_to_plain(study))
        return []
    changed = _changes(folder, study)
    known = _known(folder)
    if changed:
        _check_arms(folder, grid, changed)
    _check_made_of(folder, mine, known, grown=bool(changed))
    said = _other_versions(mine, known)
    if not changed:
        return said
    # What it began with stays as it was written: the arms that are new add to it.
    added = {part: {**known.get(part, {}), **mine[part]} for part in ("weights", *parts)}
    write_json(folder.about, known | added | {"arms": len(grid.arms)})
    write_json(folder.study, study_to_plain(study))
    return [f"The study has changed, and all arms that have begun are in it: {'; '.join(changed.values())}.", *said]


def _changes(folder: SweepFolder, study: Study) -> dict[str, str]:
    """In what the study differs from the one that ran here last: by the key, what it was and is."""
    recorded = study_from(read_json(folder.study), repr(str(folder.study)))
    mine, theirs = (
        {key: value for key, value in study_to_plain(one).items() if key not in UNCOMPARED} for one in (study, recorded)
    )
    return {key: f"{key} was {old!r} and is now {new!r}" for key, new, old in differences(mine, theirs)}


def _check_arms(folder: SweepFolder, grid: Grid, changed: Mapping[str, str]) -> None:
    """See that a study that has changed holds all that has begun.

    The arms of the recorded study are not made for it: whoever the folder is from could have put code of theirs there.
    """
    text = f"the sweep in {str(folder.root)!r} was begun with another study: {'; '.join(changed.values())}. "
    if KEPT in changed:
        raise SpecError(f"{text}Go on with the old one, or give another folder")
    lacking = folder.begun() - {arm.id for arm in grid.arms}
    if lacking:
        of_them = f"{len(lacking)} of the arms that have begun {'is' if len(lacking) == 1 else 'are'}"
        raise SpecError(
            f"{text}A study may grow in its folder, and {of_them} not among those of this one. "
            f"Go on with the old one, or give another folder"
        )


def _known(folder: SweepFolder) -> dict[str, Any]:
    """What the sweep began with."""
    what = "with which weights and files the sweep began: put it back, or give another folder"
    if not folder.about.is_file():
        raise DataError(f"{str(folder.about)!r} is not there, which says {what}")
    known = read_json(folder.about)
    if not all(isinstance(known.get(part, {}), dict) for part in ("weights", "files", "engines")):
        raise DataError(f"{str(folder.about)!r} is damaged, which says {what}")
    return {"weights": {}, "files": {}} | known


def _check_made_of(folder: SweepFolder, mine: Mapping[str, Any], known: Mapping[str, Any], *, grown: bool) -> None:
    """See that weights, files and engines are those it began with; what a study that has grown adds is new."""
    for part, what in (("weights", "the weights"), ("files", "the file")):
        for name, mark in mine[part].items():
            if known[part].get(name, mark if grown else None) != mark:
                raise SpecError(
                    f"{what} {name!r} are not what the sweep in {str(folder.root)!r} began with: "
                    f"put them back, or give another folder"
                )
    if "engines" in known:  # earlier versions did not write them down
        engines = {name: mark for name, mark in mine["engines"].items() if not grown or name in known["engines"]}
        check_engines(engines, known["engines"], f"the sweep in {str(folder.root)!r}")


def _other_versions(mine: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    keys = ("sandwich_env", "python", "libraries")
    one, other = ({key: about.get(key) for key in keys} for about in (mine, known))
    changed = [f"{key} was {old} and is now {new}" for key, new, old in differences(one, other)]
    return [f"Other versions than at the start: {'; '.join(changed)}."] if changed else []
