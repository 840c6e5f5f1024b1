"""`sandwich report` over a sweep: its figures as files, and one page of HTML that needs no other file."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandwich_env.experiments.columns import COLUMNS
from sandwich_env.experiments.folder import read_json
from sandwich_env.experiments.report import page, table, versions
from sandwich_env.experiments.studies.board import duration
from sandwich_env.experiments.studies.folder import SweepFolder, anchors_seconds
from sandwich_env.experiments.studies.sweep_log import read_log
from sandwich_env.experiments.studies.table import KEYS
from sandwich_env.experiments.sweep_report import look
from sandwich_env.experiments.sweep_report.arms_table import (
    HEADINGS,
    PREMIUM_HEADINGS,
    arm_lines,
    premium_lines,
    spent_text,
)
from sandwich_env.experiments.sweep_report.cells import DIVERGED, DONE, FAILED, UNFINISHED
from sandwich_env.experiments.sweep_report.figures import Drawn, draw_figures, main_measure
from sandwich_env.experiments.sweep_report.premium_rows import PremiumRow, premium_rows
from sandwich_env.experiments.sweep_report.results import Results, read_results
from sandwich_env.files import write_atomically

NAMED = 20
"""How many arms that failed are named with their errors."""

_STYLE = """
body { max-width: 75rem } table { font-size: .85rem } th, td { padding: .2rem .5rem }
details > summary { cursor: pointer; color: #555 } th:nth-child(-n+5), td:nth-child(-n+5) { text-align: left }
"""


def is_sweep(root: Path) -> bool:
    """Whether a folder is a sweep's, and not a run's."""
    folder = SweepFolder(root)
    return folder.study.is_file() or folder.results.is_file()


def report_sweep(root: Path) -> Path:
    """Draw the figures of a sweep, finished or not, and write its page; returns the page's path.

    Raises:
        DataError: there is no table in the folder yet, or a file is damaged.
        MissingExtraError: matplotlib or pyarrow is not installed.
        OSError: a file could not be written.
    """
    folder = SweepFolder(root)
    results = read_results(folder.results)
    drawn = []
    for figure in draw_figures(results):
        drawn.append(figure)
        for form, content in figure.files.items():
            write_atomically(root / "plots" / f"{figure.name}.{form}", content)
    # The study is shown and never made: its specs can name code, and the folder may be somebody else's.
    study = read_json(folder.study) if folder.study.is_file() else None
    about = read_json(folder.about) if folder.about.is_file() else None
    body = [
        f"<h1>{html.escape(results.study)}</h1>",
        *_standing(results, about, anchors_seconds(folder)),
        *_figures(drawn),
        *_premiums(results),
        *_arms(results),
        *_again(folder, results, study, about),
        "<h2>Columns of results.parquet</h2>",
        table(("column", "meaning"), list({**KEYS, **COLUMNS}.items())),
    ]
    path = root / "report.html"
    write_atomically(path, page(results.study, body, _STYLE))
    return path


def _standing(results: Results, about: Mapping[str, Any] | None, anchors: float) -> list[str]:
    """How far the sweep has come, what it took, and what went wrong."""
    known, done = len(results.arms), results.count(DONE)
    planned = None if about is None else about.get("arms")
    if isinstance(planned, int) and planned >= known:
        text = f"{done} of {planned} arms are done."
    else:
        planned, text = known, f"{done} of the {known} arms in the table are done."
    for status in (FAILED, DIVERGED, UNFINISHED):
        if results.count(status):
            text += f" {results.count(status)} {status}."
    if planned > known:
        text += f" Not done, and not in the table yet: {planned - known}."
    broken = [arm for arm in results.arms.values() if arm.status in (FAILED, DIVERGED)]
    notes = [f"{arm.name} {arm.status}: {arm.error}" for arm in broken[:NAMED]]
    if len(broken) > NAMED:
        notes.append(f"{len(broken) - NAMED} more failed or diverged; the column error says why.")
    counts = results.seeds_done
    spread = look.spread_text(counts)
    if counts[:1] == (1,) and len(counts) > 1:
        spread += f", or, where there is one seed, {look.OF_ONE}"
    shared = f" The anchors that they share took {duration(anchors)} more." if anchors else ""
    return [
        f"<p>{html.escape(text)} A cell of the map has {look.seeds_text(counts)} done. "
        f"Together they took {html.escape(spent_text(results.arms.values()))}.{shared}</p>",
        "<p>PGR, performance gap recovered, is 0 for H before it learnt and 1 for E. "
        f"Intervals are {html.escape(spread)}, where nothing else is said.</p>",
        *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
    ]


def _figures(drawn: Sequence[Drawn]) -> list[str]:
    body, part = [], ""
    for figure in drawn:
        if figure.part != part:
            part = figure.part
            body.append(f"<h2>{part}</h2>")
        data = base64.b64encode(figure.files["png"]).decode()
        caption = html.escape(figure.caption)
        image = f'<img src="data:image/png;base64,{data}" alt="{caption}">'
        body.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    return body


def _premiums(results: Results) -> list[str]:
    measure = main_measure(results)
    rows: list[PremiumRow] = premium_rows(results, measure) if measure else []
    if not rows:
        return []
    lines = premium_lines(rows)
    refused = dict.fromkeys(f"{row.noise}, {row.kind}, {row.method}: {row.refused}" for row in rows if row.refused)
    return [
        "<h2>Strategic premium</h2>",
        f"<p>PGR by {look.MEASURES[measure or '']} with noise less PGR with the kind, at advice that loses as much win "
        "probability. Above 0, not only how much harm is done counts but how it is dealt out.</p>",
        table(PREMIUM_HEADINGS, lines) if lines else "<p>There is none.</p>",
        _folded(f"Without a premium: {len(refused)}", [f"<p>{html.escape(why)}</p>" for why in refused]),
    ]


def _arms(results: Results) -> list[str]:
    lines = arm_lines(results)
    return [
        "<h2>Arms</h2>",
        f"<p>A line for each cell, over its seeds; what it took is the mean of an arm. † {look.ROUGH_MEANS}. "
        "‡ one seed: the interval is of its measurement alone. One arm may stand in "
        f"several cells: a dial at its honest end is the honest arm. {look.BORROWED} {look.BORROWED_MEANS}.</p>",
        _folded(f"{len(lines)} cells", [table(HEADINGS, lines)], opened=True),
        _folded(f"The whole names of {len(results.arms)} arms, which are those of their folders", _names(results)),
    ]


def _names(results: Results) -> list[str]:
    """Every arm by its whole name, with a cell that it stands in."""
    lines: dict[str, list[str]] = {}
    for cell in (*results.controls, *results.map):
        dial = "" if cell.dial_name is None else f"{cell.dial_name} {look.dial_text(cell.dial)}"
        kind = "" if cell.control else cell.kind
        for arm in cell.arms:
            place = [kind, dial, look.query_text(cell.query), cell.method, cell.novice]
            lines.setdefault(arm.name, [arm.name, *place, str(arm.seed)])
    return [table(("arm", "kind", "dial", "H asks", "method", "H", "seed"), list(lines.values()))] if lines else []


def _folded(title: str, body: Sequence[str], *, opened: bool = False) -> str:
    if not body:
        return ""
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{''.join(body)}</details>"


def _again(
    folder: SweepFolder, results: Results, study: Mapping[str, Any] | None, about: Mapping[str, Any] | None
) -> list[str]:
    commands = [
        f"sandwich sweep {shlex.quote(str(folder.study))} --out ANOTHER_FOLDER",
        "sandwich report ANOTHER_FOLDER",
    ]
    one = next(
        (arm.name for status in (DONE, UNFINISHED) for arm in results.arms.values() if arm.status == status), None
    )
    if one is not None:
        config = shlex.quote(str(folder.arm(one).config))
        commands += ["", "# one arm alone", f"sandwich run --config {config} --out ANOTHER_FOLDER"]
    body = ["<h2>How to get these numbers again</h2>", _code("\n".join(commands))]
    made = read_log(folder)
    if made:
        body += ["<p>Every command that made it:</p>", _code("\n".join(made))]
    if about is not None:
        body.append(f"<p>With {html.escape(versions(about))}.</p>")
    if study is not None:
        body += ["<h2>The study</h2>", _code(json.dumps(study, indent=2))]
    return body


def _code(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"
